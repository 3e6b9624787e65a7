//! A parsed password hash: its kind, whether it can be verified within the limits, and whether it has the current strength.

use super::foreign::{Bcrypt, FirebaseScrypt, Pbkdf2, Scrypt};
use super::limits::{HASH_LEN, MAX_LANES, MAX_MEMORY, PRESENT, SALT_LEN, UnusableHash, bounded, sound_lengths};
use super::text::{base64, fields, number, numbers};
use crate::domain::secret::PasswordHash;
use argon2::{Algorithm, Params, Version};

/// The maximum number of passes of a stored hash.
const MAX_PASSES: u32 = 10;
const ARGON2_FORM: &str = "$argon2id$v=19$m=…,t=…,p=…$salt$hash";

/// Imports a hash of another system that can be verified at the next sign-in: Argon2id, Argon2i, Argon2d, scrypt and PBKDF2 as PHC
/// strings, bcrypt in modular crypt form, and Firebase's scrypt as
/// `$firescrypt$ln=…,r=…,p=…$salt$hash$salt separator$signer key`.
///
/// # Errors
/// If its kind is unknown, its form is wrong, or a number is outside the limits.
pub fn import(text: &str) -> Result<PasswordHash, UnusableHash> {
    Stored::read(text)?;
    Ok(PasswordHash::from_phc(text.to_owned()))
}

/// A parsed hash, by kind.
pub(super) enum Stored {
    Argon2(Argon2Hash),
    Bcrypt(Bcrypt),
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
    FirebaseScrypt(FirebaseScrypt),
}

impl Stored {
    /// `None` if it cannot be verified within the limits. Then nothing matches, after the same work.
    pub(super) fn parse(stored: &PasswordHash) -> Option<Self> {
        Self::read(stored.as_phc()).inspect_err(|error| tracing::error!(%error, "a stored password hash can't be used")).ok()
    }
    pub(super) fn read(text: &str) -> Result<Self, UnusableHash> {
        let fields = fields(text).ok_or(UnusableHash::Kind)?;
        let Some((kind, rest)) = fields.split_first() else { return Err(UnusableHash::Kind) };
        match *kind {
            "argon2id" => Argon2Hash::read(Algorithm::Argon2id, rest).map(Self::Argon2),
            "argon2i" => Argon2Hash::read(Algorithm::Argon2i, rest).map(Self::Argon2),
            "argon2d" => Argon2Hash::read(Algorithm::Argon2d, rest).map(Self::Argon2),
            "2a" | "2b" | "2y" => Bcrypt::read(rest).map(Self::Bcrypt),
            "2x" => Err(UnusableHash::Bcrypt2x),
            "scrypt" => Scrypt::read(rest).map(Self::Scrypt),
            "firescrypt" => FirebaseScrypt::read(rest).map(Self::FirebaseScrypt),
            digest => Pbkdf2::read(digest, rest)?.map(Self::Pbkdf2).ok_or(UnusableHash::Kind),
        }
    }
    /// Whether it is at least as strong as a new hash, so that it is kept.
    pub(super) fn is_present(&self) -> bool {
        match self {
            Self::Argon2(argon2) => argon2.is_present(),
            Self::Bcrypt(_) | Self::Scrypt(_) | Self::Pbkdf2(_) | Self::FirebaseScrypt(_) => false,
        }
    }
}

/// An Argon2 hash (RFC 9106).
pub(super) struct Argon2Hash {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) params: Params,
    pub(super) salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Argon2Hash {
    /// The current parameters, without a hash to compare with.
    pub(super) fn present(salt: [u8; SALT_LEN]) -> Self {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        Self { algorithm, version, params: PRESENT, salt: salt.to_vec(), hash: vec![0; HASH_LEN] }
    }
    fn read(algorithm: Algorithm, fields: &[&str]) -> Result<Self, UnusableHash> {
        let form = UnusableHash::Form(ARGON2_FORM);
        // Without a version it is the first one (16), as in the reference implementation.
        let (version, costs, salt, hash) = match fields {
            [version, costs, salt, hash] => {
                let version = version.strip_prefix("v=").and_then(number).ok_or(form)?;
                let known = Version::try_from(version).map_err(|_| UnusableHash::Version(version))?;
                (known, costs, salt, hash)
            }
            [costs, salt, hash] => (Version::V0x10, costs, salt, hash),
            _ => return Err(form),
        };
        let [memory, passes, lanes] = numbers(costs, ["m", "t", "p"], ARGON2_FORM)?;
        let (salt, hash) = (base64(salt, ARGON2_FORM)?, base64(hash, ARGON2_FORM)?);
        bounded("number of lanes", lanes.into(), 1, MAX_LANES.into())?;
        bounded("memory in KiB", memory.into(), u64::from(lanes) * 8, MAX_MEMORY.into())?;
        bounded("number of passes", passes.into(), 1, MAX_PASSES.into())?;
        sound_lengths(&salt, argon2::MIN_SALT_LEN, &hash)?;
        let params = Params::new(memory, passes, lanes, Some(hash.len())).map_err(|_| form)?;
        Ok(Self { algorithm, version, params, salt, hash })
    }
    fn is_present(&self) -> bool {
        matches!((self.algorithm, self.version), (Algorithm::Argon2id, Version::V0x13))
            && self.params.m_cost() >= PRESENT.m_cost()
            && self.params.t_cost() >= PRESENT.t_cost()
            && self.salt.len() >= SALT_LEN
            && self.hash.len() == HASH_LEN
    }
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;

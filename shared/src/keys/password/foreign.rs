//! Password hashes of other systems: bcrypt, scrypt, PBKDF2, and Firebase's scrypt.
//!
//! Each is parsed within limits ([`UnusableHash`] lists them), and computed exactly as its system does. No new hash is made in these
//! forms: after a sign-in the user gets an Argon2id hash.

use super::UnusableHash;
use super::limits::{MAX_LANES, MAX_MEMORY, bounded, sound_lengths};
use super::text::{base64, bcrypt_base64, numbers};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA1_OUTPUT_LEN, SHA256_OUTPUT_LEN, SHA512_OUTPUT_LEN};
use aws_lc_rs::iv::{FixedLength, IV_LEN_128_BIT};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const BCRYPT_FORM: &str = "$2b$cost$ and 53 characters of salt and hash";
const SCRYPT_FORM: &str = "$scrypt$ln=…,r=…,p=…$salt$hash";
const PBKDF2_FORM: &str = "$pbkdf2-sha256$i=…$salt$hash";
const FIREBASE_FORM: &str = "$firescrypt$ln=…,r=…,p=…$salt$hash$salt separator$signer key, hash and key of one length";

/// The maximum bcrypt cost: 2^14 rounds.
const MAX_BCRYPT_COST: u32 = 14;
/// Bytes of a password that bcrypt uses.
const BCRYPT_BYTES: usize = 72;
/// The maximum block size of scrypt. All systems use 8. The working space grows with it, in addition to the counted memory.
const MAX_BLOCK_SIZE: u32 = 64;
/// Bytes of the shortest salt. Old systems made short salts, and the hash is replaced at the first sign-in.
const MIN_SALT_LEN: usize = 4;
/// The maximum number of PBKDF2 iterations, over all blocks.
const MAX_ITERATIONS: u64 = 2_000_000;

/// A computation failed that cannot fail on a hash within the limits.
#[derive(Debug, thiserror::Error)]
#[error("{0} failed")]
pub(super) struct HashingFailed(pub(super) &'static str);

/// A bcrypt hash: `$2a$`, `$2b$` or `$2y$`. All three are computed in the same way.
pub(super) struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    hash: [u8; 23],
}

impl Bcrypt {
    pub(super) fn read(fields: &[&str]) -> Result<Self, UnusableHash> {
        let form = UnusableHash::Form(BCRYPT_FORM);
        let [cost, rest] = fields else { return Err(form) };
        let cost = Some(cost).filter(|cost| cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit()));
        let cost: u32 = cost.and_then(|cost| cost.parse().ok()).ok_or(form)?;
        let (salt, hash) = rest.split_at_checked(22).ok_or(form)?;
        bounded("bcrypt cost", cost.into(), 4, MAX_BCRYPT_COST.into())?;
        Ok(Self { cost, salt: bcrypt_base64(salt, BCRYPT_FORM)?, hash: bcrypt_base64(hash, BCRYPT_FORM)? })
    }
    /// Only the first 72 bytes count, as in the system that made the hash. A user with these bytes could sign in there, and can here until
    /// this sign-in replaces the hash by one of the whole password. A password with a NUL never matches, after the same work: other
    /// systems took the NUL for its end.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; BCRYPT_BYTES]);
        let taken = password.len().min(BCRYPT_BYTES);
        key.iter_mut().zip(password).for_each(|(place, byte)| *place = *byte);
        // A shorter password is hashed with its terminating NUL.
        let key = key.get(..(taken + 1).min(BCRYPT_BYTES)).unwrap_or_default();
        let computed = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, key));
        let equal = computed.get(..self.hash.len()).is_some_and(|hash| verify_slices_are_equal(hash, &self.hash).is_ok());
        equal && !password.contains(&0)
    }
}

/// The costs of scrypt (RFC 7914 §2).
struct ScryptCosts(scrypt::Params);

impl ScryptCosts {
    fn read(field: &str, form: &'static str) -> Result<Self, UnusableHash> {
        let [log_n, r, p] = numbers(field, ["ln", "r", "p"], form)?;
        bounded("scrypt block size (r)", r.into(), 1, MAX_BLOCK_SIZE.into())?;
        bounded("scrypt parallelisation (p)", p.into(), 1, MAX_LANES.into())?;
        // 128·N·r bytes: with any r, 2^19 is the maximum within the limits.
        bounded("scrypt cost (ln)", log_n.into(), 1, 19)?;
        bounded("scrypt memory in KiB", (u64::from(r) * 128) << log_n >> 10, 0, MAX_MEMORY.into())?;
        let params = u8::try_from(log_n).ok().and_then(|log_n| scrypt::Params::new(log_n, r, p).ok());
        params.map(Self).ok_or(UnusableHash::Form(form))
    }
    fn derive(&self, password: &[u8], salt: &[u8], key: &mut [u8]) -> Result<(), HashingFailed> {
        scrypt::scrypt(password, salt, &self.0, key).map_err(|_| HashingFailed("scrypt"))
    }
}

/// An scrypt hash (RFC 7914).
pub(super) struct Scrypt {
    costs: ScryptCosts,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Scrypt {
    pub(super) fn read(fields: &[&str]) -> Result<Self, UnusableHash> {
        let [costs, salt, hash] = fields else { return Err(UnusableHash::Form(SCRYPT_FORM)) };
        let costs = ScryptCosts::read(costs, SCRYPT_FORM)?;
        let (salt, hash) = (base64(salt, SCRYPT_FORM)?, base64(hash, SCRYPT_FORM)?);
        sound_lengths(&salt, MIN_SALT_LEN, &hash)?;
        Ok(Self { costs, salt, hash })
    }
    pub(super) fn is_of(&self, password: &[u8]) -> Result<bool, HashingFailed> {
        let mut computed = Zeroizing::new(vec![0; self.hash.len()]);
        self.costs.derive(password, &self.salt, &mut computed)?;
        Ok(verify_slices_are_equal(&computed, &self.hash).is_ok())
    }
}

/// A PBKDF2 hash (RFC 8018 §5.2).
pub(super) struct Pbkdf2 {
    algorithm: pbkdf2::Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Pbkdf2 {
    /// `None` if the kind is not PBKDF2.
    pub(super) fn read(kind: &str, fields: &[&str]) -> Result<Option<Self>, UnusableHash> {
        let form = UnusableHash::Form(PBKDF2_FORM);
        let (algorithm, digest) = match kind {
            "pbkdf2" | "pbkdf2-sha1" => (PBKDF2_HMAC_SHA1, SHA1_OUTPUT_LEN),
            "pbkdf2-sha256" => (PBKDF2_HMAC_SHA256, SHA256_OUTPUT_LEN),
            "pbkdf2-sha512" => (PBKDF2_HMAC_SHA512, SHA512_OUTPUT_LEN),
            _ => return Ok(None),
        };
        let [costs, salt, hash] = fields else { return Err(form) };
        let (salt, hash) = (base64(salt, PBKDF2_FORM)?, base64(hash, PBKDF2_FORM)?);
        let iterations = if costs.contains(',') {
            let [iterations, length] = numbers(costs, ["i", "l"], PBKDF2_FORM)?;
            Some(iterations).filter(|_| length as usize == hash.len()).ok_or(form)?
        } else {
            let [iterations] = numbers(costs, ["i"], PBKDF2_FORM)?;
            iterations
        };
        sound_lengths(&salt, MIN_SALT_LEN, &hash)?;
        // Each block of the hash takes all iterations.
        let blocks = hash.len().div_ceil(digest) as u64;
        bounded("number of PBKDF2 iterations", iterations.into(), 1, MAX_ITERATIONS / blocks)?;
        let iterations = NonZeroU32::new(iterations).ok_or(form)?;
        Ok(Some(Self { algorithm, iterations, salt, hash }))
    }
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        // Compares in constant time, and wipes the computed hash.
        pbkdf2::verify(self.algorithm, self.iterations, &self.salt, password, &self.hash).is_ok()
    }
}

/// A hash of Firebase Authentication: the project's signer key, encrypted with AES-256-CTR (counter from zero). The key is the first 32
/// bytes that scrypt derives from the password, and from the salt followed by the project's separator.
pub(super) struct FirebaseScrypt {
    costs: ScryptCosts,
    salt: Vec<u8>,
    signer_key: Zeroizing<Vec<u8>>,
    hash: Vec<u8>,
}

impl FirebaseScrypt {
    pub(super) fn read(fields: &[&str]) -> Result<Self, UnusableHash> {
        let form = UnusableHash::Form(FIREBASE_FORM);
        let [costs, salt, hash, separator, signer_key] = fields else { return Err(form) };
        let costs = ScryptCosts::read(costs, FIREBASE_FORM)?;
        let (mut salt, hash) = (base64(salt, FIREBASE_FORM)?, base64(hash, FIREBASE_FORM)?);
        let signer_key = Zeroizing::new(base64(signer_key, FIREBASE_FORM)?);
        salt.extend(base64(separator, FIREBASE_FORM)?);
        sound_lengths(&salt, MIN_SALT_LEN, &hash)?;
        if signer_key.len() != hash.len() {
            return Err(form);
        }
        Ok(Self { costs, salt, signer_key, hash })
    }
    pub(super) fn is_of(&self, password: &[u8]) -> Result<bool, HashingFailed> {
        let failed = |_| HashingFailed("AES-256-CTR");
        let mut derived = Zeroizing::new([0; 32]);
        self.costs.derive(password, &self.salt, derived.as_mut_slice())?;
        let key = UnboundCipherKey::new(&AES_256, derived.as_slice()).and_then(EncryptingKey::ctr).map_err(failed)?;
        let mut computed = self.signer_key.clone();
        let from_zero = EncryptionContext::Iv128(FixedLength::from([0; IV_LEN_128_BIT]));
        key.less_safe_encrypt(&mut computed, from_zero).map_err(failed)?;
        Ok(verify_slices_are_equal(&computed, &self.hash).is_ok())
    }
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;

//! The limits of a stored hash, and the parameters of new hashes.

use argon2::Params;

/// The maximum memory of a stored hash, in KiB: an imported hash must not use up the function's memory.
pub(super) const MAX_MEMORY: u32 = 64 * 1024;

/// The maximum number of lanes of a stored hash: they are computed one after another.
pub(super) const MAX_LANES: u32 = 4;

/// Why a hash of another system cannot be imported. It reveals only the form and the cost of the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableHash {
    /// An unknown kind.
    #[error("the password hash is not of a kind that can be verified: Argon2, bcrypt, scrypt, PBKDF2, Firebase scrypt")]
    Kind,
    /// `$2x$`: a different password can have the same hash.
    #[error(
        "the password hash is of bcrypt's kind $2x$, which cuts characters short by mistake: this user needs a new password"
    )]
    Bcrypt2x,
    /// The kind is known, but the text does not have its form.
    #[error("the password hash is not written as {0}")]
    Form(&'static str),
    /// An unknown Argon2 version.
    #[error("the password hash is of Argon2 version {0}, and 16 and 19 can be verified")]
    Version(u32),
    /// A cost is outside the limits, or the salt or hash has an invalid length.
    #[error("the {what} of the password hash is {found}, and {least} to {most} can be verified")]
    Bounds {
        /// The name of the number.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The minimum.
        least: u64,
        /// The maximum.
        most: u64,
    },
}

/// Refuses a hash that is too short to distinguish passwords, and one that is longer than any system makes.
pub(super) fn sound_lengths(salt: &[u8], least_salt: usize, hash: &[u8]) -> Result<(), UnusableHash> {
    bounded("salt length in bytes", salt.len() as u64, least_salt as u64, 128)?;
    bounded("hash length in bytes", hash.len() as u64, 16, 64)
}

/// The parameters of new hashes: 19 MiB, two passes, one lane (OWASP; security 68).
pub(super) const PRESENT: Params = Params::DEFAULT;

/// Bytes of a hash.
pub(super) const HASH_LEN: usize = 32;

/// Bytes of a salt.
pub(super) const SALT_LEN: usize = 16;

/// The number, if it is within the limits.
pub(super) fn bounded(what: &'static str, found: u64, least: u64, most: u64) -> Result<(), UnusableHash> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(UnusableHash::Bounds { what, found, least, most }) }
}

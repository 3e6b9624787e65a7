//! What a stored hash may be made of.

use argon2::Params;

/// The most memory that a stored hash may ask for, in KiB: an imported one must not take the function's memory.
pub(super) const MAX_MEMORY: u32 = 64 * 1024;

/// The most lanes that a stored hash may ask for: they are computed one after another.
pub(super) const MAX_LANES: u32 = 4;

/// Why a hash of another system can't be taken over. It says nothing of the hash but its form and its costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableHash {
    /// None of the kinds.
    #[error("the password hash is not of a kind that can be verified: Argon2, bcrypt, scrypt, PBKDF2, Firebase scrypt")]
    Kind,
    /// `$2x$`: another password than the person's can have the same hash.
    #[error(
        "the password hash is of bcrypt's kind $2x$, which cuts characters short by mistake: this person needs a new password"
    )]
    Bcrypt2x,
    /// Its kind is known, its text is not written as that kind is.
    #[error("the password hash is not written as {0}")]
    Form(&'static str),
    /// A version of Argon2 that there is not.
    #[error("the password hash is of Argon2 version {0}, and 16 and 19 can be verified")]
    Version(u32),
    /// It costs too much or too little to be verified, or its salt or hash has no sound length.
    #[error("the {what} of the password hash is {found}, and {least} to {most} can be verified")]
    Bounds {
        /// Which number.
        what: &'static str,
        /// What it is.
        found: u64,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
}

/// Refuses a hash that is too short to tell passwords apart, and what is longer than any system makes it.
pub(super) fn sound_lengths(salt: &[u8], least_salt: usize, hash: &[u8]) -> Result<(), UnusableHash> {
    bounded("salt length in bytes", salt.len() as u64, least_salt as u64, 128)?;
    bounded("hash length in bytes", hash.len() as u64, 16, 64)
}

/// What new hashes are made with: 19 MiB, two passes, one lane (OWASP; security 68).
pub(super) const PRESENT: Params = Params::DEFAULT;

/// Bytes of a hash, and of its salt.
pub(super) const HASH_LEN: usize = 32;

pub(super) const SALT_LEN: usize = 16;

/// The number, if it is within what can be verified.
pub(super) fn bounded(what: &'static str, found: u64, least: u64, most: u64) -> Result<(), UnusableHash> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(UnusableHash::Bounds { what, found, least, most }) }
}

//! Argon2id: one reused memory block, one hash at a time for each permitted core, rehash when parameters rise.
use crate::domain::secret::{PasswordHash, SecretText};

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct PasswordHasher {}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordMatch {
    /// Wrong.
    No,
    /// Right, and hashed with present parameters.
    Yes,
    /// Right, but hashed with weaker parameters: store this instead.
    Rehash(PasswordHash),
}

/// The queue for hashing is full: 429 (or 503) with `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being hashed")]
pub struct HasherBusy;

impl PasswordHasher {
    /// A hasher with this many lanes of work at once (1 on Lambda, the number of cores locally) at 19 MiB, t=2, p=1.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        let _ = concurrency;
        todo!()
    }
    /// Hashes a password that the policy accepted (NFC-normalised here).
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn hash(&self, password: &SecretText) -> Result<PasswordHash, HasherBusy> {
        let _ = password;
        todo!()
    }
    /// Verifies a password; with no stored hash (unknown identifier) does the same work and finds [`PasswordMatch::No`].
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(&self, password: &SecretText, stored: Option<&PasswordHash>) -> Result<PasswordMatch, HasherBusy> {
        let _ = (password, stored);
        todo!()
    }
    /// How many hashes were computed since the start: equal work for known and unknown identifiers is asserted with it.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        todo!()
    }
}

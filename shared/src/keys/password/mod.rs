//! Argon2id password hashing: one reused memory block, one hash at a time for each permitted core, and a rehash when the parameters
//! rise. Hashes of other systems are verified once and replaced.
//!
//! 1. The password is normalized (NFC). Every byte is hashed: nothing is cut off at 72 bytes or at a NUL (security 67).
//! 2. A request takes a place in the queue, otherwise it gets [`HasherBusy`]. Then it takes a lane, and on a blocking thread a memory
//!    block. Blocks are kept: a new block for each hash would cost 10 % more.
//! 3. A verification without a stored hash does the same work against a decoy (security 71).
//! 4. A stored hash may be of any kind that [`import`] accepts. Its system hashed the password as typed. If that is not in NFC, both
//!    forms are tried, and the decoy is computed for both. A matching password is hashed again.
//! 5. A wrong password against a foreign hash costs its computation and the decoy: guessing is never faster against imported
//!    accounts.
//!
//! What response times still reveal: a sign-in takes longer for an account with a foreign hash, by the cost of that hash. A slow bcrypt
//! therefore shows that the identifier is known and that its user has not signed in here yet. This ends with the first sign-in or a
//! password reset, except for Argon2id hashes that are stronger than ours: they stay. No decoy can hide it, because it would have to
//! cost as much as the most expensive stored hash.

mod foreign;
mod limits;
mod memo;
mod stored;
mod text;

use crate::context::Random;
use crate::domain::secret::{PasswordHash, SecretText};
use crate::keys::password::limits::{PRESENT, SALT_LEN};
use argon2::{Argon2, Block, Params};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use foreign::HashingFailed;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use stored::{Argon2Hash, Stored};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use limits::UnusableHash;
pub use memo::HashMemo;
pub use stored::import;

/// Passwords that may wait for each lane: about one second of work.
const QUEUE_PER_LANE: usize = 64;

/// Hashes and verifies passwords. Inexpensive to clone.
#[derive(Clone)]
pub struct PasswordHasher {
    shared: Arc<Shared>,
}

struct Shared {
    /// Places in the queue, including those of running hashes.
    queue: Arc<Semaphore>,
    /// Concurrent hashes.
    lanes: Arc<Semaphore>,
    /// Memory blocks that no lane uses now: at most one for each lane.
    blocks: Mutex<Vec<Vec<Block>>>,
    computed: AtomicU64,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordMatch {
    /// The password is wrong.
    No,
    /// The password is right, and its hash has the current parameters.
    Yes,
    /// The password is right, but its hash is weaker, of another kind, or not of the NFC form: store this hash instead.
    Rehash(PasswordHash),
}

/// The queue for hashing is full: 429 (or 503) with `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being hashed")]
pub struct HasherBusy;

impl PasswordHasher {
    /// A hasher with this many concurrent lanes (1 on Lambda, the number of cores locally), at 19 MiB, t=2, p=1.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        let lanes = concurrency.max(1);
        Self {
            shared: Arc::new(Shared {
                queue: Arc::new(Semaphore::new(lanes * QUEUE_PER_LANE)),
                lanes: Arc::new(Semaphore::new(lanes)),
                blocks: Mutex::default(),
                computed: AtomicU64::new(0),
            }),
        }
    }
    /// Hashes a password that the policy accepted (normalized to NFC here).
    ///
    /// # Errors
    /// If the queue is full.
    pub async fn hash(&self, password: &SecretText) -> Result<PasswordHash, HasherBusy> {
        self.run_in_lane(PasswordForms::of(password), |lane, password| lane.make(&password)).await
    }
    /// Verifies a password. Without a stored hash (unknown identifier) it does the same work and returns [`PasswordMatch::No`].
    ///
    /// # Errors
    /// If the queue is full.
    pub async fn verify(&self, password: &SecretText, stored: Option<&PasswordHash>) -> Result<PasswordMatch, HasherBusy> {
        let stored = stored.and_then(Stored::parse);
        self.run_in_lane(PasswordForms::of(password), move |lane, password| lane.verify(stored.as_ref(), &password)).await
    }
    /// As [`Self::verify`], for callers that store nothing: whether the password is right.
    ///
    /// # Errors
    /// If the queue is full.
    pub async fn is_right(&self, password: &SecretText, stored: Option<&PasswordHash>) -> Result<bool, HasherBusy> {
        let stored = stored.and_then(Stored::parse);
        let found = move |lane: &mut Lane, password: PasswordForms| lane.matching(stored.as_ref(), &password);
        Ok(self.run_in_lane(PasswordForms::of(password), found).await?.is_some())
    }
    /// How many Argon2 hashes were computed since the start: made, verified or as a decoy. A foreign hash itself does not count. Tests
    /// assert with it that known and unknown identifiers cost the same work.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.shared.computed.load(Ordering::Relaxed)
    }

    async fn run_in_lane<T: Send + 'static>(
        &self,
        password: PasswordForms,
        work: impl FnOnce(&mut Lane, PasswordForms) -> Result<T, HashingFailed> + Send + 'static,
    ) -> Result<T, HasherBusy> {
        let place = self.shared.queue.clone().try_acquire_owned().map_err(|_| HasherBusy)?;
        let turn = self.shared.lanes.clone().acquire_owned().await.map_err(|_| HasherBusy)?;
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Both are held until the work ends, even if the request that started it has ended.
            let (_place, _turn) = (place, turn);
            work(&mut Lane::take(shared), password)
        })
        .await;
        match done {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => {
                tracing::error!(%error, "a password could not be hashed");
                Err(HasherBusy)
            }
            Err(error) => {
                tracing::error!(%error, "a hashing thread failed");
                Err(HasherBusy)
            }
        }
    }
}

/// A password in every form that may have been hashed.
struct PasswordForms {
    /// NFC, so that two spellings of one password are one (security 67).
    normalised: Zeroizing<String>,
    /// As typed, if different: other systems hashed this form.
    typed: Option<SecretText>,
}

/// The form that matched.
enum MatchedForm {
    Normalised,
    Typed,
}

impl PasswordForms {
    fn of(password: &SecretText) -> Self {
        // Capacity for the longest NFC expansion (threefold), so that no reallocation leaves a partial copy in memory.
        let mut normalised = Zeroizing::new(String::with_capacity(password.expose().len() * 3));
        normalised.extend(password.expose().nfc());
        let typed = (*normalised != password.expose()).then(|| password.clone());
        Self { normalised, typed }
    }
}

/// A hashing slot with its memory block.
struct Lane {
    shared: Arc<Shared>,
    block: Vec<Block>,
}

impl Lane {
    fn take(shared: Arc<Shared>) -> Self {
        let block = shared.blocks.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Self { shared, block }
    }
    fn make(&mut self, password: &PasswordForms) -> Result<PasswordHash, HashingFailed> {
        let made = Argon2Hash::present(Random.bytes());
        let hash = self.argon2(&made, &password.normalised)?;
        self.count();
        Ok(encode(&made.params, &made.salt, &hash))
    }
    fn verify(&mut self, stored: Option<&Stored>, password: &PasswordForms) -> Result<PasswordMatch, HashingFailed> {
        match self.matching(stored, password)? {
            None => Ok(PasswordMatch::No),
            Some(MatchedForm::Normalised) if stored.is_some_and(Stored::is_present) => Ok(PasswordMatch::Yes),
            Some(MatchedForm::Normalised | MatchedForm::Typed) => self.make(password).map(PasswordMatch::Rehash),
        }
    }
    /// Tries each form of the password. The cost is the same with and without a stored hash, except for the additional cost of a foreign
    /// one.
    fn matching(&mut self, stored: Option<&Stored>, password: &PasswordForms) -> Result<Option<MatchedForm>, HashingFailed> {
        if self.is_of(stored, &password.normalised)? {
            return Ok(Some(MatchedForm::Normalised));
        }
        if let Some(typed) = &password.typed
            && self.is_of(stored, typed.expose())?
        {
            return Ok(Some(MatchedForm::Typed));
        }
        Ok(None)
    }
    /// Whether the stored hash is of this password. If not, at least one hash with the current cost was computed.
    fn is_of(&mut self, stored: Option<&Stored>, password: &str) -> Result<bool, HashingFailed> {
        let right = match stored {
            Some(Stored::Argon2(argon2)) => verify_slices_are_equal(&self.argon2(argon2, password)?, &argon2.hash).is_ok(),
            Some(Stored::Bcrypt(bcrypt)) => bcrypt.is_of(password.as_bytes()),
            Some(Stored::Scrypt(scrypt)) => scrypt.is_of(password.as_bytes())?,
            Some(Stored::Pbkdf2(pbkdf2)) => pbkdf2.is_of(password.as_bytes()),
            Some(Stored::FirebaseScrypt(firebase)) => firebase.is_of(password.as_bytes())?,
            None => false,
        };
        let is_present = stored.is_some_and(Stored::is_present);
        if is_present {
            self.count();
        } else if !right {
            self.argon2(&Argon2Hash::present([0; SALT_LEN]), password)?;
            self.count();
        }
        Ok(right)
    }
    fn argon2(&mut self, like: &Argon2Hash, password: &str) -> Result<Zeroizing<Vec<u8>>, HashingFailed> {
        let blocks = like.params.block_count();
        if self.block.len() < blocks {
            self.block.resize(blocks, Block::new());
        }
        let memory = self.block.get_mut(..blocks).unwrap_or_default();
        let mut hash = Zeroizing::new(vec![0; like.hash.len()]);
        Argon2::new(like.algorithm, like.version, like.params.clone())
            .hash_password_into_with_memory(password.as_bytes(), &like.salt, &mut hash, memory)
            .map_err(|_| HashingFailed("Argon2"))?;
        Ok(hash)
    }
    fn count(&self) {
        self.shared.computed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Shrink a block that an imported hash has enlarged.
        self.block.truncate(PRESENT.block_count());
        self.block.shrink_to_fit();
        self.shared.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.block));
    }
}

fn encode(params: &Params, salt: &[u8], hash: &[u8]) -> PasswordHash {
    let b64 = data_encoding::BASE64_NOPAD;
    PasswordHash::from_phc(format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        b64.encode(salt),
        b64.encode(hash)
    ))
}

#[cfg(test)]
mod tests;

//! Argon2id: one reused memory block, one hash at a time for each permitted core, rehash when parameters rise. Hashes that other systems
//! made are verified once, and give way to ours.
//!
//! 1. The password is normalised (NFC) and every byte of it is hashed: nothing is cut off at 72 bytes or at a NUL (security 67).
//! 2. A place in the queue, else [`HasherBusy`]; then a lane, and on a blocking thread its memory block, which is kept: a block
//!    allocated for each hash would cost a tenth more.
//! 3. A verification without a stored hash does the same work against a decoy (security 71).
//! 4. A stored hash may be of a kind that [`import`] takes over. Its system hashed what was typed, so where that is not in NFC both forms
//!    are tried, and the decoy is computed for both. What is right is hashed anew.
//! 5. A wrong password against a foreign hash costs its computation and the decoy's: nobody guesses faster at people who came from
//!    elsewhere.
//!
//! What an observer with a stopwatch can still tell: a sign-in takes longer where an account has a foreign hash, by what that hash
//! costs, so a slow bcrypt shows that the identifier is known and its person was not here yet. It ends with the first sign-in or a
//! reset of the password, except for Argon2id hashes that are stronger than ours: they stay. No decoy can hide it: it would have to cost
//! what the most expensive of all stored hashes costs.

mod foreign;
mod limits;
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
pub use stored::import;

/// Passwords that may wait for each lane: about a second of work.
const QUEUE_PER_LANE: usize = 64;

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct PasswordHasher {
    shared: Arc<Shared>,
}

struct Shared {
    /// Places to wait in, those at work included.
    queue: Arc<Semaphore>,
    /// Hashes at once.
    lanes: Arc<Semaphore>,
    /// Memory blocks that no lane holds now: at most one a lane.
    blocks: Mutex<Vec<Vec<Block>>>,
    computed: AtomicU64,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordMatch {
    /// Wrong.
    No,
    /// Right, and hashed with present parameters.
    Yes,
    /// Right, but hashed with weaker parameters, in another way, or not in NFC: store this instead.
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
    /// Hashes a password that the policy accepted (NFC-normalised here).
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn hash(&self, password: &SecretText) -> Result<PasswordHash, HasherBusy> {
        self.in_a_lane(Forms::of(password), |lane, password| lane.make(&password)).await
    }
    /// Verifies a password; with no stored hash (unknown identifier) does the same work and finds [`PasswordMatch::No`].
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(&self, password: &SecretText, stored: Option<&PasswordHash>) -> Result<PasswordMatch, HasherBusy> {
        let stored = stored.and_then(Stored::parse);
        self.in_a_lane(Forms::of(password), move |lane, password| lane.verify(stored.as_ref(), &password)).await
    }
    /// As [`Self::verify`], for who stores nothing: whether it is right.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn is_right(&self, password: &SecretText, stored: Option<&PasswordHash>) -> Result<bool, HasherBusy> {
        let stored = stored.and_then(Stored::parse);
        let found = move |lane: &mut Lane, password: Forms| lane.matching(stored.as_ref(), &password);
        Ok(self.in_a_lane(Forms::of(password), found).await?.is_some())
    }
    /// How many Argon2 hashes were computed since the start, to make or to verify or in vain (what a foreign hash costs before its decoy
    /// or its successor is not counted): equal work for known and unknown identifiers is asserted with it.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.shared.computed.load(Ordering::Relaxed)
    }

    async fn in_a_lane<T: Send + 'static>(
        &self,
        password: Forms,
        work: impl FnOnce(&mut Lane, Forms) -> Result<T, HashingFailed> + Send + 'static,
    ) -> Result<T, HasherBusy> {
        let place = self.shared.queue.clone().try_acquire_owned().map_err(|_| HasherBusy)?;
        let turn = self.shared.lanes.clone().acquire_owned().await.map_err(|_| HasherBusy)?;
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Both stay taken until the work is done, also when the request that asked for it is gone.
            let (_place, _turn) = (place, turn);
            work(&mut Lane::take(shared), password)
        })
        .await;
        match done {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => {
                tracing::error!(%error, "a password was not hashed");
                Err(HasherBusy)
            }
            Err(error) => {
                tracing::error!(%error, "a hashing thread ended");
                Err(HasherBusy)
            }
        }
    }
}

/// A password in the forms that may have been hashed.
struct Forms {
    /// NFC, so that two spellings of one password are one (security 67).
    normalised: Zeroizing<String>,
    /// As it was typed, where that differs: other systems hashed that.
    typed: Option<SecretText>,
}

/// The one that was hashed.
enum Form {
    Normalised,
    Typed,
}

impl Forms {
    fn of(password: &SecretText) -> Self {
        // Room for the longest expansion of NFC (three-fold), so that no half-written copy is left behind by a reallocation.
        let mut normalised = Zeroizing::new(String::with_capacity(password.expose().len() * 3));
        normalised.extend(password.expose().nfc());
        let typed = (*normalised != password.expose()).then(|| password.clone());
        Self { normalised, typed }
    }
}

/// A turn at hashing, with its memory block.
struct Lane {
    shared: Arc<Shared>,
    block: Vec<Block>,
}

impl Lane {
    fn take(shared: Arc<Shared>) -> Self {
        let block = shared.blocks.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Self { shared, block }
    }
    fn make(&mut self, password: &Forms) -> Result<PasswordHash, HashingFailed> {
        let made = Argon2Hash::present(Random.bytes());
        let hash = self.argon2(&made, &password.normalised)?;
        self.count();
        Ok(encode(&made.params, &made.salt, &hash))
    }
    fn verify(&mut self, stored: Option<&Stored>, password: &Forms) -> Result<PasswordMatch, HashingFailed> {
        match self.matching(stored, password)? {
            None => Ok(PasswordMatch::No),
            Some(Form::Normalised) if stored.is_some_and(Stored::is_present) => Ok(PasswordMatch::Yes),
            Some(Form::Normalised | Form::Typed) => self.make(password).map(PasswordMatch::Rehash),
        }
    }
    /// Tries each form of the password. All of them cost the same whether there is a stored hash or not, but for what a foreign one
    /// costs beside.
    fn matching(&mut self, stored: Option<&Stored>, password: &Forms) -> Result<Option<Form>, HashingFailed> {
        if self.is_of(stored, &password.normalised)? {
            return Ok(Some(Form::Normalised));
        }
        if let Some(typed) = &password.typed
            && self.is_of(stored, typed.expose())?
        {
            return Ok(Some(Form::Typed));
        }
        Ok(None)
    }
    /// Whether the stored hash is this password's. Where it is not, at least one hash of present cost was computed.
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
        // A block that an imported hash made larger is not kept at that size.
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

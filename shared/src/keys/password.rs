//! Argon2id: one reused memory block, one hash at a time for each permitted core, rehash when parameters rise.
//!
//! 1. The password is normalised (NFC) and every byte of it is hashed: nothing is cut off at 72 bytes or at a NUL (security 67).
//! 2. A place in the queue, else [`HasherBusy`]; then a lane, and on a blocking thread its memory block, which is kept: a block
//!    allocated for each hash would cost a tenth more.
//! 3. A verification without a stored hash does the same work against a decoy (security 71).
use crate::domain::secret::{PasswordHash, SecretText};
use crate::services::Random;
use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// What new hashes are made with: 19 MiB, two passes, one lane (OWASP; security 68).
const PRESENT: Params = Params::DEFAULT;
/// The most memory that a stored hash may ask for, in KiB: an imported one must not take the function's memory.
const MAX_MEMORY: u32 = 64 * 1024;
/// The most passes that a stored hash may ask for.
const MAX_PASSES: u32 = 10;
/// Bytes of a hash, and of its salt.
const HASH_LEN: usize = 32;
const SALT_LEN: usize = 16;
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
        self.in_a_lane(normalised(password), |lane, password| lane.make(&password)).await
    }
    /// Verifies a password; with no stored hash (unknown identifier) does the same work and finds [`PasswordMatch::No`].
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(&self, password: &SecretText, stored: Option<&PasswordHash>) -> Result<PasswordMatch, HasherBusy> {
        let stored = stored.and_then(Stored::parse);
        self.in_a_lane(normalised(password), move |lane, password| {
            let Some(stored) = stored else {
                lane.compute(&PRESENT, &[0; SALT_LEN], &password)?;
                return Ok(PasswordMatch::No);
            };
            let computed = lane.compute(&stored.params, &stored.salt, &password)?;
            if verify_slices_are_equal(computed.as_slice(), &stored.hash).is_err() {
                return Ok(PasswordMatch::No);
            }
            if stored.is_weak() { lane.make(&password).map(PasswordMatch::Rehash) } else { Ok(PasswordMatch::Yes) }
        })
        .await
    }
    /// How many hashes were computed since the start: equal work for known and unknown identifiers is asserted with it.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.shared.computed.load(Ordering::Relaxed)
    }

    async fn in_a_lane<T: Send + 'static>(
        &self,
        password: Zeroizing<String>,
        work: impl FnOnce(&mut Lane, Zeroizing<String>) -> Result<T, argon2::Error> + Send + 'static,
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
                tracing::error!(%error, "argon2 failed");
                Err(HasherBusy)
            }
            Err(error) => {
                tracing::error!(%error, "a hashing thread ended");
                Err(HasherBusy)
            }
        }
    }
}

/// NFC, so that two spellings of one password are one (security 67).
fn normalised(password: &SecretText) -> Zeroizing<String> {
    // Room for the longest expansion of NFC (three-fold), so that no half-written copy is left behind by a reallocation.
    let mut text = Zeroizing::new(String::with_capacity(password.expose().len() * 3));
    text.extend(password.expose().nfc());
    text
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
    fn make(&mut self, password: &str) -> Result<PasswordHash, argon2::Error> {
        let salt: [u8; SALT_LEN] = Random.bytes();
        let hash = self.compute(&PRESENT, &salt, password)?;
        Ok(encode(&PRESENT, &salt, hash.as_slice()))
    }
    fn compute(&mut self, params: &Params, salt: &[u8], password: &str) -> Result<Zeroizing<[u8; HASH_LEN]>, argon2::Error> {
        if self.block.len() < params.block_count() {
            self.block.resize(params.block_count(), Block::new());
        }
        let memory = self.block.get_mut(..params.block_count()).unwrap_or_default();
        let mut hash = Zeroizing::new([0; HASH_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()).hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            hash.as_mut_slice(),
            memory,
        )?;
        self.shared.computed.fetch_add(1, Ordering::Relaxed);
        Ok(hash)
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

/// A stored hash, taken apart.
struct Stored {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Stored {
    /// `None` (then nothing matches, after the same work) for anything but an Argon2id hash of bounded cost.
    fn parse(stored: &PasswordHash) -> Option<Self> {
        let parsed = Self::parse_phc(stored.as_phc());
        if parsed.is_none() {
            tracing::error!("a stored password hash can't be used: not Argon2id v19 of bounded cost");
        }
        parsed
    }
    fn parse_phc(text: &str) -> Option<Self> {
        let phc = phc::PasswordHash::new(text).ok()?;
        let params = Params::try_from(&phc).ok()?;
        let (salt, hash) = (phc.salt?, phc.hash?);
        let usable = phc.algorithm == argon2::ARGON2ID_IDENT
            && phc.version == Some(Version::V0x13.into())
            && params.m_cost() <= MAX_MEMORY
            && params.t_cost() <= MAX_PASSES
            && hash.as_bytes().len() == HASH_LEN
            && salt.len() >= argon2::MIN_SALT_LEN;
        let params = Params::new(params.m_cost(), params.t_cost(), params.p_cost(), Some(HASH_LEN)).ok()?;
        usable.then(|| Self { params, salt: salt.to_vec(), hash: hash.as_bytes().to_vec() })
    }
    fn is_weak(&self) -> bool {
        self.params.m_cost() < PRESENT.m_cost() || self.params.t_cost() < PRESENT.t_cost()
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
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretText {
        text.into()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hasher = PasswordHasher::new(1);
        let hash = hasher.hash(&secret("correct horse")).await.unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "security 68");
        assert_eq!(hasher.verify(&secret("correct horse"), Some(&hash)).await, Ok(PasswordMatch::Yes));
        assert_eq!(hasher.verify(&secret("correct horsf"), Some(&hash)).await, Ok(PasswordMatch::No));
        let again = hasher.hash(&secret("correct horse")).await.unwrap();
        assert_ne!(hash, again, "each hash has its own salt");
    }

    #[tokio::test]
    async fn security_67_every_byte_counts_and_spellings_of_one_text_are_one() {
        let hasher = PasswordHasher::new(1);
        let long = "x".repeat(72);
        let cases = [
            (format!("{long}a"), format!("{long}b"), false),
            (long.clone(), format!("{long}x"), false),
            ("pass".to_owned(), "pass\0".to_owned(), false),
            ("pass\0a".to_owned(), "pass\0b".to_owned(), false),
            ("Stra\u{00df}e \u{00e9}".to_owned(), "Stra\u{00df}e e\u{0301}".to_owned(), true),
            ("ﬁ".to_owned(), "fi".to_owned(), false),
            ("Pass".to_owned(), "pass".to_owned(), false),
            ("\u{1D160}\u{1D160}".to_owned(), "\u{1D158}\u{1D165}\u{1D16E}\u{1D158}\u{1D165}\u{1D16E}".to_owned(), true),
        ];
        for (one, other, same) in cases {
            let hash = hasher.hash(&secret(&one)).await.unwrap();
            let found = hasher.verify(&secret(&other), Some(&hash)).await.unwrap();
            assert_eq!(found == PasswordMatch::Yes, same, "{one:?} and {other:?}");
        }
    }

    #[tokio::test]
    async fn security_71_without_a_stored_hash_the_same_work_is_done() {
        let hasher = PasswordHasher::new(1);
        let hash = hasher.hash(&secret("right")).await.unwrap();
        for stored in [Some(&hash), None, Some(&PasswordHash::from_phc("not a hash".to_owned()))] {
            let before = hasher.hashes_computed();
            assert_eq!(hasher.verify(&secret("wrong"), stored).await, Ok(PasswordMatch::No));
            assert_eq!(hasher.hashes_computed() - before, 1);
        }
    }

    fn weak(m_cost: u32, t_cost: u32, password: &str) -> PasswordHash {
        let params = Params::new(m_cost, t_cost, 1, Some(HASH_LEN)).unwrap();
        let mut hash = [0; HASH_LEN];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into(password.as_bytes(), &[1; SALT_LEN], &mut hash)
            .unwrap();
        encode(&params, &[1; SALT_LEN], &hash)
    }

    #[tokio::test]
    async fn security_68_a_right_password_under_weaker_parameters_is_hashed_anew_and_a_wrong_one_is_not() {
        let hasher = PasswordHasher::new(1);
        for old in [weak(64, 2, "p"), weak(19 * 1024, 1, "p")] {
            assert_eq!(hasher.verify(&secret("q"), Some(&old)).await, Ok(PasswordMatch::No));
            let Ok(PasswordMatch::Rehash(new)) = hasher.verify(&secret("p"), Some(&old)).await else { panic!("not rehashed") };
            assert_eq!(hasher.verify(&secret("p"), Some(&new)).await, Ok(PasswordMatch::Yes));
        }
        // Stronger than the present: left as it is, and the lane's memory goes back to its size.
        let strong = weak(20 * 1024, 2, "p");
        assert_eq!(hasher.verify(&secret("p"), Some(&strong)).await, Ok(PasswordMatch::Yes));
        let blocks = hasher.shared.blocks.lock().unwrap();
        assert_eq!(blocks.iter().map(Vec::len).collect::<Vec<_>>(), [PRESENT.block_count()], "one block, reused");
    }

    #[test]
    fn a_stored_hash_of_another_kind_or_of_unbounded_cost_is_not_used() {
        let good = weak(64, 2, "p").as_phc().to_owned();
        assert!(Stored::parse_phc(&good).is_some());
        for bad in [
            String::new(),
            "$2b$10$abcdefghijklmnopqrstuv".to_owned(),
            good.replace("argon2id", "argon2i"),
            good.replace("argon2id", "argon2d"),
            good.replace("v=19", "v=16"),
            good.replace("v=19$", ""),
            good.replace("m=64", "m=4194304"),
            good.replace("t=2", "t=4000000"),
            good[..good.len() - 4].to_owned(),
            good[..good.rfind('$').unwrap()].to_owned(),
        ] {
            assert!(Stored::parse_phc(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_reference_vector_of_argon2id_is_met() {
        // From the reference implementation's test.c: version 0x13, t=2, m=65536 KiB is slow in a debug build; this is its m=256 case.
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let stored = Stored::parse_phc(phc).unwrap();
        let mut lane = Lane::take(PasswordHasher::new(1).shared);
        assert_eq!(lane.compute(&stored.params, &stored.salt, "password").unwrap().as_slice(), stored.hash);
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_drains() {
        let hasher = PasswordHasher::new(1);
        let places = hasher.shared.queue.clone().try_acquire_many_owned(QUEUE_PER_LANE as u32).unwrap();
        assert_eq!(hasher.hash(&secret("p")).await, Err(HasherBusy));
        assert_eq!(hasher.verify(&secret("p"), None).await, Err(HasherBusy));
        assert_eq!(hasher.hashes_computed(), 0);
        drop(places);
        assert!(hasher.hash(&secret("p")).await.is_ok());
    }
}

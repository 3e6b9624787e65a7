//! The legacy directory during a migration: a port, and an adapter for each kind of directory (feature `legacy-directory`).
//!
//! 1. A password is verified with one request. It is not repeated, because the pool counts failures.
//! 2. A response of the pool is a verdict. Everything else (no response, a quota reached, a missing permission) is no verdict: nothing
//!    was evaluated, so it counts as no failed attempt and locks no account.
//! 3. After consecutive failures the pool is not called for some time ([`Breaker`]). Then one request checks whether it works again.

#![cfg_attr(not(feature = "legacy-directory"), allow(dead_code, unreachable_code, unused_variables))]

mod breaker;
#[cfg(feature = "legacy-directory")]
mod cognito;
mod error;

pub use error::LegacyDirectoryError;

use crate::domain::identifier::EmailAddress;
use crate::domain::legacy_directory::{LegacyPasswordVerdict, LegacyUser};
use crate::domain::secret::SecretText;
use crate::domain::tenant::LegacyDirectoryConfig;
use breaker::Breaker;
use data_encoding::HEXLOWER;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A domain without users (RFC 2606).
const UNKNOWN_DOMAIN: &str = "nobody.invalid";

/// The legacy directory. It is inexpensive to clone. Clones share the circuit breaker.
#[derive(Clone)]
pub struct LegacyDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    adapter: Adapter,
    breaker: Mutex<Breaker>,
    refusals: Mutex<Refusals>,
}

/// The kinds of directory. Without the feature there is none, and no value of [`LegacyDirectory`] can exist.
enum Adapter {
    #[cfg(feature = "legacy-directory")]
    Cognito(cognito::UserPools),
}

impl LegacyDirectory {
    /// User pools, through this client. The client must not retry requests: for the pool a retry is another guess of the password.
    #[cfg(feature = "legacy-directory")]
    #[must_use]
    pub fn cognito(client: aws_sdk_cognitoidentityprovider::Client) -> Self {
        let adapter = Adapter::Cognito(cognito::UserPools::new(client));
        Self { inner: Arc::new(Inner { adapter, breaker: Mutex::default(), refusals: Mutex::default() }) }
    }
    /// Verifies a password in the pool (`AdminInitiateAuth` with `ADMIN_USER_PASSWORD_AUTH`), and if it is right, loads the user
    /// (`AdminGetUser`). `username` is what the user typed: a username in the pool, or an alias. If no pool can have such a username, an
    /// unknown username made of the fresh bytes is looked up instead, so that the request takes the same time.
    ///
    /// # Errors
    /// If the pool gave no verdict.
    pub async fn verify(
        &self,
        pool: &LegacyDirectoryConfig,
        username: &str,
        password: &SecretText,
        fresh: [u8; 16],
    ) -> Result<LegacyPasswordVerdict, LegacyDirectoryError> {
        self.ask()?;
        let begun = Instant::now();
        let answer = match self.inner.adapter {
            #[cfg(feature = "legacy-directory")]
            Adapter::Cognito(ref pools) => pools.verify(pool, username, password, unknown_username(fresh)).await,
        };
        self.note(&answer);
        if matches!(answer, Ok(LegacyPasswordVerdict::Wrong)) {
            lock(&self.inner.refusals).push(begun.elapsed());
        }
        answer
    }
    /// Finds the user with this address (`AdminGetUser`). The caller has just verified the address. The address is looked up as it was
    /// typed, because usernames of a pool may be case-sensitive, then in its canonical form.
    ///
    /// No password was sent to the pool, so the pool does not tell whether it would require a second factor. If the pool requires one of
    /// all users (`GetUserPoolMfaConfig`), the user has one. The user's own settings do not always contain it.
    ///
    /// # Errors
    /// If the pool gave no answer.
    pub async fn find(
        &self,
        pool: &LegacyDirectoryConfig,
        typed: &str,
        email: &EmailAddress,
    ) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        self.find_by(pool, &[typed, email.as_str()]).await
    }
    /// Finds the user with this `sub` in the pool, even if their address has changed. Otherwise like [`Self::find`].
    ///
    /// # Errors
    /// If the pool gave no answer.
    pub async fn find_subject(
        &self,
        pool: &LegacyDirectoryConfig,
        subject: &str,
    ) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        self.find_by(pool, &[subject]).await
    }
    /// Waits as long as a recent refusal by the pool took, so that the time does not show whether the pool was called (security 71). If
    /// there was no refusal yet, it looks up an unknown username made of the fresh bytes in the pool.
    pub async fn simulate_lookup(&self, pool: &LegacyDirectoryConfig, fresh: [u8; 16]) {
        let seen = lock(&self.inner.refusals).next();
        if let Some(wait) = seen {
            return sleep_exactly(wait).await;
        }
        let username = unknown_username(fresh);
        if let Err(error) = self.verify(pool, &username, &SecretText::from(username.clone()), fresh).await {
            error.log();
        }
    }

    async fn find_by(&self, pool: &LegacyDirectoryConfig, names: &[&str]) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        self.ask()?;
        let answer = match self.inner.adapter {
            #[cfg(feature = "legacy-directory")]
            Adapter::Cognito(ref pools) => pools.find(pool, names).await,
        };
        self.note(&answer);
        answer
    }

    fn ask(&self) -> Result<(), LegacyDirectoryError> {
        let admitted = lock(&self.inner.breaker).admit(Instant::now());
        admitted.map_err(|rest| LegacyDirectoryError::Resting(rest.as_secs().max(1)))
    }
    fn note<T>(&self, answer: &Result<T, LegacyDirectoryError>) {
        let failed = answer.as_ref().err().is_some_and(LegacyDirectoryError::is_failure);
        lock(&self.inner.breaker).note(failed, Instant::now());
    }
}

/// An unknown username.
fn unknown_username(fresh: [u8; 16]) -> String {
    format!("{}@{UNKNOWN_DOMAIN}", HEXLOWER.encode(&fresh))
}

/// The durations of the pool's latest refusals.
#[derive(Default)]
struct Refusals {
    took: Vec<Duration>,
    next: usize,
}

impl Refusals {
    const KEPT: usize = 32;

    fn push(&mut self, took: Duration) {
        if self.took.len() == Self::KEPT {
            self.took.remove(0);
        }
        self.took.push(took);
    }
    /// The next duration, in turn.
    fn next(&mut self) -> Option<Duration> {
        self.next = self.next.wrapping_add(1);
        self.took.get(self.next.checked_rem(self.took.len())?).copied()
    }
}

/// Tokio's timer wakes up to two milliseconds late, which a caller could measure. The system's timer ends the wait.
async fn sleep_exactly(wait: Duration) {
    const COARSE: Duration = Duration::from_millis(5);
    let end = Instant::now() + wait;
    tokio::time::sleep(wait.saturating_sub(COARSE)).await;
    let rest = move || std::thread::sleep(end.saturating_duration_since(Instant::now()));
    if tokio::task::spawn_blocking(rest).await.is_err() {
        tracing::warn!("a wait was cut short");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

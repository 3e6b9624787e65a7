//! The stored authenticator app of an account: a seed for one-time codes (TOTP, RFC 6238).
//!
//! 1. Set-up stores a *pending* seed for [`SETUP`]. It replaces nothing and opens nothing until its first code fits.
//! 2. The *active* seed is used for sign-in. The account's state says whether there is one, and the step of the last accepted code.
//! 3. A *removed* seed is kept for [`REMOVED_KEPT`], so that an undo can put it back. It opens nothing.

use super::account::Sealed;
use super::id::{AccountId, SessionId};
use super::time::{Span, Timestamp};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// How long a set-up may take.
pub const SETUP: Span = Span::minutes(15);
/// How long a removed seed is kept.
pub const REMOVED_KEPT: Span = Span::days(7);
/// Bytes of a seed that is made here: those of an HMAC-SHA-1 output (RFC 4226 §4, R6).
pub const SEED_BYTES: usize = 20;
/// Bytes of a seed that another system made: at least 80 bits, which many of them use, and at most the block of HMAC-SHA-1.
pub const IMPORTED_SEED_BYTES: RangeInclusive<usize> = 10..=64;

/// The seed of the codes, in plain text. It does not print, and is wiped when dropped.
#[derive(Clone)]
pub struct TotpSeed(Zeroizing<Vec<u8>>);

impl TotpSeed {
    /// A seed of these random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; SEED_BYTES]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
    /// A seed that was opened or imported. `None` if it is shorter or longer than an imported one may be.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        IMPORTED_SEED_BYTES.contains(&bytes.len()).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }
    /// The seed in this base32 text (RFC 4648 §6), padded or not, as authenticator apps show it.
    #[must_use]
    pub fn from_base32(text: &str) -> Option<Self> {
        let digits = Zeroizing::new(text.trim_end_matches('=').to_ascii_uppercase());
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(digits.as_bytes()).ok()?);
        Self::from_slice(&bytes)
    }
    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}
impl fmt::Debug for TotpSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSeed(…)")
    }
}

/// A seed and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSeed {
    /// The seed, sealed under the account's data key.
    #[serde(rename = "s")]
    pub seed: Sealed,
    /// When it was added.
    #[serde(rename = "at")]
    pub added_at: Timestamp,
}

/// The seed of a set-up that is not confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSeed {
    /// The seed, sealed under the account's data key.
    #[serde(rename = "s")]
    pub seed: Sealed,
    /// When the set-up began.
    #[serde(rename = "at")]
    pub started_at: Timestamp,
    /// The session that began it. No other session sees the seed.
    pub sid: SessionId,
}

/// A removed seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedSeed {
    /// What was removed.
    #[serde(flatten)]
    pub stored: StoredSeed,
    /// When.
    #[serde(rename = "rm")]
    pub removed_at: Timestamp,
}

/// The authenticator app of an account (with the key prefix of secrets: token, export and retention cannot read it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpCredential {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The seed in use.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub active: Option<StoredSeed>,
    /// The seed of a set-up that is not confirmed yet.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingSeed>,
    /// The seed that was removed or replaced last.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<RemovedSeed>,
    /// The version of this state.
    pub version: u64,
}

impl TotpCredential {
    /// The seed of a set-up that this session can still confirm.
    #[must_use]
    pub fn pending_of(&self, session: SessionId, now: Timestamp) -> Option<&PendingSeed> {
        self.pending.as_ref().filter(|pending| pending.sid == session && now < pending.started_at + SETUP)
    }
    /// The removed seed, while it can be put back.
    #[must_use]
    pub fn removed(&self, now: Timestamp) -> Option<&RemovedSeed> {
        self.removed.as_ref().filter(|removed| now < removed.removed_at + REMOVED_KEPT)
    }
    /// What is kept when this active seed is removed or replaced now. A removed seed that can still be put back is not overwritten by one that
    /// was added after its removal: it may be the owner's, and the other one a thief's.
    #[must_use]
    pub fn removed_with(&self, active: StoredSeed, now: Timestamp) -> RemovedSeed {
        match self.removed(now) {
            Some(older) if active.added_at >= older.removed_at => older.clone(),
            Some(_) | None => RemovedSeed { stored: active, removed_at: now },
        }
    }
    /// When nothing of it counts any more. `None` while it is in use.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        let pending = self.pending.as_ref().map(|pending| pending.started_at + SETUP);
        let removed = self.removed.as_ref().map(|removed| removed.removed_at + REMOVED_KEPT);
        if self.active.is_some() { None } else { pending.max(removed) }
    }
}

//! Consecutive failed sign-ins, and how long they block.

use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Consecutive failures after which a window starts to block.
pub const FREE_FAILURES: u32 = 5;

/// The first block; each further failure doubles it.
pub const FIRST_BLOCK: Span = Span::seconds(30);

/// The longest block.
pub const LONGEST_BLOCK: Span = Span::minutes(15);

/// Consecutive failures after which waiting no longer unblocks the window (NIST SP 800-63B-4 §3.2.2). A known device can still
/// sign in, and a password reset unblocks it.
pub const LOCKED_AFTER: u32 = 100;

/// Consecutive failed sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureWindow {
    /// Consecutive failures.
    #[serde(rename = "n")]
    pub count: u32,
    /// When the last failure was.
    #[serde(rename = "at", skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

impl FailureWindow {
    /// Whether no failure is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// How long this window still blocks, if it does.
    #[must_use]
    pub fn blocked_for(&self, now: Timestamp) -> Option<Span> {
        if self.count >= LOCKED_AFTER {
            return Some(LONGEST_BLOCK);
        }
        let over = self.count.checked_sub(FREE_FAILURES)?;
        let block = Span::millis(FIRST_BLOCK.as_millis() << over.min(15)).min(LONGEST_BLOCK);
        let remaining = (self.last_at? + block).since(now);
        (remaining > Span::ZERO).then_some(remaining)
    }
    /// The window after one more failure.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        Self { count: self.count.saturating_add(1), last_at: Some(now) }
    }
}

/// The failures of an identifier without an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownIdentifierFailures {
    /// The identifier.
    #[serde(rename = "idf")]
    pub identifier: super::identifier::IdentifierHash,
    /// Its window.
    #[serde(rename = "fw")]
    pub failures: FailureWindow,
    /// The version of this state.
    pub version: u64,
    /// When the counter expires.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

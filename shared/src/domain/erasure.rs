//! Closing, restoring and erasing an account (security 129, 130, 132).
//!
//! 1. The user closes the account: its epoch is raised, so everything issued before is dead. The erasure is stored under the day
//!    on which it is due, in the same transaction.
//! 2. Until then the mailed link restores the account, and removes the due work in the same transaction.
//! 3. When it is due, the retention job makes the account *erased*: a versioned write, the point of no return. A restoration, a
//!    hold or a sign-in that was faster makes the job decide again. A legal hold defers the erasure.
//! 4. The remaining items are removed one by one. If that is interrupted, the due work stays stored, and the removal continues
//!    later.

mod decisions;

pub use decisions::{Erasure, Hold, Requested, Restored, erase, lift_hold, place_hold, request_deletion, restore};

use super::id::AccountId;
use super::identifier::IdentifierHash;
use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The shortest time between the closing of an account and its erasure: no request that was admitted before the closing still
/// runs then.
pub const MIN_GRACE: Span = Span::minutes(10);
/// How long a due erasure waits before its legal hold is checked again. More than a day, so that it moves to the work of another
/// day.
pub const DEFERRAL: Span = Span::days(7);

/// The erasure of an account, stored under the day on which it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueErasure {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The identifier of the account. It is freed at the end, when the account's own item no longer has it.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// When it is due.
    pub due: Timestamp,
}

/// What is left of an erased account. With it, a restored backup is cleaned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// When it was erased.
    pub at: Timestamp,
}

#[cfg(test)]
#[path = "erasure_tests.rs"]
mod tests;

//! Closing an account, restoring it, and erasing it (security 129, 130, 132).
//!
//! 1. The person closes the account: its epoch is raised, so everything issued before is dead, and the erasure is put among the work
//!    of the day that it is due, in one transaction.
//! 2. Until then the mailed link restores it; that removes the due work in the same transaction.
//! 3. When it is due, the retention job makes the account *erased*: a versioned write, the point of no return. A restoration, a
//!    hold or a sign-in that was faster makes it decide again. A legal hold puts the erasure off.
//! 4. What is left is removed item by item; however often that is broken off, the due work stays until the end.

mod decisions;

pub use decisions::{Erasure, Hold, Requested, Restored, erase, lift_hold, place_hold, request_deletion, restore};

use super::id::AccountId;
use super::identifier::IdentifierHash;
use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The shortest time between the closing of an account and its erasure: no request that was admitted before still writes then.
pub const MIN_GRACE: Span = Span::minutes(10);
/// How long an erasure that is due waits for a legal hold before it is looked at again. More than a day, so that it moves to
/// another day's work.
pub const DEFERRAL: Span = Span::days(7);

/// The erasure of an account, among the work of the day that it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueErasure {
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// What it signed in with: freed at the end, when the account itself no longer says it.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// From when on.
    pub due: Timestamp,
}

/// What is left of an erased account: by it a restored backup is cleaned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Which.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// When it was erased.
    pub at: Timestamp,
}

#[cfg(test)]
#[path = "erasure_tests.rs"]
mod tests;

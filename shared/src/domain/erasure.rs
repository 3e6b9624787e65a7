//! Closing, restoring and erasing an account (security 129, 130, 132).
//!
//! 1. The user closes the account: its epoch is raised, so everything issued before is dead. The erasure is stored under the day
//!    on which it is due, in the same transaction.
//! 2. Until then the mailed link restores the account, and removes the due work in the same transaction.
//! 3. When it is due, the retention job makes the account *erased*: a versioned write, the point of no return. A restoration, a
//!    hold or a sign-in that was faster makes the job decide again. A legal hold defers the erasure.
//! 4. The remaining items are removed one by one. If that is interrupted, the due work stays stored, and the removal continues
//!    later.
//! 5. Each request and each restoration is also recorded in the table `keys`, in the same transaction. A restored backup of the
//!    accounts does not contain what happened after it: [`replay`] repeats it from these records, with time left to restore the account.

mod decisions;

pub use decisions::{
    Erasure, Hold, Replayed, Requested, Restored, erase, lift_hold, place_hold, replay, request_deletion, restore,
};

use super::account::AccountStatus;
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

/// The shortest time between the replay of a deletion request after the restore of a backup and the erasure. While the service was down,
/// nobody could restore the account with the mailed link.
pub const REPLAY_GRACE: Span = Span::days(7);

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
    /// When the user requested it: the day of its [`DeletionRecord`]. None before these records existed.
    #[serde(rename = "req", default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
}

/// A deletion request, or a restoration, in the table of keys. It contains no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRecord {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// When it happened. Its UTC day is part of the key.
    pub at: Timestamp,
    /// The account's status since: closed with all that the mailed link needs, or active again.
    #[serde(rename = "st")]
    pub status: AccountStatus,
}

/// How long the record of a restoration is kept: longer than any backup of the service (35 days), and than most others. The record
/// of a request is removed with its restoration or its erasure.
pub const RESTORATION_RECORD: Span = Span::days(400);

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

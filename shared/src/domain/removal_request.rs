//! What is stored of a removal of lost second factors ([`super::lost_factor`] decides on it).

use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// From the request to the removal.
pub const DELAY: Span = Span::hours(72);
/// How long the mailed code works. The attempt may end before.
pub const CODE_LIFETIME: Span = Span::minutes(15);

/// A request for the removal of the second factors. It is kept after its end, since it counts for [`AGAIN_AFTER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalRequest {
    /// When it was made.
    #[serde(rename = "at")]
    pub asked_at: Timestamp,
    /// The browser that asked: the device id of its cookie. None: it was cancelled, or the factors were removed.
    #[serde(rename = "by", default, skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// The delay in hours, if an operator has shortened it. An earlier release reads it as [`DELAY`].
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u8>,
}

impl RemovalRequest {
    /// When the factors can be removed.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.asked_at + self.hours.map_or(DELAY, |hours| Span::hours(i64::from(hours)).min(DELAY))
    }
    /// The request after it was cancelled or used.
    #[must_use]
    pub const fn ended(self) -> Self {
        Self { device: None, ..self }
    }
}

/// A mailed code of a sign-in attempt that starts the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalCode {
    /// When it was requested. The code is derived from it.
    pub at: Timestamp,
    /// The version of the proof key that it is derived with.
    #[serde(rename = "kv")]
    pub key_version: u32,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
}

//! A device that signed in before, and what it means that its user had it remembered (security 160).
//!
//! 1. Right after a code of the authenticator app the user may choose that no code is asked for on this device. The device gets a fresh id then: a
//!    copy of the cookie from before gains nothing.
//! 2. A remembered device satisfies what the account itself asks for ([`crate::domain::sign_in::policy`]). It raises no level.
//! 3. Its time, a rise of the epoch, a change of a factor, and the user's wish end it.

use super::failure_window::FailureWindow;
use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Maximum number of known devices of an account. With one more the largest state would exceed 1,000 bytes.
pub const MAX_KNOWN_DEVICES: usize = 5;
/// Maximum number of remembered ones among them: there is always room for a new device. One more ends the oldest.
pub const MAX_REMEMBERED_DEVICES: usize = 3;

/// A device that signed in before. Its sealed cookie identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    /// The first 8 bytes of the SHA-256 of the device's id.
    pub id: u64,
    /// Its own failures, so that failures of unknown devices do not lock the owner out (security 114).
    #[serde(rename = "fw")]
    pub failures: FailureWindow,
    /// Until when no second step is asked for on it. None: the user has not chosen so.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub remembered_until: Option<RememberedUntil>,
}

/// The end of a choice, in whole hours since the Unix epoch: few bytes, in an item that must stay small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RememberedUntil(u32);

impl RememberedUntil {
    /// This long after now, rounded down to the hour: never longer than the user was told.
    #[must_use]
    pub fn after(span: Span, now: Timestamp) -> Self {
        Self(u32::try_from((now + span).seconds().div_euclid(3600)).unwrap_or(0))
    }
    /// The moment.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        Timestamp::from_seconds(self.0 as i64 * 3600)
    }
}

impl KnownDevice {
    /// A device without failures that is not remembered.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, failures: FailureWindow::default(), remembered_until: None }
    }
    /// Whether it is remembered now.
    #[must_use]
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        self.remembered_until.is_some_and(|until| now < until.at())
    }
    /// It stays known, and is no longer remembered.
    #[must_use]
    pub const fn forgotten(self) -> Self {
        Self { remembered_until: None, ..self }
    }
}

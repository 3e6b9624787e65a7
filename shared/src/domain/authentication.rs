//! Sign-in: counting failures, backing off, and deciding on a password.
//!
//! 1. A window that blocks refuses before anything is evaluated (429 for the caller).
//! 2. Otherwise the password is compared (outside, by `keys`), and the decision *always* writes: a failure counts, a success
//!    resets. The caller shows the outcome only once that versioned write stands, so parallel guesses can't outrun it.
//! 3. Unknown identifiers have a window of their own, so that they answer alike (security 71, 112, 113).

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many known devices an account keeps.
pub const MAX_KNOWN_DEVICES: usize = 8;

/// Consecutive failed sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureWindow {
    /// Consecutive failures.
    #[serde(rename = "n")]
    pub count: u32,
    /// When the last one was.
    #[serde(rename = "at", skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

/// A device that signed in before: its sealed cookie names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    /// The first 8 bytes of the SHA-256 of the device's id.
    pub id: u64,
    /// Its own failures, so that strangers' failures don't lock the owner out (security 114).
    #[serde(rename = "fw")]
    pub failures: FailureWindow,
}

/// The failures of an identifier that no account has.
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
    /// When the counter is forgotten.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

/// What a person did to sign in (RFC 8176 values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amr {
    /// A password.
    Pwd,
    /// A one-time code or link that was mailed.
    Otp,
}

//! A device that signed in before.

use super::failure_window::FailureWindow;
use serde::{Deserialize, Serialize};

/// Maximum number of known devices of an account. With one more the largest state would exceed 1,000 bytes.
pub const MAX_KNOWN_DEVICES: usize = 6;

/// A device that signed in before. Its sealed cookie identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    /// The first 8 bytes of the SHA-256 of the device's id.
    pub id: u64,
    /// Its own failures, so that failures of unknown devices do not lock the owner out (security 114).
    #[serde(rename = "fw")]
    pub failures: FailureWindow,
}

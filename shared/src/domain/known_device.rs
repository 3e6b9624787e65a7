//! A device that signed in before.

use super::failure_window::FailureWindow;
use serde::{Deserialize, Serialize};

/// How many known devices an account keeps.
pub const MAX_KNOWN_DEVICES: usize = 8;

/// A device that signed in before: its sealed cookie names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    /// The first 8 bytes of the SHA-256 of the device's id.
    pub id: u64,
    /// Its own failures, so that strangers' failures don't lock the owner out (security 114).
    #[serde(rename = "fw")]
    pub failures: FailureWindow,
}

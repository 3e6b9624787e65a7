//! Passwords: policy by preset, strength, blocklist (security 65–69). Hashing itself is in `keys`.

use super::id::AccountId;
use super::secret::PasswordHash;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The stored password of an account (own key prefix: token, export and retention can't read it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordCredential {
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// Its hash.
    #[serde(rename = "h")]
    pub hash: PasswordHash,
    /// When it was set.
    #[serde(rename = "at")]
    pub changed_at: Timestamp,
    /// The version of this state.
    pub version: u64,
}

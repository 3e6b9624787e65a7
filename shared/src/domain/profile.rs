//! What an account says about its person: claims by their OpenID Connect names.

use super::account::Sealed;
use super::id::AccountId;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The claims of a person, in clear: `email`, `email_verified`, `name`, custom ones by their field name. Personal data: it
/// does not print.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(pub serde_json::Map<String, serde_json::Value>);

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claims({} claims)", self.0.len())
    }
}

/// The stored profile: [`Claims`] as JSON, sealed under the account's data key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The sealed claims.
    #[serde(rename = "cl")]
    pub claims: Sealed,
    /// When they last changed (`updated_at`).
    #[serde(rename = "at")]
    pub updated_at: Timestamp,
    /// The version of this state; the `ETag` of the profile.
    pub version: u64,
}

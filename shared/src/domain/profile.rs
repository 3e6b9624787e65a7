//! What an account says about its person: claims by their OpenID Connect names.

mod decisions;

pub use decisions::{Edit, EditFlaw, edit};

use super::account::{LinkSeed, Sealed};
use super::id::AccountId;
use super::identifier::IdentifierHash;
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
    /// The change of address that waits for its proof, if one does. Never usable to sign in (security 95).
    #[serde(rename = "chg", default, skip_serializing_if = "Option::is_none")]
    pub email_change: Option<EmailChange>,
    /// Changes of address that their former address can still undo; at most [`MAX_EMAIL_UNDOS`].
    #[serde(rename = "und", default, skip_serializing_if = "Vec::is_empty")]
    pub email_undos: Vec<EmailUndo>,
    /// The version of this state.
    pub version: u64,
}

/// Changes of address that can be undone at the same time. One more waits until the oldest is settled: a thief who changes the
/// address again and again does not push the owner's undo out.
pub const MAX_EMAIL_UNDOS: usize = 3;

/// A change of address that waits for its proof. It lives in the profile, so that the transaction that changes the address also
/// uses it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// The new address.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// The new address, sealed under the account's data key.
    #[serde(rename = "to")]
    pub address: Sealed,
    /// What its code and link derive from.
    #[serde(rename = "sd")]
    pub seed: LinkSeed,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
    /// BCP 47 locale of its mail.
    #[serde(rename = "loc")]
    pub locale: String,
    /// When it ends by itself.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

/// A former address, which may take its place again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailUndo {
    /// The former address.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// The former address, sealed under the account's data key.
    #[serde(rename = "to")]
    pub address: Sealed,
    /// What its link derives from.
    #[serde(rename = "sd")]
    pub seed: LinkSeed,
    /// BCP 47 locale of its mail.
    #[serde(rename = "loc")]
    pub locale: String,
    /// When the address was changed: the time of the event that its mail follows.
    #[serde(rename = "at")]
    pub changed_at: Timestamp,
    /// When it can be undone no more.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

impl Profile {
    /// The profile with other claims, as of now.
    #[must_use]
    pub fn with_claims(&self, claims: Sealed, now: Timestamp) -> Self {
        Self { claims, updated_at: now, version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;

//! The profile of an account: claims by their OpenID Connect names.

mod decisions;

pub use decisions::{Edit, EditFlaw, edit};

use super::account::{LinkSeed, Sealed};
use super::disowned::DisownedTime;
use super::id::{AccountId, SessionId};
use super::identifier::IdentifierHash;
use super::secret::SecretHash;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The claims of a user, in clear: `email`, `email_verified`, `name`, custom claims by their field names. Personal data: it does
/// not print.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(pub serde_json::Map<String, serde_json::Value>);

impl Claims {
    /// Words that an attacker would guess first for a password of this user: all texts of the profile, and their parts (security 69).
    #[must_use]
    pub fn guessable_words(&self) -> Vec<&str> {
        let texts = self.0.values().filter_map(serde_json::Value::as_str).filter(|text| text.len() <= 100);
        let words = texts.flat_map(|text| std::iter::once(text).chain(text.split(['@', '.', ' '])));
        words.filter(|word| !word.is_empty()).collect()
    }
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claims({} claims)", self.0.len())
    }
}

/// The stored profile: [`Claims`] as JSON, sealed under the account's data key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The sealed claims.
    #[serde(rename = "cl")]
    pub claims: Sealed,
    /// When they last changed (`updated_at`).
    #[serde(rename = "at")]
    pub updated_at: Timestamp,
    /// The pending change of address, if there is one. The new address cannot be used to sign in (security 95).
    #[serde(rename = "chg", default, skip_serializing_if = "Option::is_none")]
    pub email_change: Option<EmailChange>,
    /// Changes of address that the owner of the former address can still undo; at most [`MAX_EMAIL_UNDOS`].
    #[serde(rename = "und", default, skip_serializing_if = "Vec::is_empty")]
    pub email_undos: Vec<EmailUndo>,
    /// When changes of address were started during the last day; at most [`super::email_change::STARTS_A_DAY`].
    #[serde(rename = "chs", default, skip_serializing_if = "Vec::is_empty")]
    pub email_change_starts: Vec<Timestamp>,
    /// The proof that changed the address last: the same request gets the same answer if its reply was lost.
    #[serde(rename = "chp", default, skip_serializing_if = "Option::is_none")]
    pub spent_proof: Option<SpentProof>,
    /// The last proof of the address before a factor was added.
    #[serde(rename = "prf", default, skip_serializing_if = "Option::is_none")]
    pub address_proof: Option<AddressProof>,
    /// Spans of time with changes that the user has disowned. See [`super::not_me`].
    #[serde(rename = "dis", default, skip_serializing_if = "Vec::is_empty")]
    pub disowned: Vec<DisownedTime>,
    /// The version of this state.
    pub version: u64,
}

/// A mailed code that proves the present address to one session. See [`super::address_proof`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressProof {
    /// The session.
    pub sid: SessionId,
    /// The account's epoch when the code was requested.
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// The seed of the code.
    #[serde(rename = "sd")]
    pub seed: LinkSeed,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
    /// When the code was requested.
    #[serde(rename = "at")]
    pub started_at: Timestamp,
    /// When it was typed.
    #[serde(rename = "ok", default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
    /// When codes were requested during the last day; at most [`super::address_proof::STARTS_A_DAY`].
    #[serde(rename = "sts")]
    pub starts: Vec<Timestamp>,
}

/// A proof that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentProof {
    /// The hash of the proof and of the session or grant that presented it.
    #[serde(rename = "h")]
    pub hash: SecretHash,
    /// When it was used.
    pub at: Timestamp,
}

/// Maximum number of changes of address that can be undone at the same time. A further change must wait until the oldest undo has
/// expired: a thief who changes the address repeatedly cannot displace the owner's undo.
pub const MAX_EMAIL_UNDOS: usize = 3;

/// A pending change of address. It is part of the profile, so that the transaction that changes the address also completes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// The new address.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// The new address, sealed under the account's data key.
    #[serde(rename = "to")]
    pub address: Sealed,
    /// The seed of its code and link.
    #[serde(rename = "sd")]
    pub seed: LinkSeed,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
    /// BCP 47 locale of its mail.
    #[serde(rename = "loc")]
    pub locale: String,
    /// When it expires.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The account's epoch when it started. None: it was started by an earlier release.
    #[serde(rename = "ep", default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
}

/// A former address that can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailUndo {
    /// The former address.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// The former address, sealed under the account's data key.
    #[serde(rename = "to")]
    pub address: Sealed,
    /// The seed of its link.
    #[serde(rename = "sd")]
    pub seed: LinkSeed,
    /// BCP 47 locale of its mail.
    #[serde(rename = "loc")]
    pub locale: String,
    /// When the address was changed: the time of the event that caused its mail.
    #[serde(rename = "at")]
    pub changed_at: Timestamp,
    /// When the undo expires. See [`super::email_undo::is_valid`].
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// Whether its mail has a code beside the link. A release before this attribute mailed only the link.
    #[serde(rename = "cod", default, skip_serializing_if = "std::ops::Not::not")]
    pub has_code: bool,
    /// When it was used. It is kept so that a second use of its link says that it was done already; it grants nothing any more.
    #[serde(rename = "us", default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}

impl Profile {
    /// The profile with these claims, updated now.
    #[must_use]
    pub fn with_claims(&self, claims: Sealed, now: Timestamp) -> Self {
        Self { claims, updated_at: now, version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;

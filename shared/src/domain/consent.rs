//! What a person allowed a client (security 18), and the terms a person accepted.

use super::id::{AccountId, ClientId};
use super::oauth::scope::ScopeSet;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What one client may ask for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// Given to whom.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// For what.
    #[serde(rename = "scp")]
    pub scope: ScopeSet,
    /// Since when.
    #[serde(rename = "at")]
    pub granted_at: Timestamp,
    /// When it was withdrawn, if it was.
    #[serde(rename = "wd", skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
    /// The version of this state.
    pub version: u64,
}

/// One accepted version of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedTerms {
    /// The document's name in the tenant document.
    pub document: String,
    /// The version that was shown.
    pub version: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

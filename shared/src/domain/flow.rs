//! A flow proves an address by a mailed code or link: a pending registration or a password reset.
//!
//! Codes and links are never stored: both derive from the flow's `seed`, its purpose and its generation (`keys::proof`).
//! Tries are counted per flow, over all generations. Every typed code first takes one of the identifier's tries of the day.

use super::account::Sealed;
use super::id::{AccountId, ClientId, FlowId};
use super::identifier::IdentifierHash;
use super::secret::SecretHash;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Maximum number of wrong codes of a flow, over all generations.
pub const MAX_TRIES: u8 = 5;
/// How often a code can be sent again after the first.
pub const MAX_RESENDS: u8 = 3;
/// Maximum number of typed codes of an identifier in a day, over all flows.
pub const IDENTIFIER_TRIES_A_DAY: u32 = 20;

/// The purpose of a flow. Its codes derive from it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowPurpose {
    /// Proves the address of a new account.
    Registration,
    /// Proves the address of an account with a forgotten password.
    Recovery,
}

/// The state of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// Waits for its proof.
    Open,
    /// Proven and used.
    Completed,
    /// Ended by the owner of the address ("I did not ask for this").
    Ended,
}

/// A pending registration or password reset.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its id. Outside the store it appears only in a sealed locator.
    pub id: FlowId,
    /// Its purpose.
    #[serde(rename = "for")]
    pub purpose: FlowPurpose,
    /// The account that it will create (registration: fresh random; password reset: fresh random too, used only for an import;
    /// otherwise the owner of the identifier is looked up when the proof comes).
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The address to prove.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// The seed of its codes. It never leaves the item.
    #[serde(with = "crate::domain::bytes")]
    pub seed: Vec<u8>,
    /// Version of the code key.
    #[serde(rename = "kv")]
    pub code_key_version: u32,
    /// Raised by each resend: older codes become invalid.
    #[serde(rename = "gen")]
    pub generation: u8,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
    /// Its state.
    #[serde(rename = "st")]
    pub state: FlowState,
    /// The browser that started it (hash of the value of its binding cookie); none if started by JSON.
    #[serde(rename = "bro", skip_serializing_if = "Option::is_none")]
    pub browser: Option<SecretHash>,
    /// The client that the user came from.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// BCP 47 locale of pages and mails.
    #[serde(rename = "loc")]
    pub locale: String,
    /// The authorize query to go back to after the proof, unchanged (without `?`).
    #[serde(rename = "to", skip_serializing_if = "Option::is_none")]
    pub continue_to: Option<String>,
    /// Registration: [`super::registration::PendingRegistration`], sealed under the pending data key. Password reset: the
    /// address, sealed in the same way, while a legacy directory is configured. Otherwise it is not stored, and the mail goes to
    /// the account's stored address.
    #[serde(rename = "pay", skip_serializing_if = "Option::is_none")]
    pub payload: Option<Sealed>,
    /// When it started.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// When it expires.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The version of this state.
    pub version: u64,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("state", &self.state)
            .field("generation", &self.generation)
            .field("tries", &self.tries)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

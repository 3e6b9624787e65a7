//! A flow proves an address by a mailed code or link: a pending registration or a recovery.
//!
//! Codes and links are never stored: both derive from the flow's `seed`, its purpose and its generation (`keys::proof`).
//! Tries belong to the flow, over all generations; every typed code first takes one of the identifier's tries of the day.

use super::account::Sealed;
use super::id::{AccountId, ClientId, FlowId};
use super::identifier::IdentifierHash;
use super::secret::SecretHash;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Wrong codes that a flow takes, over all generations.
pub const MAX_TRIES: u8 = 5;
/// Codes that may be sent again after the first.
pub const MAX_RESENDS: u8 = 3;
/// Typed codes that an identifier takes a day, over all flows.
pub const IDENTIFIER_TRIES_A_DAY: u32 = 20;

/// What a flow is for; part of what its codes derive from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowPurpose {
    /// Proves the address of a new account.
    Registration,
    /// Proves the address of an account whose password is lost.
    Recovery,
}

/// How far a flow has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// Waits for its proof.
    Open,
    /// Proven and used up.
    Completed,
    /// Ended by the owner of the address ("I did not ask for this").
    Ended,
}

/// A pending registration or recovery.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its id; outside it shows only inside a sealed locator.
    pub id: FlowId,
    /// What it is for.
    #[serde(rename = "for")]
    pub purpose: FlowPurpose,
    /// The account that it will create (registration: fresh random; recovery: fresh random too, unused; the owner of the
    /// identifier is looked up when the proof comes).
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The address to prove.
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// What codes derive from; never leaves the item.
    #[serde(with = "crate::domain::bytes")]
    pub seed: Vec<u8>,
    /// Version of the code key.
    #[serde(rename = "kv")]
    pub code_key_version: u32,
    /// Raised by each resend: older codes die.
    #[serde(rename = "gen")]
    pub generation: u8,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
    /// How far it has come.
    #[serde(rename = "st")]
    pub state: FlowState,
    /// The browser that began it (hash of its binding cookie's value); none when begun by JSON.
    #[serde(rename = "bro", skip_serializing_if = "Option::is_none")]
    pub browser: Option<SecretHash>,
    /// The client that the person came from.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// BCP 47 locale of pages and mails.
    #[serde(rename = "loc")]
    pub locale: String,
    /// The authorize query to go back to after the proof, as it came (`?`-less).
    #[serde(rename = "to", skip_serializing_if = "Option::is_none")]
    pub continue_to: Option<String>,
    /// Registration: [`super::registration::PendingRegistration`], sealed under the pending data key. Recovery: the address, sealed
    /// alike, while people come from a former directory; otherwise it is not kept, and the mail goes to the stored one.
    #[serde(rename = "pay", skip_serializing_if = "Option::is_none")]
    pub payload: Option<Sealed>,
    /// When it began.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// When it ends by itself.
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

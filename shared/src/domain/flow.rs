//! A flow proves an address by a mailed code or link: a pending registration, a password reset, or a sign-in.
//!
//! Codes and links are never stored: both derive from the flow's `seed`, its purpose and its generation (`keys::proof`).
//! Tries are counted per flow, over all generations, and by nothing else: a stranger's wrong codes cost an owner nothing.

use super::account::Sealed;
use super::id::{AccountId, ClientId, FlowId, Sub};
use super::identifier::IdentifierHash;
use super::repetition::is_repeatable;
use super::secret::SecretHash;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Maximum number of wrong codes of a flow, over all generations.
pub const MAX_TRIES: u8 = 5;
/// How often a code can be sent again after the first.
pub const MAX_RESENDS: u8 = 3;

/// The purpose of a flow. Its codes derive from it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowPurpose {
    /// Proves the address of a new account.
    Registration,
    /// Proves the address of an account with a forgotten password.
    Recovery,
    /// Proves the address of an account that signs in with a mailed code.
    SignIn,
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

/// What a completed flow keeps, so that the same request gets the same answer if its reply was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// When it was completed.
    pub at: Timestamp,
    /// Registration: the subject identifier of the new account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Sub>,
    /// The hash of the `Idempotency-Key` of the request, if it had one.
    #[serde(rename = "ik", default, skip_serializing_if = "Option::is_none")]
    pub repeat_key: Option<SecretHash>,
}

/// A pending registration, password reset or sign-in.
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
    /// Whether the code of a registration or sign-in has 50 bits, as that of a password reset has: its address used up the codes of 6 digits of the
    /// day ([`super::mail_limit`]).
    #[serde(rename = "lc", default, skip_serializing_if = "is_false")]
    pub long_code: bool,
    /// Raised by each resend: older codes become invalid.
    #[serde(rename = "gen")]
    pub generation: u8,
    /// Wrong codes so far.
    #[serde(rename = "try")]
    pub tries: u8,
    /// Its state.
    #[serde(rename = "st")]
    pub state: FlowState,
    /// Its completion. None: it is not completed, or an earlier release completed it.
    #[serde(rename = "dn", default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<Completion>,
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

/// For attributes that are stored only if they are true.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Flow {
    /// The completed flow.
    #[must_use]
    pub fn completed(&self, completion: Completion) -> Self {
        let completion = Some(completion);
        Self { state: FlowState::Completed, completion, payload: None, version: self.version + 1, ..self.clone() }
    }
    /// Its completion, while the request that completed it gets the same answer again. The caller checks that it comes from the same
    /// hands.
    #[must_use]
    pub fn repeatable(&self, now: Timestamp) -> Option<&Completion> {
        let completion = self.completion.as_ref().filter(|_| self.state == FlowState::Completed)?;
        is_repeatable(completion.at, now).then_some(completion)
    }
    /// With one more wrong code.
    #[must_use]
    pub fn with_wrong_code(&self) -> Self {
        Self { tries: self.tries + 1, version: self.version + 1, ..self.clone() }
    }
    /// Whether its code has 10 letters and digits (50 bits) rather than 6 digits.
    #[must_use]
    pub fn has_long_code(&self) -> bool {
        match self.purpose {
            FlowPurpose::Registration | FlowPurpose::SignIn => self.long_code,
            FlowPurpose::Recovery => true,
        }
    }
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

//! What happened: the event that rides on one item of each commit and becomes the audit record.

use super::id::{AccountId, ClientId, FlowId, RequestId};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Happenings, by their stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A registration began; its address gets a code, or a notice when it has an account.
    RegistrationStarted,
    /// A new code was asked for.
    CodeResent,
    /// The owner of the address ended a flow that they had not asked for.
    FlowDisowned,
    /// A wrong code was typed.
    CodeRefused,
    /// An account was created.
    AccountCreated,
    /// An account was taken over from a former directory.
    AccountImported,
    /// A sign-in succeeded.
    SignedIn,
    /// A sign-in failed.
    SignInFailed,
    /// A session ended.
    SignedOut,
    /// A client was given consent.
    ConsentGranted,
    /// A recovery began; the owner of the address, if any, gets a code.
    RecoveryStarted,
    /// A password was reset by recovery.
    PasswordReset,
    /// A grant was revoked.
    GrantRevoked,
    /// An access token was revoked.
    AccessTokenRevoked,
    /// A spent refresh token was presented: its family is revoked.
    RefreshReuse,
    /// A redeemed code was presented again: its grant is revoked.
    CodeReplayed,
    /// The profile was edited.
    ProfileChanged,
    /// The password was changed by somebody who knew it.
    PasswordChanged,
    /// A change of address began; the new address gets a code.
    EmailChangeStarted,
    /// A wrong code for a change of address was typed.
    EmailChangeRefused,
    /// A change of address was ended before its proof: by the person, or by the owner of the new address.
    EmailChangeEnded,
    /// The address was changed; the former one is told, with a link that undoes it.
    EmailChanged,
    /// The former address took its place again; password and sessions ended.
    EmailChangeUndone,
    /// A session was ended from the list, with its offline grants.
    SessionEnded,
    /// Consent was withdrawn; the client's grants ended.
    ConsentWithdrawn,
    /// The person's data was exported.
    DataExported,
    /// The person closed the account: it is erased when due.
    DeletionRequested,
    /// The closed account was restored within its grace.
    AccountRestored,
    /// The account was erased.
    AccountErased,
    /// An erasure that was due waits for a legal hold.
    ErasureDeferred,
    /// A legal hold was placed.
    LegalHoldPlaced,
    /// A legal hold was lifted.
    LegalHoldLifted,
    /// An operator gave or took roles.
    RolesChanged,
}

/// The `event` attribute: no personal data in clear, no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// A ULID minted in the request; the key of the audit record.
    pub id: String,
    /// What happened.
    #[serde(rename = "k")]
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// In which request.
    #[serde(rename = "req")]
    pub request_id: RequestId,
    /// To whom, where an account is known.
    #[serde(rename = "acc", skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// In which flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowId>,
    /// Through which client.
    #[serde(rename = "cid", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Keyed hash of the caller's address (IPv4 whole, IPv6 by /64), base64url.
    #[serde(rename = "adr", skip_serializing_if = "Option::is_none")]
    pub address_hash: Option<String>,
}

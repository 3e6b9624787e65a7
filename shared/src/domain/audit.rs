//! Audit events: each is stored on one item of a commit and becomes an audit record.

use super::id::{AccountId, ClientId, FlowId, RequestId};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Events by their stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A registration started. Its address gets a code, or a notice if it has an account.
    RegistrationStarted,
    /// A new code was requested.
    CodeResent,
    /// The owner of the address ended a flow that they had not requested.
    FlowDisowned,
    /// A wrong code was typed.
    CodeRefused,
    /// An account was created.
    AccountCreated,
    /// An account was imported from a legacy directory.
    AccountImported,
    /// A sign-in succeeded.
    SignedIn,
    /// A sign-in failed.
    SignInFailed,
    /// A second step failed, after a right first one.
    SecondStepFailed,
    /// The fifth wrong code in a row of a second step, after the right password: the owner is told.
    SecondStepsBlocked,
    /// An operator lets codes be tried again.
    SecondStepsUnlocked,
    /// A session ended.
    SignedOut,
    /// A client was given consent.
    ConsentGranted,
    /// A password reset started. The owner of the address, if any, gets a code.
    RecoveryStarted,
    /// A code to sign in with was requested. The owner of the address, if any, gets it.
    SignInCodeStarted,
    /// A password was reset by mail.
    PasswordReset,
    /// A grant was revoked.
    GrantRevoked,
    /// An access token was revoked.
    AccessTokenRevoked,
    /// A used refresh token was presented again: its family is revoked.
    RefreshReuse,
    /// A redeemed code was presented again: its grant is revoked.
    CodeReplayed,
    /// The profile was edited.
    ProfileChanged,
    /// The password was changed by a user who knew the old one.
    PasswordChanged,
    /// A change of address started. The new address gets a code.
    EmailChangeStarted,
    /// A wrong code for a change of address was typed.
    EmailChangeRefused,
    /// A change of address was ended before its proof: by the user, or by the owner of the new address.
    EmailChangeEnded,
    /// The address was changed. The former one gets a notice with a link that undoes it.
    EmailChanged,
    /// The former address was restored. Password and sessions ended.
    EmailChangeUndone,
    /// A session was ended from the list, with its offline grants.
    SessionEnded,
    /// Consent was withdrawn; the client's grants ended.
    ConsentWithdrawn,
    /// The user's data was exported.
    DataExported,
    /// The user closed the account. It is erased when due.
    DeletionRequested,
    /// The closed account was restored within its grace period.
    AccountRestored,
    /// The account was erased.
    AccountErased,
    /// A due erasure was deferred because of a legal hold.
    ErasureDeferred,
    /// A legal hold was placed.
    LegalHoldPlaced,
    /// A legal hold was lifted.
    LegalHoldLifted,
    /// Several notices of a kind were due: this event is merged into a deferred one.
    NoticeMerged,
    /// An operator added or removed roles.
    RolesChanged,
    /// A code that proves the present address was requested, before a factor is added.
    AddressProofStarted,
    /// A wrong code for the present address was typed.
    AddressProofRefused,
    /// An authenticator app was added: the account needs a second step.
    AuthenticatorAdded,
    /// An authenticator app replaced another one.
    AuthenticatorReplaced,
    /// The authenticator app was removed.
    AuthenticatorRemoved,
    /// New recovery codes replaced the old ones.
    RecoveryCodesRenewed,
    /// A recovery code was used to sign in.
    RecoveryCodeUsed,
    /// A code was requested that starts the removal of lost second factors.
    RemovalCodeRequested,
    /// A wrong code for that was typed.
    RemovalCodeRefused,
    /// The removal of lost second factors was requested: its delay runs.
    RemovalRequested,
    /// An operator shortened the delay of the removal.
    RemovalShortened,
    /// The removal was cancelled.
    RemovalCancelled,
    /// The lost second factors were removed after the delay.
    LostFactorsRemoved,
    /// No code is asked for on a device from now on: the user chose so, right after a code there.
    DeviceRemembered,
    /// The user forgot remembered devices: codes are asked for there again.
    DevicesForgotten,
    /// The user disowned what happened since an event: sessions ended, and the password opens nothing.
    NotMeReported,
    /// Terms were accepted after the registration.
    TermsAccepted,
    /// The acceptance of an optional document was withdrawn.
    TermsWithdrawn,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed. Sessions ended, except the one that removed it.
    PasskeyRemoved,
    /// A passkey was refused: its counter did not rise.
    PasskeyRefused,
}

/// The `event` attribute: no personal data in clear, no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// A ULID created in the request. It is the key of the audit record.
    pub id: String,
    /// The kind of the event.
    #[serde(rename = "k")]
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// The request.
    #[serde(rename = "req")]
    pub request_id: RequestId,
    /// The account, if known.
    #[serde(rename = "acc", skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowId>,
    /// The client.
    #[serde(rename = "cid", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Keyed hash of the caller's network address (IPv4 whole, IPv6 by /64), base64url.
    #[serde(rename = "adr", skip_serializing_if = "Option::is_none")]
    pub address_hash: Option<String>,
    /// Whether it is a sign-in on a device that the account did not know.
    #[serde(rename = "new", default, skip_serializing_if = "super::account::is_false")]
    pub is_new_device: bool,
}

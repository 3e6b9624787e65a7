//! Records: everything that a change can write. The store knows the kind, key, end and attributes of each.

use super::account::{AccountState, WrappedDataKey};
use super::consent::{AcceptedTerms, Consent};
use super::credential::PasswordCredential;
use super::erasure::{DeletionRecord, DueErasure};
use super::failure_window::UnknownIdentifierFailures;
use super::flow::Flow;
use super::id::{AccountId, ClientId, FlowId, Jti};
use super::identifier::IdentifierHash;
use super::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use super::oauth::grant::Grant;
use super::passkey::{ClaimedCredential, CredentialHash, Passkey};
use super::profile::Profile;
use super::recovery_codes::RecoveryCodes;
use super::retention::RetentionJob;
use super::session::Session;
use super::sign_in::attempt::SignInAttempt;
use super::time::Timestamp;
use super::totp::TotpCredential;
use serde::{Deserialize, Serialize};

/// The account that has an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedIdentifier {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
}

/// The terms that an account accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// All of them.
    pub accepted: Vec<AcceptedTerms>,
    /// The version of this list.
    pub version: u64,
}

/// A stored authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAuthorizationRequest {
    /// Its parameters as a query, of a request that the previous release stored. Otherwise empty.
    #[serde(default)]
    pub query: String,
    /// The same, sealed: it may have an address (`login_hint`) or an ID token.
    #[serde(rename = "sea", default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// When it expires.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

/// A revoked access token that has no grant, or an exchanged token of the legacy user pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedToken {
    /// The client that the token was issued to.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// When it would have expired.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

/// A state that does not contain its own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed<K, S> {
    /// The key.
    pub key: K,
    /// The state.
    pub state: S,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The hot item of an account.
    Account(Box<AccountState>),
    /// The claim of an identifier.
    Identifier(Keyed<IdentifierHash, ClaimedIdentifier>),
    /// A password.
    Password(PasswordCredential),
    /// An authenticator app.
    Totp(TotpCredential),
    /// Recovery codes.
    RecoveryCodes(RecoveryCodes),
    /// A profile.
    Profile(Box<Profile>),
    /// The accepted terms of an account.
    Terms(Keyed<AccountId, Terms>),
    /// A pending registration or password reset.
    Flow(Box<Flow>),
    /// A data key.
    DataKey(WrappedDataKey),
    /// A session.
    Session(Box<Session>),
    /// A grant.
    Grant(Box<Grant>),
    /// A consent.
    Consent(Consent),
    /// An identity at another identity provider.
    LinkedIdentity(LinkedIdentity),
    /// The claim of a subject of another identity provider.
    FederatedSubject(Keyed<SubjectHash, ClaimedSubject>),
    /// A passkey.
    Passkey(Box<Passkey>),
    /// The claim of a credential id.
    CredentialClaim(Keyed<CredentialHash, ClaimedCredential>),
    /// A due erasure.
    DueErasure(DueErasure),
    /// A deletion request, or a restoration.
    DeletionRecord(DeletionRecord),
    /// The failed sign-ins of an identifier without an account.
    UnknownFailures(UnknownIdentifierFailures),
    /// The state of the retention job.
    RetentionJob(Box<RetentionJob>),
    /// A revoked access token that has no grant.
    RevokedToken(Keyed<Jti, RevokedToken>),
    /// A sign-in between its steps.
    Attempt(Box<SignInAttempt>),
    /// A stored authorization request.
    AuthorizationRequest(Keyed<FlowId, StoredAuthorizationRequest>),
}

/// A type that is stored as one kind of record.
pub trait FromRecord: Sized {
    /// The state, if the record is of this kind.
    fn from_record(record: &Record) -> Option<&Self>;
}

/// A versioned state. A write of it is conditional on the version before.
pub trait Versioned: Into<Record> {
    /// The version that the state will have.
    fn version(&self) -> u64;
}

macro_rules! records {
    ($($variant:ident: $state:ty;)+) => {
        $(
            impl From<$state> for Record {
                fn from(state: $state) -> Self {
                    Self::$variant(state.into())
                }
            }
            impl FromRecord for $state {
                fn from_record(record: &Record) -> Option<&Self> {
                    if let Record::$variant(state) = record { Some(state) } else { None }
                }
            }
        )+
    };
}
records! {
    Account: AccountState;
    Identifier: Keyed<IdentifierHash, ClaimedIdentifier>;
    Password: PasswordCredential;
    Totp: TotpCredential;
    RecoveryCodes: RecoveryCodes;
    Profile: Profile;
    Terms: Keyed<AccountId, Terms>;
    Flow: Flow;
    DataKey: WrappedDataKey;
    Session: Session;
    Grant: Grant;
    Consent: Consent;
    LinkedIdentity: LinkedIdentity;
    FederatedSubject: Keyed<SubjectHash, ClaimedSubject>;
    Passkey: Passkey;
    CredentialClaim: Keyed<CredentialHash, ClaimedCredential>;
    DueErasure: DueErasure;
    DeletionRecord: DeletionRecord;
    UnknownFailures: UnknownIdentifierFailures;
    RetentionJob: RetentionJob;
    RevokedToken: Keyed<Jti, RevokedToken>;
    AuthorizationRequest: Keyed<FlowId, StoredAuthorizationRequest>;
    Attempt: SignInAttempt;
}

macro_rules! versioned {
    ($($state:ty)+) => {
        $(
            impl Versioned for $state {
                fn version(&self) -> u64 {
                    self.version
                }
            }
        )+
    };
}
impl Versioned for Keyed<AccountId, Terms> {
    fn version(&self) -> u64 {
        self.state.version
    }
}

versioned! {
    AccountState PasswordCredential TotpCredential RecoveryCodes Profile Flow Session Grant Consent UnknownIdentifierFailures RetentionJob SignInAttempt Passkey
}

//! Items: a domain state under its key, with the attributes of every item.
//!
//! | attribute | what it is |
//! |---|---|
//! | `pk`, `sk` | the key ([`super::key`]) |
//! | `kind` | its kind, so that no item is read as another kind |
//! | `version` | of a versioned state; a write is conditional on the version before |
//! | `ttl` | epoch seconds: its logical end plus [`MARGIN`]. Garbage collection only: decisions check expiry (security 131) |
//! | `op` | the write that made it: request id, attempt, index; distinguishes a lost reply from a replay (security 135) |
//! | `event` | on one item of each commit: the event. Every other write omits it |
//!
//! The other attributes belong to the state, under short names (`serde(rename)` on the domain type): an update bills the whole
//! item, so AUTHN, session and grant must stay within 1 KB.

use super::StoreError;
use super::key::{ItemKey, PK, SK};
use crate::domain::audit::Event;
use crate::domain::time::{Span, Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// An item of the SDK.
pub type Item = HashMap<String, AttributeValue>;

/// Name of the attribute with the event. The stream's filter checks for it.
pub const EVENT: &str = "event";
/// Name of the attribute by which DynamoDB removes expired items.
pub const TTL: &str = "ttl";
pub(super) const KIND: &str = "kind";
pub(super) const OP: &str = "op";
pub(super) const VERSION: &str = "version";

/// How long an item outlives its logical end, so that no clock difference and no early removal deletes an item that still decides
/// something.
pub const MARGIN: Span = Span::days(2);

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// An identifier that an account has.
    Identifier,
    /// [`crate::domain::account::AccountState`]
    Authentication,
    /// [`crate::domain::profile::Profile`]
    Profile,
    /// The accepted terms of an account.
    Terms,
    /// [`crate::domain::linked_identity::LinkedIdentity`]
    LinkedIdentity,
    /// [`crate::domain::linked_identity::ClaimedSubject`]
    FederatedSubject,
    /// [`crate::domain::session::Session`]
    Session,
    /// [`crate::domain::oauth::grant::Grant`]
    Grant,
    /// [`crate::domain::consent::Consent`]
    Consent,
    /// [`crate::domain::credential::PasswordCredential`]
    Password,
    /// [`crate::domain::passkey::Passkey`]
    Passkey,
    /// [`crate::domain::passkey::ClaimedCredential`]
    CredentialClaim,
    /// [`crate::domain::totp::TotpCredential`]
    Totp,
    /// [`crate::domain::recovery_codes::RecoveryCodes`]
    RecoveryCodes,
    /// [`crate::domain::flow::Flow`]
    Flow,
    /// [`crate::domain::sign_in::attempt::SignInAttempt`]
    Attempt,
    /// A stored authorization request.
    AuthorizationRequest,
    /// A revoked access token without a grant.
    RevokedJti,
    /// [`crate::domain::failure_window::UnknownIdentifierFailures`]
    UnknownFailures,
    /// The registrations of an identifier on a day that got a code of 6 digits.
    ShortCodes,
    /// The mails of a purpose to an identifier that a trigger caused on a day.
    MailStarts,
    /// The mails of a purpose to a recipient on a day.
    Mails,
    /// The failures or mails of a source in ten minutes.
    Source,
    /// [`crate::domain::erasure::DueErasure`]
    DueErasure,
    /// [`crate::domain::erasure::DeletionRecord`]
    DeletionRecord,
    /// What is left of an erased account.
    Tombstone,
    /// The state of a scheduled job.
    Job,
    /// The name of a tenant.
    TenantName,
    /// A version of the tenant document.
    TenantDocument,
    /// [`super::keyring::StoredKey`]
    Key,
    /// [`crate::domain::account::WrappedDataKey`]
    DataKey,
    /// An audit record.
    Audit,
}

impl ItemKind {
    /// Its name in items.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Authentication => "authentication",
            Self::Profile => "profile",
            Self::Terms => "terms",
            Self::LinkedIdentity => "linked_identity",
            Self::FederatedSubject => "federated_subject",
            Self::Session => "session",
            Self::Grant => "grant",
            Self::Consent => "consent",
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::CredentialClaim => "credential_claim",
            Self::Totp => "totp",
            Self::RecoveryCodes => "recovery_codes",
            Self::Flow => "flow",
            Self::Attempt => "attempt",
            Self::AuthorizationRequest => "authorization_request",
            Self::RevokedJti => "revoked_jti",
            Self::UnknownFailures => "unknown_failures",
            Self::ShortCodes => "short_codes",
            Self::MailStarts => "mail_starts",
            Self::Mails => "mails",
            Self::Source => "source",
            Self::DueErasure => "due_erasure",
            Self::DeletionRecord => "deletion_record",
            Self::Tombstone => "tombstone",
            Self::Job => "job",
            Self::TenantName => "tenant_name",
            Self::TenantDocument => "tenant_document",
            Self::Key => "key",
            Self::DataKey => "data_key",
            Self::Audit => "audit",
        }
    }
}

/// The item of this state. `ends` is its logical end, if it has one.
///
/// # Errors
/// If the state cannot be represented as attributes: a defect of ours.
pub(super) fn write<S: Serialize>(
    key: &ItemKey,
    kind: ItemKind,
    state: &S,
    ends: Option<Timestamp>,
    op: &str,
) -> Result<Item, StoreError> {
    let item: Item = serde_dynamo::to_item(state).map_err(|error| malformed(kind, error))?;
    Ok(stamped(key, kind, item, ends, op))
}

/// Adds the attributes of every item.
pub(super) fn stamped(key: &ItemKey, kind: ItemKind, mut item: Item, ends: Option<Timestamp>, op: &str) -> Item {
    item.insert(PK.to_owned(), AttributeValue::S(key.pk.clone()));
    item.insert(SK.to_owned(), AttributeValue::S(key.sk.clone()));
    item.insert(KIND.to_owned(), AttributeValue::S(kind.as_str().to_owned()));
    item.insert(OP.to_owned(), AttributeValue::S(op.to_owned()));
    if let Some(ends) = ends {
        item.insert(TTL.to_owned(), ttl(ends));
    }
    item
}

/// The `ttl` for this logical end.
pub(super) fn ttl(ends: Timestamp) -> AttributeValue {
    AttributeValue::N((ends + MARGIN).seconds().to_string())
}

/// Puts the event on an item.
///
/// # Errors
/// As [`write`].
pub(super) fn attach(item: &mut Item, event: &Event) -> Result<(), StoreError> {
    let event = serde_dynamo::to_attribute_value(event).map_err(|error| malformed(ItemKind::Audit, error))?;
    item.insert(EVENT.to_owned(), event);
    Ok(())
}

/// The state in this item, which must be of this kind.
///
/// # Errors
/// [`StoreError::Malformed`] if it is of another kind or malformed.
pub fn read<S: DeserializeOwned>(kind: ItemKind, item: Item) -> Result<S, StoreError> {
    match item.get(KIND).and_then(|value| value.as_s().ok()) {
        Some(found) if found == kind.as_str() => {}
        Some(found) => return Err(malformed(kind, format!("it is of kind {found}"))),
        None => return Err(malformed(kind, "it has no kind")),
    }
    serde_dynamo::from_item(item).map_err(|error| malformed(kind, error))
}

pub(super) fn malformed(kind: ItemKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Malformed { kind: kind.as_str(), source: source.into() }
}

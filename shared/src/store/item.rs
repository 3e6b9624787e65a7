//! Items: a domain state under its key, with what every item carries.
//!
//! | attribute | what it is |
//! |---|---|
//! | `pk`, `sk` | the key ([`super::key`]) |
//! | `kind` | what it is, so that nothing is read as something else |
//! | `version` | of a versioned state; a write names the one before |
//! | `ttl` | epoch seconds: its logical end and [`MARGIN`]. Garbage collection only: decisions judge expiry (security 131) |
//! | `op` | the write that made it: request id, attempt, index; how a lost reply is told from a replay (security 135) |
//! | `event` | on one item of each commit: what happened. Every other write leaves it out |
//!
//! The other attributes are the state's own, under short names (`serde(rename)` on the domain type): an update bills the whole
//! item, so AUTHN, session and grant must stay within 1 KB.

use super::StoreError;
use super::key::{ItemKey, PK, SK};
use crate::domain::audit::Event;
use crate::domain::time::{Span, Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// Name of the attribute that carries the event: the stream's filter looks for it.
pub const EVENT: &str = "event";
/// Name of the attribute by which DynamoDB removes what is long over.
pub const TTL: &str = "ttl";
pub(super) const KIND: &str = "kind";
pub(super) const OP: &str = "op";
pub(super) const VERSION: &str = "version";

/// How long an item outlives its logical end, so that no clock and no early sweep removes what still decides something.
pub const MARGIN: Span = Span::days(2);

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier that an account has.
    Identifier,
    /// [`crate::domain::account::Authentication`]
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
    /// [`crate::domain::flow::Flow`]
    Flow,
    /// A stored authorization request.
    AuthorizationRequest,
    /// A revoked access token that has no grant.
    RevokedJti,
    /// [`crate::domain::failure_window::UnknownIdentifierFailures`]
    UnknownFailures,
    /// The codes typed for an identifier on a day.
    IdentifierTries,
    /// The mails of a purpose to a recipient on a day.
    Mails,
    /// [`crate::domain::erasure::DueErasure`]
    DueErasure,
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

impl Kind {
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
            Self::Flow => "flow",
            Self::AuthorizationRequest => "authorization_request",
            Self::RevokedJti => "revoked_jti",
            Self::UnknownFailures => "unknown_failures",
            Self::IdentifierTries => "identifier_tries",
            Self::Mails => "mails",
            Self::DueErasure => "due_erasure",
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
/// When the state has no form as attributes: a defect of ours.
pub(super) fn write<S: Serialize>(
    key: &ItemKey,
    kind: Kind,
    state: &S,
    ends: Option<Timestamp>,
    op: &str,
) -> Result<Item, StoreError> {
    let item: Item = serde_dynamo::to_item(state).map_err(|error| malformed(kind, error))?;
    Ok(stamped(key, kind, item, ends, op))
}

/// These attributes with what every item carries.
pub(super) fn stamped(key: &ItemKey, kind: Kind, mut item: Item, ends: Option<Timestamp>, op: &str) -> Item {
    item.insert(PK.to_owned(), AttributeValue::S(key.pk.clone()));
    item.insert(SK.to_owned(), AttributeValue::S(key.sk.clone()));
    item.insert(KIND.to_owned(), AttributeValue::S(kind.as_str().to_owned()));
    item.insert(OP.to_owned(), AttributeValue::S(op.to_owned()));
    if let Some(ends) = ends {
        item.insert(TTL.to_owned(), ttl(ends));
    }
    item
}

/// The `ttl` of what ends then.
pub(super) fn ttl(ends: Timestamp) -> AttributeValue {
    AttributeValue::N((ends + MARGIN).seconds().to_string())
}

/// Puts the event on an item.
///
/// # Errors
/// As [`write`].
pub(super) fn attach(item: &mut Item, event: &Event) -> Result<(), StoreError> {
    let event = serde_dynamo::to_attribute_value(event).map_err(|error| malformed(Kind::Audit, error))?;
    item.insert(EVENT.to_owned(), event);
    Ok(())
}

/// The state in this item, which must be of this kind.
///
/// # Errors
/// [`StoreError::Malformed`] when it is of another kind or does not read.
pub fn read<S: DeserializeOwned>(kind: Kind, item: Item) -> Result<S, StoreError> {
    match item.get(KIND).and_then(|value| value.as_s().ok()) {
        Some(found) if found == kind.as_str() => {}
        Some(found) => return Err(malformed(kind, format!("it is of kind {found}"))),
        None => return Err(malformed(kind, "it has no kind")),
    }
    serde_dynamo::from_item(item).map_err(|error| malformed(kind, error))
}

pub(super) fn malformed(kind: Kind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Malformed { kind: kind.as_str(), source: source.into() }
}

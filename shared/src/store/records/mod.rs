//! The storage of each record: kind, key, end and attributes.

mod account;
mod flow;
mod grant;
mod identity;
mod job;
mod passkey;
mod second_factor;
mod session;

use super::StoreError;
use super::item::{Item, ItemKind, malformed};
use super::key::ItemRef;
use crate::domain::change::RecordKey;
use crate::domain::record::Record;
use crate::domain::time::Timestamp;
use serde::Serialize;

/// The store's view of a record.
pub(super) trait Stored {
    /// The kind of its item.
    fn kind(&self) -> ItemKind;
    /// Its key.
    fn key(&self) -> ItemRef<'_>;
    /// The version that it will have; none for a record that is written once.
    fn version(&self) -> Option<u64>;
    /// Its logical end, if it has one. The TTL follows from it.
    fn end(&self) -> Option<Timestamp>;
    /// Its own attributes.
    ///
    /// # Errors
    /// If the state cannot be represented as attributes: a defect of ours.
    fn item(&self) -> Result<Item, StoreError>;
}

/// The record behind the variant.
pub(super) fn stored(record: &Record) -> &dyn Stored {
    match record {
        Record::Account(state) => state.as_ref(),
        Record::Identifier(state) => state,
        Record::Password(state) => state,
        Record::Totp(state) => state,
        Record::RecoveryCodes(state) => state,
        Record::Profile(state) => state.as_ref(),
        Record::Terms(state) => state,
        Record::Flow(state) => state.as_ref(),
        Record::DataKey(state) => state,
        Record::Session(state) => state.as_ref(),
        Record::Grant(state) => state.as_ref(),
        Record::Consent(state) => state,
        Record::LinkedIdentity(state) => state,
        Record::FederatedSubject(state) => state,
        Record::Passkey(state) => state.as_ref(),
        Record::CredentialClaim(state) => state,
        Record::DueErasure(state) => state,
        Record::DeletionRecord(state) => state,
        Record::UnknownFailures(state) => state,
        Record::RetentionJob(state) => state.as_ref(),
        Record::RevokedToken(state) => state,
        Record::AuthorizationRequest(state) => state,
        Record::Attempt(state) => state.as_ref(),
    }
}

/// The record of a domain key.
pub(super) fn named(key: &RecordKey) -> ItemRef<'_> {
    match key {
        RecordKey::Account(account) => ItemRef::Authentication(*account),
        RecordKey::Password(account) => ItemRef::Password(*account),
        RecordKey::Identifier(identifier) => ItemRef::Identifier(identifier),
        RecordKey::FederatedSubject(subject) => ItemRef::FederatedSubject(subject),
        RecordKey::LinkedIdentity(account, subject) => ItemRef::LinkedIdentity(*account, subject),
        RecordKey::CredentialClaim(credential) => ItemRef::CredentialClaim(credential),
        RecordKey::UnknownFailures(identifier) => ItemRef::UnknownFailures(identifier),
        RecordKey::DueErasure(account, due) => ItemRef::DueErasure(*account, *due),
        RecordKey::DeletionRecord(account, at) => ItemRef::DeletionRecord(*account, *at),
    }
}

fn attributes<S: Serialize>(kind: ItemKind, state: &S) -> Result<Item, StoreError> {
    serde_dynamo::to_item(state).map_err(|error| malformed(kind, error))
}

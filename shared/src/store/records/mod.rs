//! How each record is stored: kind, key, end and attributes.

mod account;
mod flow;
mod grant;
mod identity;
mod job;
mod session;

use super::StoreError;
use super::item::{Item, Kind, malformed};
use super::key::Thing;
use crate::domain::change::RecordKey;
use crate::domain::record::Record;
use crate::domain::time::Timestamp;
use serde::Serialize;

/// A record as the store sees it.
pub(super) trait Stored {
    /// What its item is.
    fn kind(&self) -> Kind;
    /// Its key.
    fn key(&self) -> Thing<'_>;
    /// The version that it will have; none of a record that is written once.
    fn version(&self) -> Option<u64>;
    /// Its logical end, if it has one: the TTL follows it.
    fn end(&self) -> Option<Timestamp>;
    /// Its own attributes.
    ///
    /// # Errors
    /// When the state has no form as attributes: a defect of ours.
    fn item(&self) -> Result<Item, StoreError>;
}

/// The record behind the variant.
pub(super) fn stored(record: &Record) -> &dyn Stored {
    match record {
        Record::Account(state) => state.as_ref(),
        Record::Identifier(state) => state,
        Record::Password(state) => state,
        Record::Profile(state) => state,
        Record::Terms(state) => state,
        Record::Flow(state) => state.as_ref(),
        Record::DataKey(state) => state,
        Record::Session(state) => state.as_ref(),
        Record::Grant(state) => state.as_ref(),
        Record::Consent(state) => state,
        Record::LinkedIdentity(state) => state,
        Record::FederatedSubject(state) => state,
        Record::DueErasure(state) => state,
        Record::UnknownFailures(state) => state,
        Record::RetentionJob(state) => state.as_ref(),
        Record::RevokedToken(state) => state,
        Record::AuthorizationRequest(state) => state,
    }
}

/// What a key of the domain names.
pub(super) fn named(key: &RecordKey) -> Thing<'_> {
    match key {
        RecordKey::Account(account) => Thing::Authentication(*account),
        RecordKey::Password(account) => Thing::Password(*account),
        RecordKey::Identifier(identifier) => Thing::Identifier(identifier),
        RecordKey::DueErasure(account, due) => Thing::DueErasure(*account, *due),
    }
}

fn attributes<S: Serialize>(kind: Kind, state: &S) -> Result<Item, StoreError> {
    serde_dynamo::to_item(state).map_err(|error| malformed(kind, error))
}

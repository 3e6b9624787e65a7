//! What lives for a short while: flows, authorization requests, revoked tokens, failures of unknown identifiers.

use super::{Stored, attributes};
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::flow::Flow;
use crate::domain::id::{FlowId, Jti};
use crate::domain::record::{Keyed, RevokedToken, StoredAuthorizationRequest};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, Kind};
use crate::store::key::Thing;

impl Stored for Flow {
    fn kind(&self) -> Kind {
        Kind::Flow
    }
    fn key(&self) -> Thing<'_> {
        Thing::Flow(self.id)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for Keyed<FlowId, StoredAuthorizationRequest> {
    fn kind(&self) -> Kind {
        Kind::AuthorizationRequest
    }
    fn key(&self) -> Thing<'_> {
        Thing::AuthorizationRequest(self.key)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        Some(self.state.expires_at)
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), &self.state)
    }
}

impl Stored for Keyed<Jti, RevokedToken> {
    fn kind(&self) -> Kind {
        Kind::RevokedJti
    }
    fn key(&self) -> Thing<'_> {
        Thing::RevokedJti(self.key)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        Some(self.state.expires_at)
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), &self.state)
    }
}

impl Stored for UnknownIdentifierFailures {
    fn kind(&self) -> Kind {
        Kind::UnknownFailures
    }
    fn key(&self) -> Thing<'_> {
        Thing::UnknownFailures(&self.identifier)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

//! Short-lived records: flows, authorization requests, revoked tokens, failures of unknown identifiers.

use super::{Stored, attributes};
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::flow::Flow;
use crate::domain::id::{FlowId, Jti};
use crate::domain::record::{Keyed, RevokedToken, StoredAuthorizationRequest};
use crate::domain::sign_in::attempt::SignInAttempt;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for Flow {
    fn kind(&self) -> ItemKind {
        ItemKind::Flow
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Flow(self.id)
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

impl Stored for SignInAttempt {
    fn kind(&self) -> ItemKind {
        ItemKind::Attempt
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Attempt(self.id)
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
    fn kind(&self) -> ItemKind {
        ItemKind::AuthorizationRequest
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::AuthorizationRequest(self.key)
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
    fn kind(&self) -> ItemKind {
        ItemKind::RevokedJti
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::RevokedJti(self.key)
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
    fn kind(&self) -> ItemKind {
        ItemKind::UnknownFailures
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::UnknownFailures(&self.identifier)
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

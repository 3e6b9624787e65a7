//! What makes an account unique: its identifier and its subjects at other identity providers.

use super::{Stored, attributes};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::record::{ClaimedIdentifier, Keyed};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, Kind};
use crate::store::key::Thing;

impl Stored for Keyed<IdentifierHash, ClaimedIdentifier> {
    fn kind(&self) -> Kind {
        Kind::Identifier
    }
    fn key(&self) -> Thing<'_> {
        Thing::Identifier(&self.key)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), &self.state)
    }
}

impl Stored for LinkedIdentity {
    fn kind(&self) -> Kind {
        Kind::LinkedIdentity
    }
    fn key(&self) -> Thing<'_> {
        Thing::LinkedIdentity(self.account, &self.subject)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for Keyed<SubjectHash, ClaimedSubject> {
    fn kind(&self) -> Kind {
        Kind::FederatedSubject
    }
    fn key(&self) -> Thing<'_> {
        Thing::FederatedSubject(&self.key)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), &self.state)
    }
}

//! The uniqueness of an account: its identifier and its subjects at other identity providers.

use super::{Stored, attributes};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::record::{ClaimedIdentifier, Keyed};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for Keyed<IdentifierHash, ClaimedIdentifier> {
    fn kind(&self) -> ItemKind {
        ItemKind::Identifier
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Identifier(&self.key)
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
    fn kind(&self) -> ItemKind {
        ItemKind::LinkedIdentity
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::LinkedIdentity(self.account, &self.subject)
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
    fn kind(&self) -> ItemKind {
        ItemKind::FederatedSubject
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::FederatedSubject(&self.key)
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

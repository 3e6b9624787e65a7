//! A passkey, and the claim of its credential id.

use super::{Stored, attributes};
use crate::domain::passkey::{ClaimedCredential, CredentialHash, Passkey, REMOVED_KEPT};
use crate::domain::record::Keyed;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for Passkey {
    fn kind(&self) -> ItemKind {
        ItemKind::Passkey
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Passkey(self.account, self.hash())
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        self.removed_at.map(|removed_at| removed_at + REMOVED_KEPT)
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for Keyed<CredentialHash, ClaimedCredential> {
    fn kind(&self) -> ItemKind {
        ItemKind::CredentialClaim
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::CredentialClaim(&self.key)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        self.state.expires_at
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), &self.state)
    }
}

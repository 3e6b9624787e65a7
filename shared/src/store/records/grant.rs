//! A client's access to an account: grants and consents.

use super::{Stored, attributes};
use crate::domain::consent::Consent;
use crate::domain::oauth::grant::{Grant, GrantState};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for Grant {
    fn kind(&self) -> ItemKind {
        ItemKind::Grant
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Grant(self.account, self.id)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        match self.state {
            // A code that was not redeemed expires after its minute.
            GrantState::CodeIssued => Some(self.code.as_ref().map_or(self.expires_at, |code| code.expires_at)),
            GrantState::Active { .. } | GrantState::Revoked { .. } => Some(self.expires_at),
        }
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for Consent {
    fn kind(&self) -> ItemKind {
        ItemKind::Consent
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Consent(self.account, &self.client_id)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

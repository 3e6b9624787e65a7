//! A session.

use super::{Stored, attributes};
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for Session {
    fn kind(&self) -> ItemKind {
        ItemKind::Session
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Session(self.account, self.id)
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

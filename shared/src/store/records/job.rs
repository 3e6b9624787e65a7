//! The state of a scheduled job.

use super::{Stored, attributes};
use crate::domain::retention::RetentionJob;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for RetentionJob {
    fn kind(&self) -> ItemKind {
        ItemKind::Job
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::RetentionJob
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

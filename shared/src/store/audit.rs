//! The audit table: records projected from the stream.
use super::condition::Condition;
use super::item::{Kind, write};
use super::key::Thing;
use super::{StoreError, TenantStore};
use crate::domain::audit::Event;
use crate::domain::time::Span;

impl TenantStore {
    /// Writes an audit record, once, to be kept for so long: a redelivered event changes nothing. 1 WRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_audit(&self, event: &Event, keep: Span) -> Result<(), StoreError> {
        let key = self.key(Thing::Audit(event));
        let item = write(&key, Kind::Audit, event, Some(event.at + keep), &event.id)?;
        // What stands under the event's own id is this record: the stream delivers at least once.
        self.put_or_standing(&key, item, Condition::Absent.expression()).await.map(|_| ())
    }
}

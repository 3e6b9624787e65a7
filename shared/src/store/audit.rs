//! The audit table: records projected from the stream.
use super::{StoreError, TenantStore};
use crate::domain::audit::Event;

impl TenantStore {
    /// Writes an audit record, once: a redelivered event changes nothing. 1 WRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_audit(&self, event: &Event) -> Result<(), StoreError> {
        let _ = event;
        todo!()
    }
}

//! The tenant's own items: configuration versions, keyrings, signing keys.
use super::{CommitError, StoreError, TenantStore};
use crate::domain::time::Timestamp;

impl TenantStore {
    /// The newest stored tenant document (TOML).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_tenant_document(&self) -> Result<Option<String>, StoreError> {
        todo!()
    }
    /// Stores a tenant document as the next version, if it differs from the newest. Returns the version in force.
    ///
    /// # Errors
    /// When another writer was faster, or the store fails.
    pub async fn put_tenant_document(&self, document: &str, now: Timestamp) -> Result<u64, CommitError> {
        let _ = (document, now);
        todo!()
    }
}

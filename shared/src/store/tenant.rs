//! The tenant document, by versions: each is written once, the newest is in force.
use super::condition::Condition;
use super::item::{Item, Kind, OP, read, write};
use super::key::{CONFIG_PREFIX, Thing, tenant_pk};
use super::{CommitError, Conflict, StoreError, TenantStore};
use crate::domain::time::Timestamp;
use crate::keys::digest::sha256;
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// A version of the tenant document.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredDocument {
    version: u64,
    document: String,
    stored_at: Timestamp,
}

impl TenantStore {
    /// The newest stored tenant document (TOML).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_tenant_document(&self) -> Result<Option<String>, StoreError> {
        Ok(self.newest_document().await?.map(|newest| newest.document))
    }
    /// Stores a tenant document as the next version, if it differs from the newest. Returns the version in force.
    ///
    /// # Errors
    /// When another writer was faster, or the store fails.
    pub async fn put_tenant_document(&self, document: &str, now: Timestamp) -> Result<u64, CommitError> {
        let newest = self.newest_document().await?;
        if let Some(newest) = newest.as_ref().filter(|newest| newest.document == document) {
            return Ok(newest.version);
        }
        let version = newest.map_or(1, |newest| newest.version + 1);
        let key = self.key(Thing::TenantDocument(version));
        let state = StoredDocument { version, document: document.to_owned(), stored_at: now };
        // There is no request to name here; the document's own digest tells a lost reply from another writer.
        let op = BASE64URL_NOPAD.encode(&sha256(document.as_bytes()));
        let item = write(&key, Kind::TenantDocument, &state, None, &op)?;
        let ours = |standing: &Item| standing.get(OP) == Some(&AttributeValue::S(op.clone()));
        match self.put_or_standing(&key, item, Condition::Absent.expression()).await? {
            Ok(()) => Ok(version),
            Err(standing) if standing.as_ref().is_some_and(ours) => Ok(version),
            Err(_) => Err(CommitError::Conflict(Conflict { change: 0 })),
        }
    }

    async fn newest_document(&self) -> Result<Option<StoredDocument>, StoreError> {
        let mut newest = self.range(&tenant_pk(&self.tenant), CONFIG_PREFIX, true).await?;
        newest.pop().map(|item| read(Kind::TenantDocument, item)).transpose()
    }
}

//! The tenants, and their documents by versions: each is written once, the newest is in force.
use super::condition::Condition;
use super::item::{Item, Kind, OP, malformed, read, write};
use super::key::{CONFIG_PREFIX, SK, TENANTS_PK, Table, Thing, tenant_pk};
use super::read::Page;
use super::{CommitError, Conflict, Store, StoreError, TenantStore};
use crate::domain::id::TenantId;
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

/// A tenant, where all are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredTenant {
    /// Its name.
    pub tenant: TenantId,
    /// When its first document was stored: nothing of it is older.
    pub since: Timestamp,
}

/// The item of a tenant's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TenantName {
    since: Timestamp,
}

impl Store {
    /// Every tenant, in the order of their names. One Query, all pages.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_tenants(&self) -> Result<Vec<RegisteredTenant>, StoreError> {
        let (mut tenants, mut after) = (Vec::new(), None);
        loop {
            let Page { items, more_after } = self.page(Table::Identities, TENANTS_PK, after.as_deref(), None).await?;
            for item in items {
                let name = item.get(SK).and_then(|name| name.as_s().ok()).and_then(|name| name.parse().ok());
                let tenant = name.ok_or_else(|| malformed(Kind::TenantName, "its key names no tenant"))?;
                let TenantName { since } = read(Kind::TenantName, item)?;
                tenants.push(RegisteredTenant { tenant, since });
            }
            after = more_after;
            if after.is_none() {
                return Ok(tenants);
            }
        }
    }
}

impl TenantStore {
    /// The newest stored tenant document (TOML).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_tenant_document(&self) -> Result<Option<String>, StoreError> {
        Ok(self.newest_document().await?.map(|newest| newest.document))
    }
    /// Stores a tenant document as the next version, if it differs from the newest, and lists the tenant. Returns the version in force.
    ///
    /// # Errors
    /// When another writer was faster, or the store fails.
    pub async fn put_tenant_document(&self, document: &str, now: Timestamp) -> Result<u64, CommitError> {
        // First: a tenant that can be served is one that the scheduled jobs know.
        self.register_tenant(now).await?;
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

    async fn register_tenant(&self, now: Timestamp) -> Result<(), StoreError> {
        let key = self.key(Thing::TenantName);
        let item = write(&key, Kind::TenantName, &TenantName { since: now }, None, self.tenant.as_str())?;
        self.put_or_standing(&key, item, Condition::Absent.expression()).await.map(drop)
    }

    async fn newest_document(&self) -> Result<Option<StoredDocument>, StoreError> {
        let mut newest = self.range(&tenant_pk(&self.tenant), CONFIG_PREFIX, true).await?;
        newest.pop().map(|item| read(Kind::TenantDocument, item)).transpose()
    }
}

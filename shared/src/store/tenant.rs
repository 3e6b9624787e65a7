//! The tenants, and their documents by versions: each is written once and never again, the newest is in force.
use super::condition::Condition;
use super::item::{Item, Kind, OP, malformed, read, write};
use super::key::{CONFIG_PREFIX, SK, TENANTS_PK, Table, Thing, tenant_pk};
use super::read::Page;
use super::{CommitError, Conflict, Store, StoreError, TenantStore};
use crate::digest::sha256;
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// A version of the tenant document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDocument {
    /// Counted from 1, without a gap.
    pub version: u64,
    /// TOML.
    pub document: String,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// Where it came from.
    #[serde(flatten)]
    pub origin: DocumentOrigin,
}

/// Where a version of a tenant document came from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DocumentOrigin {
    /// Who handed it in.
    #[serde(default, rename = "src")]
    pub source: DocumentSource,
    /// Who stored it, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The SHA-256 (base64url) of the text before placeholders were replaced, where the local gateway stored it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
}

/// Who handed in a tenant document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentSource {
    /// An operator, by the `latchkey` command.
    Operator,
    /// A file that the local gateway was started with.
    File,
    /// The local gateway, with the document that ships; also whatever was stored before sources were.
    #[default]
    Shipped,
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
        Ok(self.find_newest_document().await?.map(|newest| newest.document))
    }

    /// The newest version, with where it came from.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_newest_document(&self) -> Result<Option<TenantDocument>, StoreError> {
        let mut newest = self.range(&tenant_pk(&self.tenant), CONFIG_PREFIX, true).await?;
        newest.pop().map(|item| read(Kind::TenantDocument, item)).transpose()
    }

    /// One version.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_document(&self, version: u64) -> Result<Option<TenantDocument>, StoreError> {
        self.get(Thing::TenantDocument(version), Kind::TenantDocument).await
    }

    /// Every version, the oldest first. One Query, all pages: each version is read whole.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_documents(&self) -> Result<Vec<TenantDocument>, StoreError> {
        let items = self.range(&tenant_pk(&self.tenant), CONFIG_PREFIX, false).await?;
        items.into_iter().map(|item| read(Kind::TenantDocument, item)).collect()
    }

    /// Stores a document as the version after the one that it was decided on (`None`: as the first), and lists the tenant. Returns
    /// the version in force. Versions have no gaps and are never removed, so that nothing stands there means nobody was faster.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when another writer was faster: nothing was written; or the store fails.
    pub async fn put_document_after(
        &self,
        decided_on: Option<u64>,
        document: &str,
        origin: DocumentOrigin,
        now: Timestamp,
    ) -> Result<u64, CommitError> {
        // First: a tenant that can be served is one that the scheduled jobs know.
        self.register_tenant(now).await?;
        let version = decided_on.unwrap_or_default() + 1;
        let key = self.key(Thing::TenantDocument(version));
        let state = TenantDocument { version, document: document.to_owned(), stored_at: now, origin };
        // There is no request to name here; a digest of all of it tells a lost reply from another writer.
        let op = BASE64URL_NOPAD.encode(&sha256(format!("{state:?}").as_bytes()));
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
}

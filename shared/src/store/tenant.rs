//! Tenants and versions of their documents: each version is written once, and the newest is in force.
use super::condition::Condition;
use super::item::{Item, ItemKind, OP, malformed, read, write};
use super::key::{CONFIG_PREFIX, ItemRef, SK, TENANTS_PK, Table, tenant_pk};
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
    /// Starts at 1, without gaps.
    pub version: u64,
    /// TOML.
    pub document: String,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// Its origin.
    #[serde(flatten)]
    pub origin: DocumentOrigin,
}

/// The origin of a version of a tenant document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DocumentOrigin {
    /// The source.
    #[serde(default, rename = "src")]
    pub source: DocumentSource,
    /// The person who stored it, as free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, as free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The SHA-256 (base64url) of the text before placeholders were replaced, if the local gateway stored it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
}

/// The source of a tenant document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentSource {
    /// An operator, with the `latchkey` command.
    Operator,
    /// A file given to the local gateway at start.
    File,
    /// The local gateway, with the default document. Also every document from before sources were recorded.
    #[default]
    Shipped,
}

/// A tenant in the list of all tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredTenant {
    /// Its name.
    pub tenant: TenantId,
    /// When its first document was stored. None of its data is older.
    pub since: Timestamp,
}

/// The item with a tenant's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TenantName {
    since: Timestamp,
}

impl Store {
    /// All tenants, in the order of their names. One Query, all pages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_tenants(&self) -> Result<Vec<RegisteredTenant>, StoreError> {
        let (mut tenants, mut after) = (Vec::new(), None);
        loop {
            let Page { items, more_after } = self.page(Table::Identities, TENANTS_PK, after.as_deref(), None).await?;
            for item in items {
                let name = item.get(SK).and_then(|name| name.as_s().ok()).and_then(|name| name.parse().ok());
                let tenant = name.ok_or_else(|| malformed(ItemKind::TenantName, "its key names no tenant"))?;
                let TenantName { since } = read(ItemKind::TenantName, item)?;
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
    /// If the store fails.
    pub async fn find_tenant_document(&self) -> Result<Option<String>, StoreError> {
        Ok(self.find_newest_document().await?.map(|newest| newest.document))
    }

    /// The newest version, with its origin.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_newest_document(&self) -> Result<Option<TenantDocument>, StoreError> {
        let mut newest = self.range(&tenant_pk(&self.tenant), CONFIG_PREFIX, true).await?;
        newest.pop().map(|item| read(ItemKind::TenantDocument, item)).transpose()
    }

    /// One version.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_document(&self, version: u64) -> Result<Option<TenantDocument>, StoreError> {
        self.get(ItemRef::TenantDocument(version), ItemKind::TenantDocument).await
    }

    /// All versions, oldest first. One Query, all pages; each version is read whole.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_documents(&self) -> Result<Vec<TenantDocument>, StoreError> {
        let items = self.range(&tenant_pk(&self.tenant), CONFIG_PREFIX, false).await?;
        items.into_iter().map(|item| read(ItemKind::TenantDocument, item)).collect()
    }

    /// Stores a document as the version after the one that the caller decided on (`None`: as the first), and lists the tenant.
    /// Returns the version in force. Versions have no gaps and are never removed, so a missing item means that no other writer
    /// was faster.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if another writer was faster: nothing was written. Or if the store fails.
    pub async fn put_document_after(
        &self,
        decided_on: Option<u64>,
        document: &str,
        origin: DocumentOrigin,
        now: Timestamp,
    ) -> Result<u64, CommitError> {
        // First: every tenant that can be served must be known to the scheduled jobs.
        self.register_tenant(now).await?;
        let version = decided_on.unwrap_or_default() + 1;
        let key = self.key(ItemRef::TenantDocument(version));
        let state = TenantDocument { version, document: document.to_owned(), stored_at: now, origin };
        // There is no request id here. A digest of the whole state distinguishes a lost reply from another writer.
        let op = BASE64URL_NOPAD.encode(&sha256(format!("{state:?}").as_bytes()));
        let item = write(&key, ItemKind::TenantDocument, &state, None, &op)?;
        let ours = |standing: &Item| standing.get(OP) == Some(&AttributeValue::S(op.clone()));
        match self.put_or_existing(&key, item, Condition::Absent.expression()).await? {
            Ok(()) => Ok(version),
            Err(standing) if standing.as_ref().is_some_and(ours) => Ok(version),
            Err(_) => Err(CommitError::Conflict(Conflict { change: 0 })),
        }
    }

    async fn register_tenant(&self, now: Timestamp) -> Result<(), StoreError> {
        let key = self.key(ItemRef::TenantName);
        let item = write(&key, ItemKind::TenantName, &TenantName { since: now }, None, self.tenant.as_str())?;
        self.put_or_existing(&key, item, Condition::Absent.expression()).await.map(drop)
    }
}

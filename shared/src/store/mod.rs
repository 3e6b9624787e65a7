//! DynamoDB: the only store. Reads are strongly consistent; the only write is [`TenantStore::commit`].

pub mod account;
pub mod audit;
pub mod commit;
mod condition;
pub mod delivery;
pub mod erasure;
pub mod export;
mod failure;
pub mod flow;
pub mod grant;
mod identifiers;
pub mod item;
pub mod key;
pub mod keyring;
pub mod passkey;
pub mod people;
mod plan;
pub mod principal;
mod read;
pub mod reclaim;
mod records;
pub mod second_step;
pub mod session;
pub mod source;
pub mod tables;
pub mod tenant;

use crate::domain::id::TenantId;
use crate::domain::identifier::IdentifierForms;
use std::sync::Arc;

/// The three tables by their names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Identities (point-in-time recovery).
    pub identities: String,
    /// Wrapped data keys and tombstones.
    pub keys: String,
    /// Audit records.
    pub audit: String,
}

/// The tables and their client.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) tables: Arc<Tables>,
}

/// The items of one tenant. No call can reach another tenant's.
#[derive(Clone)]
pub struct TenantStore {
    pub(crate) store: Store,
    pub(crate) tenant: TenantId,
    identifiers: Identifiers,
}

/// How identifiers are stored.
#[derive(Clone)]
enum Identifiers {
    /// Under the only version of the identifier key that was ever made.
    Single,
    /// Under these live versions.
    Several(Arc<dyn IdentifierForms>),
    /// Under several versions, which are not available: what depends on them fails, rather than miss an item or claim an address twice.
    Unavailable,
}

/// The store failed. The caller is not at fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out or unreachable, after the SDK's retries: 503 with `Retry-After`.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refused for a reason that a retry does not fix.
    #[error("the store refused the request")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An item is malformed.
    #[error("an item of kind {kind} does not read")]
    Malformed {
        /// Its kind.
        kind: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why changes were not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition failed, and not because of our own earlier attempt: load again and decide again.
    #[error("a precondition failed")]
    Conflict(Conflict),
    /// A counter is at its limit. Loading again does not help.
    #[error("a counter is at its limit")]
    LimitReached,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a decision has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum DecideError<E> {
    /// Every attempt met a conflict: 429 with `Retry-After: 1`.
    #[error("too many changes at once")]
    Busy,
    /// A counter is at its limit: 429.
    #[error("a counter is at its limit")]
    LimitReached,
    /// The store failed in the commit.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Loading or deciding failed.
    #[error("{0}")]
    Decide(E),
}

/// How often a request decides at most.
pub const MAX_ATTEMPTS: u32 = 3;

/// The change that met a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Index into [`Changes`]. The changes before it are stored.
    pub change: usize,
}

impl Store {
    /// The store with this client and these tables.
    #[must_use]
    pub fn new(client: aws_sdk_dynamodb::Client, tables: Tables) -> Self {
        Self { client, tables: Arc::new(tables) }
    }
    /// The items of a tenant.
    #[must_use]
    pub fn tenant(&self, tenant: TenantId) -> TenantStore {
        TenantStore { store: self.clone(), tenant, identifiers: Identifiers::Single }
    }
}

impl TenantStore {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }
    /// This store, which reads and writes under the live versions of the identifier key.
    #[must_use]
    pub fn with_identifiers(self, forms: Option<Arc<dyn IdentifierForms>>) -> Self {
        let several = forms.filter(|forms| !forms.is_single()).map(Identifiers::Several);
        Self { identifiers: several.unwrap_or(Identifiers::Single), ..self }
    }
    /// This store while the identifier key has several versions that are not available.
    #[must_use]
    pub fn without_identifiers(self) -> Self {
        Self { identifiers: Identifiers::Unavailable, ..self }
    }
}

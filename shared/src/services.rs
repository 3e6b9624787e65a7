//! What a function can be given: storage, keys, configuration, time, randomness, password hashing. Built once at cold start by
//! `runtime` (on Lambda) or by the local gateway; nothing else builds one.

use crate::context::{Clock, Random};
use crate::directory::Directory;
use crate::domain::id::TenantId;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::{Span, Timestamp};
use crate::keys::{FormerKeys, KeyError, Keys, PasswordHasher, TenantKeys};
use crate::store::{Store, StoreError, TenantStore};
use std::sync::Arc;

/// Everything a function can be given. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The origin that links and issuers are made from, e.g. `https://id.example.com`; configured, never from a header.
    pub origin: Origin,
    /// Tables.
    pub store: Store,
    /// Key vault and keyrings.
    pub keys: Keys,
    /// Tenant documents, cached 60 seconds.
    pub tenants: Tenants,
    /// The former directory that people come from; none for functions that never ask it.
    pub directory: Directory,
    /// The public keys of the user pool whose tokens are exchanged; none for functions that exchange none.
    pub former_keys: FormerKeys,
    /// The time that every decision reads.
    pub clock: Clock,
    /// Fresh random values.
    pub random: Random,
    /// Argon2id, one hash at a time for each core.
    pub hasher: PasswordHasher,
}

/// One tenant as a request sees it: nothing in it can reach another tenant.
#[derive(Clone)]
pub struct Tenant {
    /// The issuer identifier: `{origin}` or `{origin}/t/{tenant}`.
    pub issuer: String,
    /// Its configuration.
    pub config: Arc<TenantConfig>,
    /// Its keys.
    pub keys: Arc<TenantKeys>,
    /// Its items.
    pub store: TenantStore,
}

/// Why a tenant can't be served.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// There is none of that name.
    #[error("no such tenant")]
    Unknown,
    /// Its configuration can't be read.
    #[error("the tenant's configuration could not be loaded")]
    Store(#[from] StoreError),
    /// Its keys can't be unwrapped.
    #[error("the tenant's keys could not be loaded")]
    Keys(#[from] KeyError),
    /// The stored document no longer validates.
    #[error("the stored tenant document is not valid: {0}")]
    Document(String),
}

impl Services {
    /// The tenant of this name, with its configuration and keys loaded.
    ///
    /// # Errors
    /// [`TenantError::Unknown`] when no such tenant is configured; otherwise what kept it from being loaded.
    pub async fn tenant(&self, id: &TenantId) -> Result<Tenant, TenantError> {
        let config = self.tenants.find(id, &self.store, self.clock.now()).await?.ok_or(TenantError::Unknown)?;
        let store = self.store.tenant(id.clone());
        let keys = self.keys.tenant(&store, config.keys.signer, self.clock.now()).await?;
        Ok(Tenant { issuer: self.origin.issuer(id), config, keys, store })
    }
}

/// Scheme and authority that the service is reached at, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Arc<str>);

impl Origin {
    /// The origin of this address: `http` or `https`, host, optional port; nothing else.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = url::Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with http:// or https://".to_owned());
        }
        let origin = url.origin().ascii_serialization();
        if text.trim_end_matches('/') != origin {
            return Err(format!("must be an origin only, such as {origin}"));
        }
        Ok(Self(origin.into()))
    }
    /// The origin, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether it is https: decides cookie names and the `Secure` attribute.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
    /// The issuer identifier of a tenant (RFC 8414 §2).
    #[must_use]
    pub fn issuer(&self, tenant: &TenantId) -> String {
        if tenant.is_default() { self.0.to_string() } else { format!("{}/t/{tenant}", self.0) }
    }
}

/// Tenant documents: those known at start (the local gateway, tests) or read from the table, cached 60 seconds.
#[derive(Clone, Default)]
pub struct Tenants {
    cache: Arc<tokio::sync::RwLock<std::collections::HashMap<TenantId, CachedConfig>>>,
}

#[derive(Clone)]
struct CachedConfig {
    config: Option<Arc<TenantConfig>>,
    read_at: Timestamp,
}

impl Tenants {
    /// How long a document is used before it is read again.
    pub const CACHE: Span = Span::seconds(60);
    /// How many names are remembered; anyone can make up tenants that do not exist.
    const REMEMBERED: usize = 1024;

    /// The configuration of a tenant: from the cache, else the newest stored version.
    ///
    /// # Errors
    /// When it can't be read, or no longer validates.
    pub async fn find(&self, id: &TenantId, store: &Store, now: Timestamp) -> Result<Option<Arc<TenantConfig>>, TenantError> {
        if let Some(cached) = self.cache.read().await.get(id)
            && now.since(cached.read_at) < Self::CACHE
        {
            return Ok(cached.config.clone());
        }
        let stored = store.tenant(id.clone()).find_tenant_document().await?;
        let config = match stored {
            Some(document) => {
                Some(Arc::new(TenantConfig::parse(id, &document).map_err(|errors| TenantError::Document(errors.to_string()))?))
            }
            None => None,
        };
        let mut cache = self.cache.write().await;
        if cache.len() >= Self::REMEMBERED {
            cache.retain(|_, cached| cached.config.is_some());
        }
        cache.insert(id.clone(), CachedConfig { config: config.clone(), read_at: now });
        Ok(config)
    }
}

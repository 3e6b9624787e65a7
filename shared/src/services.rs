//! The services of a function: storage, keys, configuration, time, randomness, password hashing. Only `runtime` (on Lambda) and the local
//! gateway build them, once at cold start.

use crate::context::{Clock, Random};
use crate::domain::id::TenantId;
use crate::domain::source::SourceBuckets;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::{Span, Timestamp};
use crate::keys::{KeyError, Keys, LegacyKeys, PasswordHasher, TenantKeys};
use crate::legacy_directory::{LegacyDirectory, LegacyDirectoryError};
use crate::store::{Store, StoreError, TenantStore};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The services of a function. Inexpensive to clone.
#[derive(Clone)]
pub struct Services {
    /// The origin of links and issuers, such as `https://id.example.com`. It is configured, and never taken from a header.
    pub origin: Origin,
    /// Tables.
    pub store: Store,
    /// Key vault and keyrings.
    pub keys: Keys,
    /// Tenant documents, cached 60 seconds.
    pub tenants: Tenants,
    /// The legacy directory, for functions that use it ([`Services::legacy_directory`]).
    pub legacy_directory: Option<LegacyDirectory>,
    /// The public keys of the legacy user pool, for token exchange. Empty for functions without token exchange.
    pub legacy_keys: LegacyKeys,
    /// The clock of all decisions.
    pub clock: Clock,
    /// Fresh random values.
    pub random: Random,
    /// Argon2id: at most one hash per core at a time.
    pub hasher: PasswordHasher,
    /// The limits per source in the memory of this instance.
    pub sources: SourceLimiter,
}

/// The tenant of a request. It gives no access to another tenant.
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
    /// No tenant has this name.
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
    /// Loads the tenant with this name, its configuration and its keys.
    ///
    /// # Errors
    /// [`TenantError::Unknown`] if there is no such tenant. Otherwise the reason why it could not be loaded.
    pub async fn tenant(&self, id: &TenantId) -> Result<Tenant, TenantError> {
        let config = self.tenants.find(id, &self.store, self.clock.now()).await?.ok_or(TenantError::Unknown)?;
        let store = self.store.tenant(id.clone());
        let keys = self.keys.tenant(&store, config.keys.signer, self.clock.now()).await?;
        let store = keys.bind(store);
        Ok(Tenant { issuer: self.origin.issuer(id), config, keys, store })
    }

    /// Returns the legacy directory.
    ///
    /// # Errors
    /// [`LegacyDirectoryError::Misconfigured`] if this function has none.
    pub fn legacy_directory(&self) -> Result<&LegacyDirectory, LegacyDirectoryError> {
        let missing = || LegacyDirectoryError::Misconfigured("this function has no client for user pools".to_owned());
        self.legacy_directory.as_ref().ok_or_else(missing)
    }
}

/// Scheme and authority of the service, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Arc<str>);

impl Origin {
    /// Parses an origin: `http` or `https`, host, optional port, and nothing else.
    ///
    /// # Errors
    /// The reason, as text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = url::Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
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
    /// Returns whether the scheme is https. Cookie names and the `Secure` attribute depend on it.
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

/// The limits per source of this instance. Clones share their buckets.
#[derive(Clone, Default)]
pub struct SourceLimiter {
    buckets: Arc<Mutex<SourceBuckets>>,
    concluded: Arc<Notify>,
    is_off: bool,
}

impl SourceLimiter {
    /// No limits: for a local gateway that is told so, and for tests of what follows the limits.
    #[must_use]
    pub fn off() -> Self {
        Self { is_off: true, ..Self::default() }
    }
    /// Whether limits apply.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.is_off
    }
    /// Signals each concluded request with a permit.
    #[must_use]
    pub fn concluded(&self) -> &Notify {
        &self.concluded
    }
    /// The buckets.
    pub fn lock(&self) -> MutexGuard<'_, SourceBuckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tenant documents, given at the start (local gateway, tests) or read from the table, cached for 60 seconds.
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
    /// A document is read again after this time.
    pub const CACHE: Span = Span::seconds(60);
    /// The maximum number of cached names. It is limited because a caller can invent names of tenants.
    const REMEMBERED: usize = 1024;

    /// Returns the configuration of a tenant, from the cache or from the newest stored version.
    ///
    /// # Errors
    /// If it cannot be read, or is no longer valid.
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

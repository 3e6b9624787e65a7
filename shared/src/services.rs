//! What a function can be given: storage, keys, configuration, time, randomness, password hashing. Built once at cold start by
//! `runtime` (on Lambda) or by the local gateway; nothing else builds one.

use crate::config::TenantConfig;
use crate::directory::Directory;
use crate::domain::id::{AccountId, FlowId, GrantId, Jti, RequestId, SessionId, Sub, TenantId};
use crate::domain::secret::Secret256;
use crate::domain::time::{Span, Timestamp};
use crate::keys::{FormerKeys, KeyError, Keys, PasswordHasher, TenantKeys};
use crate::store::{Store, StoreError, TenantStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

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

/// The time that decisions read. On Lambda the system's; on the local gateway it can be moved forward.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_millis: Arc<AtomicI64>,
    frozen_at: Option<Timestamp>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }
    /// A clock that stands still until it is moved: for tests.
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self { offset_millis: Arc::default(), frozen_at: Some(at) }
    }
    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the system's clock is read")]
    pub fn now(&self) -> Timestamp {
        let base = self.frozen_at.unwrap_or_else(|| {
            let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
        });
        base + Span::millis(self.offset_millis.load(Ordering::Relaxed))
    }
    /// Moves this clock and every clone of it forward.
    pub fn advance(&self, span: Span) {
        self.offset_millis.fetch_add(span.as_millis(), Ordering::Relaxed);
    }
    /// How far it has been moved.
    #[must_use]
    pub fn offset(&self) -> Span {
        Span::millis(self.offset_millis.load(Ordering::Relaxed))
    }
}

/// Fresh random values, from the operating system through `aws-lc-rs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Random {
    /// `N` random bytes.
    ///
    /// # Panics
    /// When the system has no randomness to give: nothing safe can be done then.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where randomness is read")]
    #[expect(clippy::expect_used, reason = "without randomness nothing safe can be done")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system's random number generator failed");
        bytes
    }
    /// A fresh account id.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        AccountId::from_bytes(self.bytes())
    }
    /// A fresh subject identifier.
    #[must_use]
    pub fn sub(&self) -> Sub {
        Sub::from_bytes(self.bytes())
    }
    /// A fresh session id.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId::from_bytes(self.bytes())
    }
    /// A fresh grant id.
    #[must_use]
    pub fn grant_id(&self) -> GrantId {
        GrantId::from_bytes(self.bytes())
    }
    /// A fresh flow id.
    #[must_use]
    pub fn flow_id(&self) -> FlowId {
        FlowId::from_bytes(self.bytes())
    }
    /// A fresh `jti`.
    #[must_use]
    pub fn jti(&self) -> Jti {
        Jti::from_bytes(self.bytes())
    }
    /// 256 fresh secret bits.
    #[must_use]
    pub fn secret(&self) -> Secret256 {
        Secret256::from_bytes(self.bytes())
    }
}

/// The moment by which a request has to be answered, by a clock that nothing moves; none for the local gateway.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// What a write needs: with less left, its reply might not be seen any more, so it is not begun (security 141).
    const WRITE: Duration = Duration::from_millis(500);

    /// So long from now.
    #[must_use]
    pub fn after(left: Duration) -> Self {
        Self(Instant::now().checked_add(left))
    }
    /// How long there is; `None` when there is no end.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }
    /// Whether at least this long is left.
    #[must_use]
    pub fn leaves(self, time: Duration) -> bool {
        self.left().is_none_or(|left| left >= time)
    }
    /// Whether a write may still begin.
    #[must_use]
    pub fn leaves_a_write(self) -> bool {
        self.leaves(Self::WRITE)
    }
}

/// Where a request comes from and what its writes are stamped with.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Named by the host.
    pub request_id: RequestId,
    /// The moment of the request: read once.
    pub now: Timestamp,
    /// Which time this request decides (1 first, more after a conflict); part of `op`.
    pub attempt: u32,
    /// Keyed hash of the caller's address, base64url (IPv4 whole, IPv6 by /64).
    pub address_hash: Option<String>,
    /// When it ends: no write begins shortly before.
    pub deadline: Deadline,
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

//! Verifies access tokens of a user pool with its public keys (RFC 7517; security 44–48).
//!
//! 1. The keys are fetched when a token needs one, and cached for one hour. For an unknown key ID they are fetched again, at most
//!    every ten seconds, so made-up key IDs do not cause more fetches.
//! 2. If a fetch fails, cached keys are used for at most one day.
//! 3. The pool determines where its keys are, never the token. Redirects are not followed. The response size is limited.

use super::jwk::PublicJwk;
use super::jwt::{Compact, TimesError, check_times};
use crate::domain::tenant::legacy_directory::UserPoolId;
use crate::domain::time::{Span, Timestamp};
use aws_lc_rs::signature::ParsedPublicKey;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long fetched keys are used before they are fetched again.
const CACHE_LIFETIME: Span = Span::hours(1);
/// How long cached keys are used while fetches fail.
const MAX_CACHE_AGE: Span = Span::days(1);
/// The minimum time between two fetches, whatever the tokens contain.
const FETCH_INTERVAL: Span = Span::seconds(10);
/// The timeout of a fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum size of a response, in bytes.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;
/// The accepted difference between the pool's clock and ours.
const LEEWAY: Span = Span::seconds(60);

/// The public keys of user pools. Inexpensive to clone: clones share the cache.
#[derive(Clone, Default)]
pub struct LegacyKeys {
    source: Option<Arc<Source>>,
}

struct Source {
    connector: SharedHttpConnector,
    /// The endpoint of all pools. `None`: each pool is reached in its region.
    endpoint: Option<String>,
    kept: Mutex<HashMap<String, CachedKeys>>,
}

/// The cached keys of one pool.
#[derive(Default)]
struct CachedKeys {
    keys: HashMap<String, Arc<ParsedPublicKey>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Why the last fetch failed, if it did.
    failure: Option<&'static str>,
}

/// Why a token of a pool is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LegacyTokenError {
    /// It is not a token, or no key of the pool verifies it.
    #[error("not a token of the user pool")]
    NotGenuine,
    /// It is a token of the pool, but not within its lifetime.
    #[error("the token is not valid now: {0}")]
    NotInForce(#[from] TimesError),
    /// The pool's keys are not available: nothing was verified.
    #[error("the keys of the user pool can't be fetched: {0}")]
    KeysUnavailable(&'static str),
}

impl LegacyKeys {
    /// No source of keys: nothing verifies.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// Fetches keys through this connector, from each pool's own region or from one endpoint for all pools.
    #[must_use]
    pub fn fetched(connector: SharedHttpConnector, endpoint: Option<String>) -> Self {
        Self { source: Some(Arc::new(Source { connector, endpoint, kept: Mutex::default() })) }
    }
    /// The claims of a valid token that this pool signed (RS256, RFC 7518 §3.3). The caller checks its user and its purpose.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn verify(&self, pool: &UserPoolId, token: &str, now: Timestamp) -> Result<Map<String, Value>, LegacyTokenError> {
        let compact = Compact::parse(token).ok_or(LegacyTokenError::NotGenuine)?;
        if compact.algorithm != "RS256" {
            return Err(LegacyTokenError::NotGenuine);
        }
        let source = self.source.as_ref().ok_or(LegacyTokenError::KeysUnavailable("this function has no source of keys"))?;
        let key = source.find(pool, &compact.kid, now).await?.ok_or(LegacyTokenError::NotGenuine)?;
        key.verify_sig(compact.signed.as_bytes(), &compact.signature).map_err(|_| LegacyTokenError::NotGenuine)?;
        let claims = compact.claims().ok_or(LegacyTokenError::NotGenuine)?;
        check_times(&claims, now, LEEWAY)?;
        Ok(claims)
    }
}

impl Source {
    async fn find(
        &self,
        pool: &UserPoolId,
        kid: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<ParsedPublicKey>>, LegacyTokenError> {
        let mut kept = self.kept.lock().await;
        let kept = kept.entry(pool.to_string()).or_default();
        let is_younger = |at: Option<Timestamp>, than: Span| at.is_some_and(|at| now.since(at) < than);
        if is_younger(kept.fetched_at, CACHE_LIFETIME)
            && let Some(key) = kept.keys.get(kid)
        {
            return Ok(Some(Arc::clone(key)));
        }
        if !is_younger(kept.tried_at, FETCH_INTERVAL) {
            kept.tried_at = Some(now);
            match self.fetch(pool).await {
                Ok(keys) => *kept = CachedKeys { keys, fetched_at: Some(now), tried_at: Some(now), failure: None },
                Err(reason) => {
                    tracing::warn!(reason, "the keys of the user pool can't be fetched");
                    kept.failure = Some(reason);
                }
            }
        }
        if !is_younger(kept.fetched_at, MAX_CACHE_AGE) {
            return Err(LegacyTokenError::KeysUnavailable(kept.failure.unwrap_or("the last fetch failed")));
        }
        match (kept.keys.get(kid), kept.failure) {
            (Some(key), _) => Ok(Some(Arc::clone(key))),
            (None, None) => Ok(None),
            // It may be a new key.
            (None, Some(reason)) => Err(LegacyTokenError::KeysUnavailable(reason)),
        }
    }

    async fn fetch(&self, pool: &UserPoolId) -> Result<HashMap<String, Arc<ParsedPublicKey>>, &'static str> {
        let base = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://cognito-idp.{}.amazonaws.com", pool.region()),
        };
        let request =
            http::Request::get(format!("{base}/{pool}/.well-known/jwks.json")).body(aws_smithy_types::body::SdkBody::empty());
        let request = request.ok().and_then(|request| HttpRequest::try_from(request).ok()).ok_or("the address is invalid")?;
        let answered = async {
            let answer = self.connector.call(request).await.map_err(|_| "no answer")?;
            if answer.status().as_u16() != 200 {
                return Err("the status is not 200");
            }
            let body = Limited::new(answer.into_body(), MAX_RESPONSE_BYTES)
                .collect()
                .await
                .map_err(|_| "the response could not be read")?;
            Ok(body.to_bytes())
        };
        let body = tokio::time::timeout(FETCH_TIMEOUT, answered).await.map_err(|_| "timeout")??;
        parse_key_set(&body).ok_or("the response is not a key set")
    }
}

/// The keys of a set that verify RS256, by their key ID. Other keys are ignored (RFC 7517 §5). A set without any such key is refused:
/// every pool has one.
fn parse_key_set(body: &[u8]) -> Option<HashMap<String, Arc<ParsedPublicKey>>> {
    #[derive(Deserialize)]
    struct JwkSet {
        keys: Vec<Value>,
    }
    #[derive(Deserialize)]
    struct Entry {
        kid: String,
        alg: Option<String>,
        r#use: Option<String>,
        #[serde(flatten)]
        key: PublicJwk,
    }
    let JwkSet { keys } = serde_json::from_slice(body).ok()?;
    let entries = keys.into_iter().filter_map(|key| serde_json::from_value::<Entry>(key).ok());
    let fitting = entries.filter(|entry| {
        matches!(entry.key, PublicJwk::Rsa { .. })
            && entry.alg.as_deref().is_none_or(|alg| alg == "RS256")
            && entry.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
    });
    let keys: HashMap<_, _> = fitting.filter_map(|entry| Some((entry.kid, Arc::new(entry.key.verifier().ok()?)))).collect();
    (!keys.is_empty()).then_some(keys)
}

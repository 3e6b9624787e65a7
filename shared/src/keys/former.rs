//! Access tokens of a user pool, verified by its public keys (RFC 7517; security 44–48).
//!
//! 1. The keys are fetched when a token needs one, and kept for an hour. A key that is not among them is looked for again, at most
//!    every ten seconds: whoever makes up names of keys makes nobody fetch more.
//! 2. While they can't be fetched, those that were serve for a day.
//! 3. The pool decides where its keys are, never the token; a redirect is not followed, an answer is read up to a bound.

use super::jwk::PublicJwk;
use super::jwt::{Compact, TimesError, check_times};
use crate::domain::tenant::UserPoolId;
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

/// How long keys are used before they are fetched again.
const KEPT: Span = Span::hours(1);
/// How long they are used while they can't be fetched.
const KEPT_AT_MOST: Span = Span::days(1);
/// Between one fetch and the next, whatever tokens say.
const PAUSE: Span = Span::seconds(10);
/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// By how much the pool's clock may differ from ours.
const LEEWAY: Span = Span::seconds(60);

/// The public keys of user pools. Cheap to clone; clones share what was fetched.
#[derive(Clone, Default)]
pub struct FormerKeys {
    source: Option<Arc<Source>>,
}

struct Source {
    connector: SharedHttpConnector,
    /// Where pools are reached; `None`: each in its region.
    endpoint: Option<String>,
    kept: Mutex<HashMap<String, Kept>>,
}

/// What was fetched of one pool.
#[derive(Default)]
struct Kept {
    keys: HashMap<String, Arc<ParsedPublicKey>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Why the last try came to nothing, if it did.
    failure: Option<&'static str>,
}

/// Why a token of a pool proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormerTokenError {
    /// It is no token, or none that the pool's keys verify.
    #[error("not a token of the user pool")]
    NotGenuine,
    /// It is the pool's, and not in force.
    #[error("the token is not in force: {0}")]
    NotInForce(#[from] TimesError),
    /// The pool's keys are not to be had: nothing was verified.
    #[error("the keys of the user pool can't be fetched: {0}")]
    KeysUnavailable(&'static str),
}

impl FormerKeys {
    /// None: nothing verifies.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// Keys that are fetched through this connector: from each pool's own region, or from one endpoint that stands for all.
    #[must_use]
    pub fn fetched(connector: SharedHttpConnector, endpoint: Option<String>) -> Self {
        Self { source: Some(Arc::new(Source { connector, endpoint, kept: Mutex::default() })) }
    }
    /// The claims of a token in force that this pool signed (RS256, RFC 7518 §3.3). Whose it is and what it is for is yet to be judged.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub async fn verify(&self, pool: &UserPoolId, token: &str, now: Timestamp) -> Result<Map<String, Value>, FormerTokenError> {
        let compact = Compact::parse(token).ok_or(FormerTokenError::NotGenuine)?;
        if compact.algorithm != "RS256" {
            return Err(FormerTokenError::NotGenuine);
        }
        let source = self.source.as_ref().ok_or(FormerTokenError::KeysUnavailable("this function was not built to"))?;
        let key = source.find(pool, &compact.kid, now).await?.ok_or(FormerTokenError::NotGenuine)?;
        key.verify_sig(compact.signed.as_bytes(), &compact.signature).map_err(|_| FormerTokenError::NotGenuine)?;
        let claims = compact.claims().ok_or(FormerTokenError::NotGenuine)?;
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
    ) -> Result<Option<Arc<ParsedPublicKey>>, FormerTokenError> {
        let mut kept = self.kept.lock().await;
        let kept = kept.entry(pool.to_string()).or_default();
        let is_younger = |at: Option<Timestamp>, than: Span| at.is_some_and(|at| now.since(at) < than);
        if is_younger(kept.fetched_at, KEPT)
            && let Some(key) = kept.keys.get(kid)
        {
            return Ok(Some(Arc::clone(key)));
        }
        if !is_younger(kept.tried_at, PAUSE) {
            kept.tried_at = Some(now);
            match self.fetch(pool).await {
                Ok(keys) => *kept = Kept { keys, fetched_at: Some(now), tried_at: Some(now), failure: None },
                Err(reason) => {
                    tracing::warn!(reason, "the keys of the user pool can't be fetched");
                    kept.failure = Some(reason);
                }
            }
        }
        if !is_younger(kept.fetched_at, KEPT_AT_MOST) {
            return Err(FormerTokenError::KeysUnavailable(kept.failure.unwrap_or("they could not be just now")));
        }
        match (kept.keys.get(kid), kept.failure) {
            (Some(key), _) => Ok(Some(Arc::clone(key))),
            (None, None) => Ok(None),
            // It may be a new one.
            (None, Some(reason)) => Err(FormerTokenError::KeysUnavailable(reason)),
        }
    }

    async fn fetch(&self, pool: &UserPoolId) -> Result<HashMap<String, Arc<ParsedPublicKey>>, &'static str> {
        let base = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://cognito-idp.{}.amazonaws.com", pool.region()),
        };
        let request =
            http::Request::get(format!("{base}/{pool}/.well-known/jwks.json")).body(aws_smithy_types::body::SdkBody::empty());
        let request = request.ok().and_then(|request| HttpRequest::try_from(request).ok()).ok_or("its address is none")?;
        let answered = async {
            let answer = self.connector.call(request).await.map_err(|_| "no answer")?;
            if answer.status().as_u16() != 200 {
                return Err("it answers with another status than 200");
            }
            let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|_| "its answer does not read")?;
            Ok(body.to_bytes())
        };
        let body = tokio::time::timeout(PATIENCE, answered).await.map_err(|_| "time ran out")??;
        read(&body).ok_or("its answer is no set of keys")
    }
}

/// The keys of a set that verify RS256, by their names; others are nobody's business here (RFC 7517 §5). A set without any is none: no pool
/// is without a key.
fn read(body: &[u8]) -> Option<HashMap<String, Arc<ParsedPublicKey>>> {
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

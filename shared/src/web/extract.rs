//! Extractors.
use super::json;
use super::params::Params;
use super::problem::{Problem, ProblemKind};
use crate::context::{Deadline, RequestContext};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::secret::{SecretHash, hash_text};
use crate::domain::time::Timestamp;
use crate::services::{Services, Tenant, TenantError};
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::net::IpAddr;

/// The facts of a request that the host (API Gateway, the local gateway, a test) knows: a request extension that the host sets, never a
/// header (security 115). Without it the request is refused (direct invocation, security 143).
#[derive(Debug, Clone)]
pub struct Host {
    /// The host's name for the request.
    pub request_id: RequestId,
    /// The caller's address as seen by the trusted hop.
    pub client_address: Option<IpAddr>,
    /// When the host stops the request.
    pub deadline: Deadline,
}

/// The loaded tenant of the path (default: the one at the origin), with the context of the request.
pub struct TenantHandle {
    /// The tenant.
    pub tenant: Tenant,
    /// Stored with every write of this request.
    pub request: RequestContext,
    /// The caller's address.
    pub client_address: Option<IpAddr>,
}

impl TenantHandle {
    /// The time of the request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.request.now
    }
}

/// The tenant of a request. It is loaded once and kept with the request.
pub(super) async fn tenant_of(parts: &mut Parts, services: &Services) -> Result<Tenant, Problem> {
    if let Some(tenant) = parts.extensions.get::<Tenant>() {
        return Ok(tenant.clone());
    }
    let crate::web::tenant_name::TenantName(name) = parts.extensions.get().cloned().unwrap_or_default();
    let id: TenantId = name.parse().map_err(|_| TenantError::Unknown)?;
    let tenant = services.tenant(&id).await?;
    parts.extensions.insert(tenant.clone());
    Ok(tenant)
}

impl FromRequestParts<Services> for TenantHandle {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Problem> {
        let Some(host) = parts.extensions.get::<Host>().cloned() else { return Err(no_host()) };
        let tenant = tenant_of(parts, services).await?;
        // A function without the identifier key does not need the address.
        let hash = |address| tenant.keys.identifier().ok().map(|keyring| keyring.hash_address(address));
        let request = RequestContext {
            request_id: host.request_id,
            now: services.clock.now(),
            attempt: 1,
            address_hash: host.client_address.and_then(hash),
            deadline: host.deadline,
        };
        Ok(Self { tenant, request, client_address: host.client_address })
    }
}

/// A strict JSON body: `application/json` only (`text/plain` is refused, security 120), no duplicate member, depth at most 32, at most
/// 64 members, arrays of at most 100, no unknown field (the type has `deny_unknown_fields`).
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), "application/json")?;
        json::read(&body(request, state).await?).map(Self)
    }
}

/// A merge patch (RFC 7396): a JSON object, `application/merge-patch+json` or `application/json`, within the limits of [`JsonBody`].
pub struct MergePatch(pub serde_json::Map<String, serde_json::Value>);

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), "application/merge-patch+json")
            .or_else(|_| require_media_type(request.headers(), "application/json"))?;
        json::read(&body(request, state).await?).map(Self)
    }
}

/// A form: `application/x-www-form-urlencoded` only.
pub struct FormBody(pub Params);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), "application/x-www-form-urlencoded")?;
        Ok(Self(Params::parse(&body(request, state).await?)?))
    }
}

/// The query's parameters.
pub struct QueryParams(pub Params);

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(Params::of_query(&parts.uri)?))
    }
}

/// The whole body. `mount` has already read it within its limit.
async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|_| Problem::new(ProblemKind::InvalidRequest, "The body could not be read."))
}

/// Refuses a body of another type. Parameters such as `charset` are ignored.
fn require_media_type(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if headers.get_all(CONTENT_TYPE).iter().count() == 1 && essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::UnsupportedMediaType, format!("The body must be {wanted}.")))
}

/// Whether an address to return to after this page stays on this site: an absolute path that no browser reads as another host or
/// scheme (security 121).
#[must_use]
pub fn is_local_path(address: &str) -> bool {
    let bytes = address.as_bytes();
    // Browsers remove tabs and newlines and read `\` as `/`, so both are refused at any position.
    bytes.first() == Some(&b'/')
        && !matches!(bytes.get(1), Some(b'/'))
        && bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\')
        && url::Url::parse("https://local.invalid")
            .and_then(|base| base.join(address))
            // A browser must open exactly this address: one with dot segments, in any spelling, is another path than it seems.
            .is_ok_and(|joined| joined.as_str().strip_prefix("https://local.invalid") == Some(address))
}

/// The refusal of a request that bypassed the gateway.
pub(super) fn no_host() -> Problem {
    Problem::new(ProblemKind::Forbidden, "Requests are answered only through the gateway.")
}

/// The hash of the `Idempotency-Key` of a request, if it has one of at most 255 bytes: the caller sends the same one with a repetition.
pub struct IdempotencyKey(pub Option<SecretHash>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut sent = parts.headers.get_all("idempotency-key").iter();
        let key = sent.next().and_then(|key| key.to_str().ok()).filter(|key| !key.is_empty() && key.len() <= 255);
        Ok(Self(key.filter(|_| sent.next().is_none()).map(hash_text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_site_is_a_valid_return_address() {
        // security 121
        for address in ["/", "/login?x=1", "/a//b", "/%09//x", "/t/acme/login"] {
            assert!(is_local_path(address), "{address}");
        }
        for address in [
            "",
            "x",
            "//x",
            "///x",
            "/\\x",
            "\\/x",
            "\\\\x",
            "https:x",
            "https://x",
            "http:/x",
            "/\t/x",
            "\t//x",
            "%09//x",
            "/\n/x",
            " /x",
            "javascript:alert(1)",
            "data:text/html,x",
            "/ä",
            "?x",
            "#x",
            "/account/../oauth2/logout",
            "/account/%2e%2e/oauth2/logout",
            "/account/.%2E/oauth2/logout",
            "/account/./",
            "/account/..",
        ] {
            assert!(!is_local_path(address), "{address:?}");
        }
    }

    #[tokio::test]
    async fn a_body_of_another_type_is_refused() {
        // security 120
        for (sent, accepted) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("text/plain"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (Some("application/json-patch+json"), false),
            (None, false),
        ] {
            let mut request = http::Request::post("/");
            if let Some(sent) = sent {
                request = request.header(CONTENT_TYPE, sent);
            }
            let result = JsonBody::<u8>::from_request(request.body("1".into()).unwrap(), &()).await;
            match result {
                Ok(JsonBody(value)) => assert!(accepted && value == 1, "{sent:?}"),
                Err(problem) => {
                    assert!(!accepted && problem.kind == ProblemKind::UnsupportedMediaType, "{sent:?} {problem:?}");
                }
            }
        }
    }
}

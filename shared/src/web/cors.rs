//! CORS (security 119): only for endpoints that browser applications call, only for origins of registered clients, never credentials.
//!
//! A preflight does not name the client, so it is allowed for an origin of any client, with any headers: tracing adds its own. The response itself is readable only for the
//! origins of the calling client. The handler names it by returning [`CallingClient`] with its response:
//! `(Extension(CallingClient(client_id)), response)`. A refusal before the client is known is readable for the origins of any client.
//! Discovery and keys are public, and readable for every origin.

use crate::domain::id::ClientId;
use crate::domain::tenant::TenantConfig;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// A response extension: the client of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingClient(pub ClientId);

/// The origins that may read the responses of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// No other origin: pages, and endpoints for servers.
    SameOrigin,
    /// The origins of the client that called.
    CallingClient,
    /// Every origin: the response is the same for everyone.
    Everyone,
}

/// The readers of the responses of this path (without the tenant's prefix).
pub(super) fn readers(path: &str) -> Readers {
    match path {
        "/oauth2/token" | "/oauth2/revoke" | "/userinfo" => Readers::CallingClient,
        "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" | "/.well-known/jwks.json" => {
            Readers::Everyone
        }
        _ if path.starts_with("/v1/") => Readers::CallingClient,
        _ => Readers::SameOrigin,
    }
}

/// The origin of a request. Browsers send exactly one.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let first = origins.next()?.to_str().ok()?;
    (origins.next().is_none() && first != "null").then_some(first)
}

/// Whether a request is a preflight (Fetch §3.2.2).
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight with these headers.
pub(super) fn preflight(config: &TenantConfig, readers: Readers, request: &HeaderMap) -> Response {
    let origin = origin(request);
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let known = match readers {
        Readers::Everyone => Some(HeaderValue::from_static("*")),
        Readers::SameOrigin | Readers::CallingClient => {
            origin.filter(|origin| is_of_any_client(config, origin)).and_then(|origin| HeaderValue::from_str(origin).ok())
        }
    };
    if let Some(origin) = known {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PATCH, DELETE"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(request));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    }
    response
}

/// The headers that a preflight asks for, if the list is well-formed; otherwise those that the endpoints read. No header gives a caller more
/// than a server could send.
fn allowed_headers(request: &HeaderMap) -> HeaderValue {
    const READ: HeaderValue = HeaderValue::from_static("authorization, content-type, if-match, idempotency-key");
    const MAX: usize = 1024;
    let mut asked = request.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let (Some(list), None) = (asked.next(), asked.next()) else { return READ };
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.,! #$%&'*+^`|~".contains(byte);
    if list.len() <= MAX && !list.is_empty() && list.as_bytes().iter().all(is_token) { list.clone() } else { READ }
}

/// Makes a public document readable for every origin.
pub(super) fn open_for_everyone(response: &mut Response) {
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// Marks a response as dependent on the origin, even if the request had none: caches must know (Fetch §3.2.5).
pub(super) fn vary(response: &mut Response) {
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
}

/// Makes a response readable for the requesting origin, if it is allowed.
pub(super) fn open(response: &mut Response, readers: Readers, config: &TenantConfig, origin: &str) {
    let may_read = match readers {
        Readers::SameOrigin | Readers::Everyone => return,
        Readers::CallingClient => match response.extensions().get::<CallingClient>() {
            Some(CallingClient(id)) => {
                config.clients.get(id).is_some_and(|client| client.allowed_origins.iter().any(|allowed| allowed == origin))
            }
            // Refused before the client was known (an expired token, a malformed body): the response reveals nothing about any
            // account, and an application must be able to read the reason.
            None => response.status().is_client_error() && is_of_any_client(config, origin),
        },
    };
    let headers = response.headers_mut();
    if let Some(origin) = may_read.then(|| HeaderValue::from_str(origin).ok()).flatten() {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag, Retry-After, WWW-Authenticate"));
    }
}

fn is_of_any_client(config: &TenantConfig, origin: &str) -> bool {
    config.clients.values().any(|client| client.allowed_origins.iter().any(|allowed| allowed == origin))
}

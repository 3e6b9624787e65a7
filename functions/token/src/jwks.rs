//! `GET /.well-known/jwks.json`: the public keys of the algorithms in use (RFC 7517 §5).
//!
//! Cached for at most 15 minutes. A key that follows another of its algorithm is published for longer than that before it signs (security
//! 52). If a tenant document starts to use an algorithm, its key is published and signs at once: a verifier with a cached set reads the
//! set again when it finds an unknown `kid`.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use latchkey::digest::sha256;
use latchkey::web::{Problem, TenantHandle};

/// How long a public document may be cached.
pub(crate) const CACHE_CONTROL_VALUE: &str = "public, max-age=900";

pub(crate) async fn keys(handle: TenantHandle, request: Request) -> Result<Response, Problem> {
    let jwks = handle.tenant.keys.signing()?.jwks_of(&handle.tenant.config.signing_algorithms());
    Ok(public_document(request.headers(), "application/jwk-set+json", jwks))
}

/// A public document with its `ETag`, or 304 if the client has it (RFC 9110 §13.1.2).
pub(crate) fn public_document(headers: &HeaderMap, content_type: &'static str, body: String) -> Response {
    let etag = format!("\"{}\"", BASE64URL_NOPAD.encode(&sha256(body.as_bytes())[..16]));
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cache = [(CACHE_CONTROL, CACHE_CONTROL_VALUE.to_owned()), (ETAG, etag.clone())];
    if known.split(',').any(|candidate| candidate.trim().trim_start_matches("W/") == etag) {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(CONTENT_TYPE, content_type)], body).into_response()
}

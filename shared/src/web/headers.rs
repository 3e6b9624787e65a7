//! Security headers on every response (security 117, 118).

use crate::domain::time::Span;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// The policy of a response that is not a page: it may do nothing in a browser.
const CLOSED_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of every response. HSTS has a meaning on https only; browsers ignore it over http (RFC 6797 §8.1).
const COMMON_HEADERS: [(HeaderName, &str); 6] = [
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
];

/// Adds the security headers to a response, and `no-store` unless the response has another value.
pub(super) fn secure(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in COMMON_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CLOSED_POLICY));
    }
    // security 118: a cookie in a shared cache would give a user the session of another.
    if !headers.contains_key(CACHE_CONTROL) || headers.contains_key(http::header::SET_COOKIE) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// A time as a header value: whole seconds, rounded up, so that a retry at that moment is not too early.
pub(super) fn seconds(span: Span) -> HeaderValue {
    HeaderValue::from((span.as_millis() + 999).div_euclid(1000))
}

/// The content security policy of a page: its own inline style and script by nonce; forms post to itself and to `form_action`.
pub(super) fn page_policy(nonce: &str, form_action: Option<&str>) -> String {
    let also = form_action.map(|source| format!(" {source}")).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; \
         form-action 'self'{also}; frame-ancestors 'none'"
    )
}

/// The CSP source of a validated redirect URI: its origin, or its scheme if CSP cannot express the host.
pub(super) fn form_action_source(redirect_uri: &str) -> Option<String> {
    let url = url::Url::parse(redirect_uri).ok()?;
    let source = match (url.scheme(), url.host()) {
        // RFC 8252 §7.3: a loopback address may be IPv6, which CSP 3 §2.3.1 cannot express.
        ("http" | "https", Some(url::Host::Ipv6(_))) => format!("{}:", url.scheme()),
        ("http" | "https", Some(_)) => url.origin().ascii_serialization(),
        (scheme, _) => format!("{scheme}:"),
    };
    // A separator inside a source would let an attacker begin a new directive.
    (!source.contains([';', ',', ' '])).then_some(source)
}

/// The size of the request line and the headers together, in bytes as HTTP/1.1 would write them (security 122).
pub(super) fn request_size(method: &http::Method, uri: &http::Uri, headers: &HeaderMap) -> usize {
    let line =
        method.as_str().len() + uri.path_and_query().map_or(1, |target| target.as_str().len()) + " HTTP/1.1\r\n".len() + 1;
    headers.iter().fold(line, |size, (name, value)| size + name.as_str().len() + value.len() + ": \r\n".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_becomes_its_origin_or_scheme() {
        let cases = [
            ("https://app.example.com/cb?x=1", Some("https://app.example.com")),
            ("https://app.example.com:8443/cb", Some("https://app.example.com:8443")),
            ("http://127.0.0.1:5555/cb", Some("http://127.0.0.1:5555")),
            ("http://[::1]:5555/cb", Some("http:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("not a uri", None),
        ];
        for (uri, expected) in cases {
            assert_eq!(form_action_source(uri).as_deref(), expected, "{uri}");
        }
    }
}

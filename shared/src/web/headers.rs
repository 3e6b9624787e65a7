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
const COMMON_HEADERS: [(HeaderName, &str); 5] = [
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
];

/// Cuts a page off from the window that opened it.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Adds the security headers to a response, and `no-store` unless the response has another value. A flow page may run in a popup of a
/// client, so only the pages of the account are cut off from their opener.
pub(super) fn secure(response: &mut Response, path: &str) {
    let headers = response.headers_mut();
    for (name, value) in COMMON_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if path == "/account" || path.starts_with("/account/") {
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
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

/// Where the forms of a page may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormTarget {
    /// At a page of this origin.
    Own,
    /// At the callback of a client, which may redirect to any origin.
    Client,
}

/// The content security policy of a page: its own style and scripts by nonce, and requests to this origin if its script makes any.
///
/// Chromium checks every redirect after a form against `form-action` of the page. A client's callback may redirect to another origin, so a
/// page with a form that may end there has no such directive.
pub(super) fn page_policy(nonce: &str, target: FormTarget, fetches: bool) -> String {
    let connect = if fetches { "connect-src 'self'; " } else { "" };
    let form_action = match target {
        FormTarget::Own => "form-action 'self'; ",
        FormTarget::Client => "",
    };
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; \
         {connect}{form_action}frame-ancestors 'none'"
    )
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
    fn only_account_pages_are_severed_from_their_opener() {
        // security 117
        for (path, severed) in
            [("/account", true), ("/account/email", true), ("/accounts", false), ("/login", false), ("/", false)]
        {
            let mut response = Response::default();
            secure(&mut response, path);
            assert_eq!(response.headers().contains_key(OPENER_POLICY), severed, "{path}");
        }
    }

    #[test]
    fn a_page_that_may_end_at_a_client_has_no_limit_that_a_redirect_could_meet() {
        // security 117
        assert!(page_policy("x", FormTarget::Own, false).contains("form-action 'self';"));
        let policy = page_policy("x", FormTarget::Client, true);
        assert!(!policy.contains("form-action") && policy.contains("default-src 'none'"), "{policy}");
    }
}

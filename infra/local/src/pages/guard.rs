//! Restricts the gateway's own pages to this machine: the mailbox shows every user's codes, and the clock affects every session.
//!
//! It refuses connections from other machines, requests that passed a proxy (which can rewrite `Host`), a `Host` other than this machine
//! with the gateway's port (DNS rebinding: a page of another site sends its own host name), and requests made by another site's page.

use super::state::Pages;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, HeaderName, ORIGIN};
use http::{HeaderMap, Method};
use latchkey::web::Problem;
use latchkey::web::problem::ProblemKind;
use std::net::SocketAddr;

/// What the server knows about a request, as a request extension.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The other end of the connection.
    pub address: SocketAddr,
    /// The path before a tenant prefix is removed.
    pub path: String,
}

/// Names of this machine in a `Host` header.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

pub(super) async fn only_this_machine(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    // These pages do not exist below a tenant's path.
    if request.extensions().get::<Peer>().is_some_and(|peer| peer.path != request.uri().path()) {
        return Problem::new(ProblemKind::NotFound, "There is nothing at this address. Check the path.").into_response();
    }
    match refusal(&request, pages.port) {
        Some(words) => Problem::new(ProblemKind::Forbidden, words).into_response(),
        None => next.run(request).await,
    }
}

/// Why a request is refused: it is not from this machine, or may come from a page of another site.
pub(super) fn refusal(request: &Request, port: u16) -> Option<&'static str> {
    match request.extensions().get::<Peer>() {
        None => Some("The gateway answers requests only through its own listener."),
        Some(peer) if !peer.address.ip().is_loopback() => Some("This page is available only on this machine."),
        Some(_) if is_forwarded(request.headers()) => {
            Some("This page is not available through a proxy. Never put the local gateway behind one: open it on this machine.")
        }
        Some(_) if !is_own_host(request.headers(), port) => {
            Some("This page is available only at localhost, 127.0.0.1 or [::1] with the gateway's port.")
        }
        Some(_) if !is_own_origin(request.method(), request.headers(), port) => {
            Some("This page is not available to pages of other sites.")
        }
        Some(_) => None,
    }
}

/// Whether a proxy passed the request on (RFC 7239, RFC 9110 §7.6.3, and the usual headers of before).
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().map(HeaderName::as_str).any(|name| matches!(name, "forwarded" | "via") || name.starts_with("x-forwarded-"))
}

fn only_value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (_, _) => None,
    }
}

fn is_own_authority(authority: &str, port: u16) -> bool {
    NAMES
        .into_iter()
        .any(|name| authority.strip_prefix(name).is_some_and(|rest| rest == format!(":{port}") || is_default(rest, port)))
}

/// Browsers omit the default port of the scheme.
fn is_default(rest: &str, port: u16) -> bool {
    rest.is_empty() && matches!(port, 80 | 443)
}

fn is_own_host(headers: &HeaderMap, port: u16) -> bool {
    only_value(headers, HOST).is_some_and(|host| is_own_authority(host, port))
}

fn is_own_origin(method: &Method, headers: &HeaderMap, port: u16) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    match headers.get(ORIGIN) {
        None => method == Method::GET || matches!(site, None | Some("same-origin" | "none")),
        // Our pages send no referrer, so browsers send the origin `null` with their forms. Then `Sec-Fetch-Site` decides.
        Some(origin) if origin == "null" => site == Some("same-origin"),
        Some(_) => only_value(headers, ORIGIN)
            .and_then(|origin| origin.split_once("://"))
            .is_some_and(|(scheme, authority)| matches!(scheme, "http" | "https") && is_own_authority(authority, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_host_is_ours_only_by_name_and_port() {
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert!(is_own_host(&headers(&[("host", host)]), 8080), "{host}");
        }
        for host in
            ["localhost", "localhost:8081", "localhost.evil.test:8080", "evil.test:8080", "127.0.0.1.evil.test:8080", ""]
        {
            assert!(!is_own_host(&headers(&[("host", host)]), 8080), "{host}");
        }
        assert!(!is_own_host(&HeaderMap::new(), 8080));
        assert!(is_own_host(&headers(&[("host", "localhost")]), 443));
    }

    #[test]
    fn a_request_through_a_proxy_is_known_by_any_of_its_headers() {
        for name in ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-anything"] {
            assert!(is_forwarded(&headers(&[("host", "localhost:8080"), (name, "")])), "{name}");
        }
        for name in ["x-forward", "x-real-ip", "forwarded-by"] {
            assert!(!is_forwarded(&headers(&[("host", "localhost:8080"), (name, "127.0.0.1")])), "{name}");
        }
    }

    #[test]
    fn a_request_of_another_sites_page_is_foreign() {
        let cases: [(&[(&str, &str)], bool); 7] = [
            (&[], true),
            (&[("origin", "http://localhost:8080")], true),
            (&[("origin", "http://localhost:8081")], false),
            (&[("origin", "https://evil.test")], false),
            (&[("origin", "null")], false),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "cross-site")], false),
        ];
        for (pairs, own) in cases {
            assert_eq!(is_own_origin(&Method::POST, &headers(pairs), 8080), own, "{pairs:?}");
        }
        assert!(
            is_own_origin(&Method::GET, &headers(&[("sec-fetch-site", "cross-site")]), 8080),
            "a link to the demo's callback"
        );
    }
}

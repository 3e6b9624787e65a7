//! The parts of a client that connect it with other parts of the document, or with other origins: resources, claims, origins, links.

use super::reader::Table;
use crate::domain::oauth::client::TokenEndpointAuthMethod;
use crate::domain::oauth::user_claims::is_claim;
use crate::domain::tenant::{Field, Resource};
use std::collections::BTreeMap;

/// Returns whether the parsed host is this machine. `127.0.0.1.example` and `localhost.example` are not (security 2).
pub(super) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(url::Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

pub(super) fn read_origins(table: &mut Table<'_, '_>) -> Vec<String> {
    let mut origins = Vec::new();
    for origin in table.texts("allowed_origins") {
        if !is_origin(&origin.value) {
            table.report.refuse(
                &origin.place,
                "must be an origin as a browser or web view sends it: https://host or capacitor://localhost, without a path (http:// \
                 only on 127.0.0.1, [::1] or localhost)",
            );
        }
        origins.push(origin.value);
    }
    origins
}

/// An origin is compared byte by byte with the Origin header, so it must be written as a browser sends it. A scheme that is not of the web is
/// that of a web view in an app. Every such app has the same origin, so it protects nothing.
fn is_origin(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    match url.scheme() {
        "https" => url.origin().ascii_serialization() == text,
        "http" => url.origin().ascii_serialization() == text && is_loopback(&url),
        "file" | "ftp" | "ws" | "wss" | "data" | "javascript" | "blob" | "about" => false,
        scheme => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            url.host_str().is_some_and(|host| !host.is_empty() && format!("{scheme}://{host}{port}") == text)
        }
    }
}

pub(super) fn read_client_resources(
    table: &mut Table<'_, '_>,
    key: &'static str,
    resources: &BTreeMap<String, Resource>,
) -> Vec<String> {
    let listed = table.texts(key);
    for resource in &listed {
        if !resources.contains_key(&resource.value) {
            table.report.refuse(&resource.place, "is not among the resources of this document");
        }
    }
    listed.into_iter().map(|resource| resource.value).collect()
}

/// Reads the resource servers that the client is. Anyone can claim a public client id, so it may introspect nothing.
pub(super) fn read_introspection_resources(
    table: &mut Table<'_, '_>,
    method: TokenEndpointAuthMethod,
    resources: &BTreeMap<String, Resource>,
) -> Vec<String> {
    let place = table.at("introspection_resources");
    let listed = read_client_resources(table, "introspection_resources", resources);
    if method == TokenEndpointAuthMethod::None && !listed.is_empty() {
        table.report.refuse(&place, "introspection needs a client that authenticates (RFC 7662 §2.1)");
    }
    listed
}

/// Reads the claims about the user that the client's ID tokens contain.
pub(super) fn read_id_token_claims(table: &mut Table<'_, '_>, fields: &[Field]) -> Vec<String> {
    let mut claims = Vec::new();
    for claim in table.texts("id_token_claims") {
        if !is_claim(&claim.value, fields) {
            table
                .report
                .refuse(&claim.place, "is neither a field of the registration form nor a claim that Latchkey has about a user");
        } else if claims.contains(&claim.value) {
            table.report.refuse(&claim.place, "is listed twice");
        } else {
            claims.push(claim.value);
        }
    }
    claims
}

pub(super) fn read_client_uri(table: &mut Table<'_, '_>) -> Option<String> {
    let uri = table.text("client_uri")?;
    let valid = url::Url::parse(&uri.value)
        .is_ok_and(|url| url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_loopback(&url));
    if !valid {
        table
            .report
            .refuse(&uri.place, "must be a URL that begins with https:// (http:// only on 127.0.0.1, [::1] or localhost)");
        return None;
    }
    Some(uri.value)
}

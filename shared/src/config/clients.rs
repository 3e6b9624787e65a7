//! The clients of a tenant document, with the names of RFC 7591 §2, and the rules for their URIs (security 1–3).

use super::client_links::{
    is_loopback, read_client_resources, read_client_uri, read_id_token_claims, read_introspection_resources, read_origins,
};
use super::reader::{Place, Table, read_scope};
use crate::domain::id::{ClientId, Sub};
use crate::domain::oauth::client::{Client, GrantType, PkcePolicy, ResponseMode, SigningAlgorithm, TokenEndpointAuthMethod};
use crate::domain::oauth::exchange::TOKEN_EXCHANGE;
use crate::domain::oauth::rotate::{MAX_RETRY, RETRY};
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::secret::{SecretHash, hash_text};
use crate::domain::sign_in::assurance::Acr;
use crate::domain::tenant::{Field, Localized, Resource, Signer};
use crate::domain::time::Span;
use std::collections::BTreeMap;

/// Signatures of tokens.
pub(super) const ALGORITHMS: [(&str, SigningAlgorithm); 3] =
    [("ES256", SigningAlgorithm::ES256), ("RS256", SigningAlgorithm::RS256), ("EdDSA", SigningAlgorithm::EdDSA)];

const AUTH_METHODS: [(&str, TokenEndpointAuthMethod); 3] = [
    ("none", TokenEndpointAuthMethod::None),
    ("client_secret_basic", TokenEndpointAuthMethod::ClientSecretBasic),
    ("client_secret_post", TokenEndpointAuthMethod::ClientSecretPost),
];
const GRANT_TYPES: [(&str, GrantType); 4] = [
    ("authorization_code", GrantType::AuthorizationCode),
    ("refresh_token", GrantType::RefreshToken),
    ("client_credentials", GrantType::ClientCredentials),
    (TOKEN_EXCHANGE, GrantType::TokenExchange),
];
const RESPONSE_MODES: [(&str, ResponseMode); 2] = [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
const PKCE: [(&str, PkcePolicy); 2] = [("required", PkcePolicy::Required), ("optional", PkcePolicy::Optional)];

/// The minimum length of a secret in clear text.
const MIN_SECRET: usize = 15;
/// During a rotation a client has two secrets: the old one and the new one (security 41).
const MAX_SECRETS: usize = 2;
/// At most this many URIs of one kind for a client.
const MAX_URIS: usize = 50;

pub(super) fn read_clients(
    tables: Vec<Table<'_, '_>>,
    resources: &BTreeMap<String, Resource>,
    fields: &[Field],
    signer: Signer,
) -> BTreeMap<ClientId, Client> {
    let mut clients = BTreeMap::new();
    for mut table in tables {
        if let Some(client) = read_client(&mut table, resources, fields, signer)
            && clients.insert(client.client_id.clone(), client).is_some()
        {
            table.report.refuse(&table.at("client_id"), "another client has the same client_id");
        }
        table.close();
    }
    clients
}

/// Reads one client. It reads every key, so that it finds all errors, even if `client_id` is not valid.
fn read_client(
    table: &mut Table<'_, '_>,
    resources: &BTreeMap<String, Resource>,
    fields: &[Field],
    signer: Signer,
) -> Option<Client> {
    let id = read_client_id(table);
    let name = table.localized("client_name");
    let first_party = table.flag("first_party", false);
    let method = table.word("token_endpoint_auth_method", &AUTH_METHODS, TokenEndpointAuthMethod::ClientSecretBasic);
    let (secret_hashes, secret_needs_encoding) = read_secrets(table, method);
    let grant_types = read_grant_types(table, method, first_party);
    read_response_types(table);
    let scope = read_client_scope(table, first_party, &grant_types);
    let redirect_uris = read_redirect_uris(table, &grant_types);
    let post_logout_redirect_uris = read_uris(table, "post_logout_redirect_uris");
    let response_modes = read_response_modes(table);
    let pkce = read_pkce(table, method);
    let id_token_signed_response_alg = read_algorithm(table, "id_token_signed_response_alg", SigningAlgorithm::RS256, signer);
    let access_token_signed_response_alg =
        read_algorithm(table, "access_token_signed_response_alg", SigningAlgorithm::ES256, signer);
    let allowed_origins = read_origins(table);
    let client_resources = read_client_resources(table, "resources", resources);
    let introspection_resources = read_introspection_resources(table, method, resources);
    let id_token_claims = read_id_token_claims(table, fields);
    let refresh_retry = table.span("refresh_retry", Span::ZERO..=MAX_RETRY, RETRY);
    let min_acr = read_min_acr(table, &grant_types);
    let client_uri = read_client_uri(table);
    id.map(|client_id| Client {
        client_name: name.unwrap_or_else(|| Localized::from(client_id.to_string())),
        client_id,
        first_party,
        token_endpoint_auth_method: method,
        secret_hashes,
        secret_needs_encoding,
        redirect_uris,
        post_logout_redirect_uris,
        grant_types,
        scope,
        response_modes,
        pkce,
        id_token_signed_response_alg,
        access_token_signed_response_alg,
        allowed_origins,
        resources: client_resources,
        introspection_resources,
        id_token_claims,
        refresh_retry,
        min_acr,
        client_uri,
    })
}

/// Reads the level that users of the client must reach. A token exchange proves none.
fn read_min_acr(table: &mut Table<'_, '_>, grant_types: &[GrantType]) -> Option<Acr> {
    let text = table.text("min_acr")?;
    let level = Acr::named(&text.value);
    if level.is_none() {
        let names = Acr::SUPPORTED.join("\", \"");
        table.report.refuse(&text.place, format!("must be one of \"{names}\""));
    }
    if level.is_some() && grant_types.contains(&GrantType::TokenExchange) {
        table.report.refuse(&text.place, "has no use with the grant type token-exchange: nothing is proven there");
    }
    level
}

fn read_algorithm(table: &mut Table<'_, '_>, key: &'static str, default: SigningAlgorithm, signer: Signer) -> SigningAlgorithm {
    let place = table.at(key);
    let algorithm = table.word(key, &ALGORITHMS, default);
    refuse_what_kms_does_not_sign(table, &place, Some(algorithm), signer);
    algorithm
}

/// Refuses EdDSA with KMS. For the other two algorithms KMS signs a digest. For Ed25519 it signs a whole message of at most 4 KB, and a
/// token can be longer.
pub(super) fn refuse_what_kms_does_not_sign(
    table: &Table<'_, '_>,
    place: &Place,
    algorithm: Option<SigningAlgorithm>,
    signer: Signer,
) {
    if signer == Signer::Kms && algorithm == Some(SigningAlgorithm::EdDSA) {
        table.report.refuse(place, "KMS does not sign with \"EdDSA\": choose ES256 or RS256, or set keys.signer = \"local\"");
    }
}

fn read_client_id(table: &mut Table<'_, '_>) -> Option<ClientId> {
    let text = table.required_text("client_id")?;
    let id = text.value.parse().ok();
    if id.is_none() {
        table.report.refuse(&text.place, "must be 1 to 64 characters of A-Z a-z 0-9 - _ .");
    } else if text.value.parse::<Sub>().is_ok() {
        // A client that acts for itself has its `client_id` as `sub`. It must not look like the `sub` of a user (security 26).
        table.report.refuse(
            &text.place,
            "has the form of a user's subject identifier (22 characters of base64url, or a UUID); choose another",
        );
    }
    id
}

/// Reads the secrets of a client, and whether one has characters that HTTP Basic must form-encode (RFC 6749 §2.3.1). It hashes a secret in
/// clear text at once. A stored document should contain digests only.
fn read_secrets(table: &mut Table<'_, '_>, method: TokenEndpointAuthMethod) -> (Vec<SecretHash>, bool) {
    let place = table.at("client_secret");
    let mut hashes = Vec::new();
    let mut needs_encoding = false;
    if let Some(secret) = table.text("client_secret") {
        if secret.value.len() < MIN_SECRET || secret.value.len() > 256 || !secret.value.bytes().all(|b| b.is_ascii_graphic()) {
            table.report.refuse(
                &secret.place,
                format!(
                    "must be {MIN_SECRET} to 256 printable ASCII characters; except in a demonstration, set client_secret_sha256 of 32 \
                     random bytes instead"
                ),
            );
        }
        needs_encoding = !secret.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        hashes.push(hash_text(&secret.value));
    }
    for digest in table.texts("client_secret_sha256") {
        match data_encoding::HEXLOWER_PERMISSIVE.decode(digest.value.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => hashes.push(SecretHash::from_bytes(bytes)),
            None => table.report.refuse(&digest.place, "must be the SHA-256 of a secret in 64 hexadecimal digits"),
        }
    }
    let public = method == TokenEndpointAuthMethod::None;
    if public && !hashes.is_empty() {
        table.report.refuse(&place, "a client with token_endpoint_auth_method = \"none\" has no secret");
    }
    if !public && hashes.is_empty() {
        table.report.refuse(
            &place,
            "is missing: set client_secret_sha256 (or client_secret), or token_endpoint_auth_method = \"none\" for a public client",
        );
    }
    if hashes.len() > MAX_SECRETS {
        table.report.refuse(&place, "at most two secrets: the old one and the new one during a rotation");
    }
    (hashes, needs_encoding)
}

fn read_grant_types(table: &mut Table<'_, '_>, method: TokenEndpointAuthMethod, first_party: bool) -> Vec<GrantType> {
    let place = table.at("grant_types");
    let listed = table.texts("grant_types");
    let mut grant_types = Vec::new();
    for text in &listed {
        if let Some(grant_type) = table.report.word(text, &GRANT_TYPES) {
            if grant_types.contains(&grant_type) {
                table.report.refuse(&text.place, "is listed twice");
            }
            grant_types.push(grant_type);
        }
    }
    if listed.is_empty() {
        // The default of RFC 7591 §2.
        grant_types.push(GrantType::AuthorizationCode);
    }
    let has = |grant_type| grant_types.contains(&grant_type);
    if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
        table.report.refuse(&place, "refresh_token also needs authorization_code: no other grant type issues a refresh token");
    }
    if has(GrantType::ClientCredentials) && method == TokenEndpointAuthMethod::None {
        table.report.refuse(&place, "client_credentials needs a client that authenticates (RFC 6749 §4.4)");
    }
    if has(GrantType::TokenExchange) && !(first_party && has(GrantType::AuthorizationCode)) {
        table.report.refuse(
            &place,
            "token-exchange is for your own applications during a migration from a user pool: it needs first_party = true, because \
             users are not asked for consent, and also authorization_code, for users who must sign in",
        );
    }
    grant_types
}

fn read_response_types(table: &mut Table<'_, '_>) {
    for text in table.texts("response_types") {
        if text.value != "code" {
            table.report.refuse(&text.place, "must be \"code\": implicit and hybrid flows are not supported (RFC 9700 §2.1.2)");
        }
    }
}

fn read_client_scope(table: &mut Table<'_, '_>, first_party: bool, grant_types: &[GrantType]) -> ScopeSet {
    let place = table.at("scope");
    let with_code = grant_types.contains(&GrantType::AuthorizationCode);
    let default = || if with_code { "openid".parse().unwrap_or_default() } else { ScopeSet::default() };
    let scope = read_scope(table).unwrap_or_else(default);
    if scope.contains("account") && !first_party {
        table.report.refuse(&place, "scope account lets a client act on the user's account: it needs first_party = true");
    }
    for token in ["account", "openid", "offline_access"] {
        if scope.contains(token) && !with_code {
            table.report.refuse(&place, format!("scope {token} is about a user: it needs the grant type authorization_code"));
        }
    }
    if scope.contains("offline_access") && !grant_types.contains(&GrantType::RefreshToken) {
        table.report.refuse(&place, "scope offline_access needs the grant type refresh_token");
    }
    scope
}

fn read_pkce(table: &mut Table<'_, '_>, method: TokenEndpointAuthMethod) -> PkcePolicy {
    let place = table.at("pkce");
    let pkce = table.word("pkce", &PKCE, PkcePolicy::Required);
    if pkce == PkcePolicy::Optional && method == TokenEndpointAuthMethod::None {
        table.report.refuse(&place, "may be optional only for a client that authenticates (RFC 9700 §2.1.1)");
    }
    pkce
}

fn read_response_modes(table: &mut Table<'_, '_>) -> Vec<ResponseMode> {
    let mut modes = Vec::new();
    for text in table.texts("response_modes") {
        if let Some(mode) = table.report.word(&text, &RESPONSE_MODES)
            && !modes.contains(&mode)
        {
            modes.push(mode);
        }
    }
    if modes.is_empty() {
        modes.push(ResponseMode::Query);
    }
    modes
}

fn read_redirect_uris(table: &mut Table<'_, '_>, grant_types: &[GrantType]) -> Vec<String> {
    let place = table.at("redirect_uris");
    let uris = read_uris(table, "redirect_uris");
    let with_code = grant_types.contains(&GrantType::AuthorizationCode);
    if with_code && uris.is_empty() {
        table.report.refuse(&place, "is missing: the grant type authorization_code needs a URI to send codes to");
    }
    if !with_code && !uris.is_empty() {
        table.report.refuse(&place, "has no use without the grant type authorization_code");
    }
    uris
}

fn read_uris(table: &mut Table<'_, '_>, key: &'static str) -> Vec<String> {
    let place = table.at(key);
    let mut uris = Vec::new();
    for uri in table.texts(key) {
        match redirect_uri_error(&uri.value) {
            Some(message) => table.report.refuse(&uri.place, message),
            None if uris.contains(&uri.value) => table.report.refuse(&uri.place, "is listed twice"),
            None => {}
        }
        uris.push(uri.value);
    }
    if uris.len() > MAX_URIS {
        table.report.refuse(&place, format!("at most {MAX_URIS}"));
    }
    uris
}

/// Parameters of an authorization response. A redirect URI must not contain one, because the response would contain it twice (security 3).
const RESPONSE_PARAMETERS: [&str; 10] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "id_token",
    "access_token",
    "response",
    "session_state",
];

/// Checks a URI that receives codes, or users after sign-out. Returns the error message, or `None` if the URI is valid.
pub(super) fn redirect_uri_error(text: &str) -> Option<&'static str> {
    const SCHEME: &str = "must begin with https://, with http:// on 127.0.0.1, [::1] or localhost, or with a private-use scheme that \
                          has a dot, such as com.example.app:/callback (RFC 8252 §7)";
    if text.contains('{') {
        return Some(
            "has a placeholder that was not replaced; only the local gateway replaces placeholders, and only {origin}",
        );
    }
    // The URI is compared byte by byte and sent unchanged, so it must not contain characters that a browser rewrites.
    if text.len() > 2000 || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['\\', '"', '<', '>', '^', '`', '|']) {
        return Some("must be at most 2000 ASCII characters of a URI");
    }
    if text.contains('*') {
        return Some("must not have a wildcard: URIs are compared byte by byte (RFC 9700 §2.1)");
    }
    if text.contains('#') {
        return Some("must not have a fragment (RFC 6749 §3.1.2)");
    }
    let Ok(url) = url::Url::parse(text) else { return Some("must be an absolute URI (RFC 6749 §3.1.2)") };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("must not have a user name or password");
    }
    if text.split(['/', '?']).any(|segment| segment == "." || segment == "..") {
        return Some("must not have . or .. as a path segment");
    }
    let allowed = match url.scheme() {
        "https" => url.has_host() && text.starts_with("https://"),
        "http" => text.starts_with("http://") && is_loopback(&url),
        scheme => scheme.contains('.') && text.starts_with(scheme),
    };
    if !allowed {
        return Some(SCHEME);
    }
    if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
        return Some("must not have a parameter of the authorization response, such as code, state, iss or error");
    }
    None
}

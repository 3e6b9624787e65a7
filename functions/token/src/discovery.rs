//! Metadata (OpenID Connect Discovery §3, RFC 8414 §2): exactly what is supported, from configuration and never from a header (security
//! 53).

use crate::jwks::public_document;
use axum::extract::Request;
use axum::response::Response;
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::oauth::exchange::TOKEN_EXCHANGE;
use latchkey::domain::oauth::scope::{ADDRESS, OF_A_PERSON};
use latchkey::domain::oauth::user_claims::claims_of_form;
use latchkey::domain::sign_in::assurance::Acr;
use latchkey::domain::tenant::TenantConfig;
use latchkey::web::{Problem, TenantHandle};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    end_session_endpoint: String,
    scopes_supported: BTreeSet<&'a str>,
    response_types_supported: &'static [&'static str],
    response_modes_supported: &'static [&'static str],
    grant_types_supported: Vec<&'static str>,
    subject_types_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: BTreeSet<SigningAlgorithm>,
    token_endpoint_auth_methods_supported: &'static [&'static str],
    revocation_endpoint_auth_methods_supported: &'static [&'static str],
    introspection_endpoint_auth_methods_supported: &'static [&'static str],
    code_challenge_methods_supported: &'static [&'static str],
    prompt_values_supported: &'static [&'static str],
    acr_values_supported: &'static [&'static str],
    claims_supported: BTreeSet<&'a str>,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    authorization_response_iss_parameter_supported: bool,
    ui_locales_supported: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    op_policy_uri: Option<&'a str>,
}

/// Claims of the ID token, and of every user in userinfo.
const CLAIMS: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "email",
    "email_verified",
    "locale",
    "updated_at",
];

pub(crate) async fn metadata(handle: TenantHandle, request: Request) -> Result<Response, Problem> {
    let document = render(&handle.tenant.issuer, &handle.tenant.config);
    Ok(public_document(request.headers(), "application/json", document))
}

fn render(issuer: &str, config: &TenantConfig) -> String {
    let at = |path: &str| format!("{issuer}{path}");
    let of_resources = config.resources.values().flat_map(|resource| resource.scope.iter());
    // No form collects an address unless the document says so.
    let has_address = claims_of_form(&config.registration.fields).contains(ADDRESS);
    let of_a_person = OF_A_PERSON.into_iter().filter(|scope| *scope != ADDRESS || has_address);
    let exchanges = config.legacy_directory.as_ref().is_some_and(|pool| !pool.exchange.is_empty());
    let mut grant_types_supported = vec!["authorization_code", "refresh_token", "client_credentials"];
    grant_types_supported.extend(exchanges.then_some(TOKEN_EXCHANGE));
    let metadata = Metadata {
        issuer,
        authorization_endpoint: at("/oauth2/authorize"),
        token_endpoint: at("/oauth2/token"),
        userinfo_endpoint: at("/userinfo"),
        jwks_uri: at("/.well-known/jwks.json"),
        revocation_endpoint: at("/oauth2/revoke"),
        introspection_endpoint: at("/oauth2/introspect"),
        end_session_endpoint: at("/oauth2/logout"),
        scopes_supported: of_a_person.chain(of_resources).collect(),
        response_types_supported: &["code"],
        response_modes_supported: &["query", "form_post"],
        grant_types_supported,
        subject_types_supported: &["public"],
        id_token_signing_alg_values_supported: config.signing_algorithms(),
        token_endpoint_auth_methods_supported: &["none", "client_secret_basic", "client_secret_post"],
        revocation_endpoint_auth_methods_supported: &["none", "client_secret_basic", "client_secret_post"],
        introspection_endpoint_auth_methods_supported: &["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported: &["S256"],
        prompt_values_supported: &["none", "login", "consent", "select_account"],
        acr_values_supported: &Acr::SUPPORTED,
        claims_supported: CLAIMS.into_iter().chain(claims_of_form(&config.registration.fields)).collect(),
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        authorization_response_iss_parameter_supported: true,
        ui_locales_supported: &config.locales,
        op_policy_uri: config.brand.privacy_url.as_deref(),
    };
    serde_json::to_string(&metadata).unwrap_or_default()
}

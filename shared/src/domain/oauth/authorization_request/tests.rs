use super::*;
use crate::domain::oauth::client::{PkcePolicy, SigningAlgorithm, TokenEndpointAuthMethod};
use crate::domain::tenant::Localized;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT_URI: &str = "https://shop.example/callback";

fn client() -> Client {
    Client {
        client_id: "shop".parse().unwrap(),
        client_name: Localized::default(),
        first_party: true,
        token_endpoint_auth_method: TokenEndpointAuthMethod::None,
        secret_hashes: Vec::new(),
        secret_needs_encoding: false,
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scope: "openid profile email offline_access account".parse().unwrap(),
        response_modes: vec![ResponseMode::Query, ResponseMode::FormPost],
        pkce: PkcePolicy::Required,
        id_token_signed_response_alg: SigningAlgorithm::ES256,
        access_token_signed_response_alg: SigningAlgorithm::ES256,
        allowed_origins: Vec::new(),
        resources: vec!["https://api.example".to_owned(), "https://other.example".to_owned()],
        introspection_resources: vec![],
        id_token_claims: vec![],
        refresh_retry: crate::domain::oauth::rotate::RETRY,
        min_acr: None,
        client_uri: None,
    }
}

fn clients(client: Client) -> BTreeMap<ClientId, Client> {
    BTreeMap::from([(client.client_id.clone(), client)])
}

const VALID: [(&str, &str); 6] = [
    ("client_id", "shop"),
    ("redirect_uri", REDIRECT_URI),
    ("response_type", "code"),
    ("scope", "openid email"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The valid request with replaced parameters. A parameter with an empty value is omitted.
fn with<'p>(changes: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let mut parameters: Vec<_> =
        VALID.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)).collect();
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    parameters
}

fn refusal(client: Client, parameters: Vec<(&str, &str)>) -> Refusal {
    let clients = clients(client);
    match validate(&clients, parameters) {
        Err(refusal) => refusal,
        Ok(request) => panic!("not refused: {request:?}"),
    }
}

fn error(client: Client, parameters: Vec<(&str, &str)>) -> OAuthErrorCode {
    match refusal(client, parameters) {
        Refusal::Answer { error, .. } => error,
        Refusal::Local(local) => panic!("shown locally: {local}"),
    }
}

#[test]
fn a_valid_request_is_parsed_completely() {
    let clients = clients(client());
    let parameters = with(&[
        ("state", "xyz"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("prompt", "login consent"),
        ("max_age", "300"),
        ("login_hint", "ada@example.com"),
        ("ui_locales", "de en"),
        ("acr_values", "whatever"),
        ("unknown", "ignored"),
    ]);
    let request = validate(&clients, parameters).unwrap();
    assert_eq!(request.client.client_id.as_str(), "shop");
    assert_eq!(request.return_to.redirect_uri, REDIRECT_URI);
    assert_eq!(request.return_to.response_mode, ResponseMode::Query);
    assert_eq!(request.return_to.state.as_deref(), Some("xyz"));
    assert!(request.redirect_uri_in_request);
    assert_eq!(request.scope.to_string(), "email openid");
    assert_eq!(request.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
    assert_eq!(request.code_challenge.as_deref(), Some(CHALLENGE));
    assert_eq!(request.prompt, Prompt { login: true, consent: true, ..Prompt::default() });
    assert_eq!(request.max_age, Some(Span::seconds(300)));
    assert_eq!(request.login_hint.as_deref(), Some("ada@example.com"));
    assert_eq!(request.ui_locales.as_deref(), Some("de en"));
}

#[test]
fn security_4_a_bad_client_or_redirect_uri_is_never_redirected() {
    use LocalRefusal::{ClientIdMissing, ClientUnknown, RedirectUriMissing};
    let cases = [
        (with(&[("client_id", "")]), ClientIdMissing),
        ([with(&[]), vec![("client_id", "shop")]].concat(), ClientIdMissing),
        (with(&[("client_id", "unknown")]), ClientUnknown),
        (with(&[("client_id", "a/b")]), ClientUnknown),
        (with(&[("redirect_uri", "")]), RedirectUriMissing),
        ([with(&[]), vec![("redirect_uri", REDIRECT_URI)]].concat(), RedirectUriMissing),
    ];
    for (parameters, expected) in cases {
        assert_eq!(refusal(client(), parameters.clone()), Refusal::Local(expected), "{parameters:?}");
    }
    for uri in [
        "https://shop.example/callback/",
        "https://shop.example/Callback",
        "https://shop.example/callback?",
        "https://shop.example/callback#",
        "https://shop.example:443/callback",
        "https://SHOP.example/callback",
        "https://shop.example/x/..;/callback",
        "https://shop.example/%63allback",
    ] {
        assert_eq!(refusal(client(), with(&[("redirect_uri", uri)])), not_registered(uri), "{uri}");
    }
    let long = format!("https://evil.example/{}", "é".repeat(400));
    assert_eq!(
        refusal(client(), with(&[("redirect_uri", &long)])),
        not_registered(&long.chars().take(300).collect::<String>())
    );
}

fn not_registered(requested: &str) -> Refusal {
    let client_id = "shop".parse().unwrap();
    Refusal::Local(LocalRefusal::RedirectUriNotRegistered { client_id, requested: requested.to_owned() })
}

#[test]
fn security_3_an_unsafe_registered_uri_is_refused_at_the_request_too() {
    for uri in ["https://shop.example/cb?code=1", "https://shop.example/cb#x", "javascript:alert(1)"] {
        let unsafe_client = Client { redirect_uris: vec![uri.to_owned()], ..client() };
        let refused = refusal(unsafe_client, with(&[("redirect_uri", uri)]));
        assert_eq!(refused, not_registered(uri), "{uri}");
    }
}

#[test]
fn a_plain_oauth_request_may_omit_the_only_redirect_uri() {
    let plain = with(&[("redirect_uri", ""), ("scope", "email")]);
    let one = clients(client());
    let request = validate(&one, plain.clone()).unwrap();
    assert_eq!(request.return_to.redirect_uri, REDIRECT_URI);
    assert!(!request.redirect_uri_in_request);
    let two = Client { redirect_uris: vec![REDIRECT_URI.to_owned(), "https://shop.example/b".to_owned()], ..client() };
    assert_eq!(refusal(two, plain.clone()), Refusal::Local(LocalRefusal::RedirectUriMissing));
    let none = Client { redirect_uris: Vec::new(), ..client() };
    assert_eq!(refusal(none, plain), Refusal::Local(LocalRefusal::RedirectUriMissing));
}

#[test]
fn security_4_5_6_7_9_10_15_19_every_other_error_is_sent_to_the_redirect_uri() {
    use OAuthErrorCode::{
        InvalidRequest, InvalidScope, InvalidTarget, RequestNotSupported, RequestUriNotSupported, UnsupportedResponseType,
    };
    let long_nonce = "n".repeat(MAX_NONCE + 1);
    let long_claims = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_CLAIMS));
    let deep_claims = format!("{}1{}", "{\"a\":".repeat(9), "}".repeat(9));
    let bottomless_claims = "[".repeat(4000);
    let cases: &[(&[(&str, &str)], OAuthErrorCode)] = &[
        (&[("response_type", "")], InvalidRequest),
        (&[("response_type", "token")], UnsupportedResponseType),
        (&[("response_type", "code id_token")], UnsupportedResponseType),
        (&[("response_type", "CODE")], UnsupportedResponseType),
        (&[("response_mode", "fragment")], InvalidRequest),
        (&[("response_mode", "web_message")], InvalidRequest),
        (&[("request", "eyJ")], RequestNotSupported),
        (&[("request_uri", "https://shop.example/r")], RequestUriNotSupported),
        (&[("code_challenge", "")], InvalidRequest),
        (&[("code_challenge", ""), ("code_challenge_method", "")], InvalidRequest),
        (&[("code_challenge_method", "")], InvalidRequest),
        (&[("code_challenge_method", "plain")], InvalidRequest),
        (&[("code_challenge", "tooshort")], InvalidRequest),
        (&[("scope", "")], InvalidScope),
        (&[("scope", "unknown")], InvalidScope),
        (&[("scope", "openid \"quoted\"")], InvalidScope),
        (&[("prompt", "none login")], InvalidRequest),
        (&[("prompt", "none none select_account")], InvalidRequest),
        (&[("prompt", "maybe")], InvalidRequest),
        (&[("max_age", "-1")], InvalidRequest),
        (&[("max_age", "+1")], InvalidRequest),
        (&[("max_age", "1.5")], InvalidRequest),
        (&[("max_age", "soon")], InvalidRequest),
        (&[("resource", "https://unknown.example")], InvalidTarget),
        (&[("resource", "https://api.example"), ("resource", "https://other.example")], InvalidTarget),
        (&[("nonce", &long_nonce)], InvalidRequest),
        (&[("claims", &long_claims)], InvalidRequest),
        (&[("claims", &deep_claims)], InvalidRequest),
        (&[("claims", &bottomless_claims)], InvalidRequest),
        (&[("claims", "[]")], InvalidRequest),
        (&[("claims", "{")], InvalidRequest),
        (&[("scope", "openid"), ("scope", "openid")], InvalidRequest),
        (&[("unknown", "1"), ("unknown", "2")], InvalidRequest),
    ];
    for (changes, expected) in cases {
        let parameters = [with(changes), vec![("state", "s+ 1")]].concat();
        let Refusal::Answer { to, error, .. } = refusal(client(), parameters) else { panic!("shown locally: {changes:?}") };
        assert_eq!(error, *expected, "{changes:?}");
        assert_eq!(to.redirect_uri, REDIRECT_URI);
        assert_eq!(to.state.as_deref(), Some("s+ 1"));
    }
}

#[test]
fn security_9_a_repeated_state_is_not_echoed() {
    let Refusal::Answer { to, error, .. } = refusal(client(), with(&[("state", "a"), ("state", "b")])) else {
        panic!("shown locally")
    };
    assert_eq!((error, to.state), (OAuthErrorCode::InvalidRequest, None));
}

#[test]
fn security_19_state_has_at_most_two_kib() {
    let clients = clients(client());
    let longest = "s".repeat(MAX_STATE);
    assert_eq!(validate(&clients, with(&[("state", &longest)])).unwrap().return_to.state.as_deref(), Some(longest.as_str()));
    let longer = "s".repeat(MAX_STATE + 1);
    let Refusal::Answer { to, error, .. } = refusal(client(), with(&[("state", &longer)])) else { panic!("shown locally") };
    assert_eq!((error, to.state), (OAuthErrorCode::InvalidRequest, None));
}

#[test]
fn security_19_claims_within_bounds_have_no_effect() {
    let clients = clients(client());
    let plain = validate(&clients, with(&[])).unwrap();
    let claims = with(&[("claims", r#"{"id_token":{"email":{"essential":true}}}"#)]);
    assert_eq!(validate(&clients, claims).unwrap(), plain);
}

#[test]
fn security_7_response_mode_must_be_in_the_clients_list() {
    let clients = clients(client());
    let request = validate(&clients, with(&[("response_mode", "form_post")])).unwrap();
    assert_eq!(request.return_to.response_mode, ResponseMode::FormPost);
    let query_only = || Client { response_modes: vec![ResponseMode::Query], ..client() };
    assert_eq!(error(query_only(), with(&[("response_mode", "form_post")])), OAuthErrorCode::InvalidRequest);
    // A later error is sent in the requested mode.
    let Refusal::Answer { to, .. } = refusal(client(), with(&[("response_mode", "form_post"), ("scope", "")])) else {
        panic!("shown locally")
    };
    assert_eq!(to.response_mode, ResponseMode::FormPost);
}

#[test]
fn a_client_without_the_grant_is_unauthorized() {
    let service = Client { grant_types: vec![GrantType::ClientCredentials], ..client() };
    assert_eq!(error(service, with(&[])), OAuthErrorCode::UnauthorizedClient);
}

#[test]
fn scope_is_limited_to_what_the_client_may_request() {
    let asked = "openid email offline_access account phone";
    let scope = |client: Client, changes: &[(&'static str, &'static str)]| {
        let clients = clients(client);
        validate(&clients, with(&[&[("scope", asked)], changes].concat())).unwrap().scope.to_string()
    };
    assert_eq!(scope(client(), &[]), "account email offline_access openid");
    assert_eq!(scope(Client { first_party: false, ..client() }, &[]), "email offline_access openid");
    let no_refresh = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
    assert_eq!(scope(no_refresh, &[]), "account email openid");
    assert_eq!(scope(client(), &[("resource", "https://api.example")]), "email offline_access openid");
}

#[test]
fn security_5_a_confidential_client_may_omit_pkce_if_its_policy_allows_it() {
    let optional = Client { pkce: PkcePolicy::Optional, ..client() };
    let clients = clients(optional.clone());
    let without = validate(&clients, with(&[("code_challenge", ""), ("code_challenge_method", "")])).unwrap();
    assert_eq!(without.code_challenge, None);
    assert_eq!(error(optional, with(&[("code_challenge_method", "plain")])), OAuthErrorCode::InvalidRequest);
}

#[test]
fn security_11_max_age_is_read_in_seconds() {
    let clients = clients(client());
    for (text, expected) in [("0", 0), ("1", 1), ("10000", 10_000), ("99999999999999999999", 999_999_999)] {
        assert_eq!(validate(&clients, with(&[("max_age", text)])).unwrap().max_age, Some(Span::seconds(expected)), "{text}");
    }
}

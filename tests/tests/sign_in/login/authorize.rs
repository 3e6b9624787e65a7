//! Errors of an authorization request, and where they are shown (security 1–9, 15, 16, 19, 121).

use crate::login::{client_with, document, signed_in, world};
use http::{Method, StatusCode};
use latchkey_local::world::World;
use tests::{Anonymous, Browser, Customer, LogLines, OAuthClient};

/// Clients with every kind of redirect URI.
const CLIENTS: &str = r#"
[[clients]]
client_id = "native"
client_name = { en = "Native app" }
token_endpoint_auth_method = "none"
grant_types = ["authorization_code"]
redirect_uris = ["http://127.0.0.1/callback", "http://[::1]/callback"]
scope = "openid"

[[clients]]
client_id = "query-only"
client_name = { en = "Query only" }
token_endpoint_auth_method = "none"
grant_types = ["authorization_code"]
redirect_uris = ["https://query.example/callback?tab=1"]
response_modes = ["query"]
scope = "openid"

[[clients]]
client_id = "post-only"
client_name = { en = "Post only" }
token_endpoint_auth_method = "none"
grant_types = ["authorization_code"]
redirect_uris = ["https://post.example/callback"]
response_modes = ["form_post"]
allowed_origins = ["capacitor://localhost"]
scope = "openid"
"#;

async fn clients_world() -> World {
    World::builder().tenant("default", &document(CLIENTS)).build().await.expect("a world")
}

/// The URL of a request with changed parameters. An empty value removes a parameter.
fn changed(client: &OAuthClient, changes: &[(&str, &str)]) -> String {
    let url = url::Url::parse(&client.authorize_url(&[])).expect("an address");
    let kept = url.query_pairs().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).extend_pairs(changes.iter().filter(|(_, value)| !value.is_empty()));
    format!("/oauth2/authorize?{}", query.finish())
}

#[tokio::test]
async fn security_4_a_bad_client_or_redirect_uri_is_an_error_page_without_redirect() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    for changes in [
        &[("client_id", "")][..],
        &[("client_id", "unknown")],
        &[("client_id", "demo-app\u{1F600}")],
        &[("redirect_uri", "")],
        &[("redirect_uri", "https://evil.example/")],
        &[("redirect_uri", "javascript:alert(1)")],
        &[("redirect_uri", "//evil.example")],
        // The redirect URI of another client.
        &[("redirect_uri", "http://localhost:3000/callback")],
        // Other errors do not change this.
        &[("redirect_uri", "https://evil.example/"), ("response_type", "token"), ("prompt", "none")],
    ] {
        let page = browser.open(&changed(&client, changes)).await;
        assert_eq!(page.status(), 400, "{changes:?}");
        assert_eq!(page.header("location"), None, "{changes:?}");
    }
    // What was requested is shown as text: no link, no form and no header has it.
    let hostile = "https://evil.example/<script>alert(1)</script>\"onload=x";
    let page = browser.open(&changed(&client, &[("redirect_uri", hostile)])).await.expect(StatusCode::BAD_REQUEST);
    assert!(page.text().contains(&format!("redirect_uri is not registered for this client: {hostile}")), "{}", page.text());
    assert!(!page.html().contains("<script>alert") && !page.html().contains("=\"https://evil.example"), "{}", page.html());
    assert!(!page.header("content-security-policy").is_some_and(|policy| policy.contains("evil.example")));
}

#[tokio::test]
async fn security_4_8_every_other_error_is_answered_at_the_redirect_uri_with_state_and_iss() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    for (changes, error) in [
        (&[("response_type", "")][..], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("request", "eyJhbGciOiJub25lIn0.e30.")], "request_not_supported"),
        (&[("request_uri", "https://evil.example/r")], "request_uri_not_supported"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", "nothing-of-ours")], "invalid_scope"),
        (&[("prompt", "none consent")], "invalid_request"),
        (&[("prompt", "none")], "login_required"),
        (&[("max_age", "-5")], "invalid_request"),
        (&[("resource", "https://unknown.example")], "invalid_target"),
        (&[("claims", "[1]")], "invalid_request"),
        (&[("id_token_hint", "not.a.token"), ("prompt", "none")], "login_required"),
    ] {
        let page = browser.open(&changed(&client, changes)).await;
        assert!(page.url.starts_with(&format!("{}?", client.redirect_uri)), "{changes:?}: {} {}", page.url, page.text());
        assert_eq!(page.query("error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(page.query("state").as_deref(), Some("state-of-the-test"), "{changes:?}");
        assert_eq!(page.query("iss").as_deref(), Some(world.origin()), "{changes:?}");
        assert_eq!(page.query("code"), None, "{changes:?}");
    }
}

#[tokio::test]
async fn security_9_a_repeated_parameter_is_refused_however_it_is_spelled() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    let valid = changed(&client, &[]);
    for repeated in ["scope=openid", "sc%6fpe=openid", "nonce=x", "prompt=login&prompt=login", "unknown=1&unknown=1"] {
        let page = browser.open(&format!("{valid}&{repeated}")).await;
        assert_eq!(page.query("error").as_deref(), Some("invalid_request"), "{repeated}");
    }
    let page = browser.open(&format!("{valid}&state=another")).await;
    assert_eq!((page.query("error").as_deref(), page.query("state")), (Some("invalid_request"), None));
    for repeated in ["client_id=demo-app", "redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fdemo%2Fcallback"] {
        assert_eq!(browser.open(&format!("{valid}&{repeated}")).await.status(), 400, "{repeated}");
    }
}

#[tokio::test]
async fn security_2_a_loopback_redirect_uri_may_differ_only_in_the_port() {
    let world = clients_world().await;
    let client = |redirect_uri: &str| {
        client_with(OAuthClient::demo_app(&world), |client| {
            "native".clone_into(&mut client.client_id);
            redirect_uri.clone_into(&mut client.redirect_uri);
            "openid".clone_into(&mut client.scope);
        })
    };
    let customer = Customer::registered(&world, "Ada").await;
    for redirect_uri in ["http://127.0.0.1:49152/callback", "http://[::1]:8123/callback", "http://127.0.0.1/callback"] {
        let callback = client(redirect_uri).sign_in(&mut Browser::new(&world), &customer).await;
        assert!(callback.query("code").is_some(), "{redirect_uri}");
    }
    for redirect_uri in [
        "http://localhost:49152/callback",
        "http://localhost.evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:49152@evil.example/callback",
        "http://127.0.0.1:49152/callback/",
        "http://127.1:49152/callback",
        "https://127.0.0.1:49152/callback",
    ] {
        let page = Browser::new(&world).open(&client(redirect_uri).authorize_url(&[])).await;
        assert_eq!(page.status(), 400, "{redirect_uri}");
    }
}

#[tokio::test]
async fn security_7_form_post_escapes_state_and_may_post_to_the_client_only() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let state = r#""><script>alert(1)</script>&'"#;
    let url = changed(&client, &[("response_mode", "form_post"), ("state", state)]);
    let mut page = browser.open(&url).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    let form = page.form("#submit");
    assert_eq!((form.action.as_str(), form.method.as_str()), (client.redirect_uri.as_str(), "post"));
    let field = |name: &str| form.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    assert_eq!(field("state"), Some(state));
    assert_eq!(field("iss"), Some(world.origin()));
    assert!(!page.html().contains("<script>alert"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("'nonce-") && !policy.contains("form-action"), "a callback may redirect: {policy}");
    let redeemed = client.redeem(field("code").expect("a code")).await;
    assert_eq!(redeemed.status(), 200, "{}", redeemed.text());
}

#[tokio::test]
async fn security_7_a_client_gets_only_its_registered_response_modes() {
    let world = clients_world().await;
    let client = client_with(OAuthClient::demo_app(&world), |client| {
        "query-only".clone_into(&mut client.client_id);
        "https://query.example/callback?tab=1".clone_into(&mut client.redirect_uri);
        "openid".clone_into(&mut client.scope);
    });
    let page = Browser::new(&world).open(&changed(&client, &[("response_mode", "form_post")])).await;
    assert!(page.url.starts_with("https://query.example/callback?tab=1&error=invalid_request&"), "{}", page.url);
}

/// OpenID Connect Core §3.1.2.6: what the request is comes before how it is answered.
#[tokio::test]
async fn security_7_a_client_of_form_post_alone_learns_that_request_objects_are_not_supported() {
    let world = clients_world().await;
    let client = client_with(OAuthClient::demo_app(&world), |client| {
        "post-only".clone_into(&mut client.client_id);
        "https://post.example/callback".clone_into(&mut client.redirect_uri);
        "openid".clone_into(&mut client.scope);
    });
    for (changes, error) in [
        (&[("request", "eyJhbGciOiJub25lIn0.e30.")][..], "request_not_supported"),
        (&[("request", "eyJhbGciOiJub25lIn0.e30."), ("response_mode", "query")], "request_not_supported"),
        (&[("request_uri", "https://evil.example/r"), ("response_mode", "form_post")], "request_uri_not_supported"),
    ] {
        let page = Browser::new(&world).open(&changed(&client, changes)).await;
        let form = page.form("#submit");
        assert_eq!((form.action.as_str(), form.method.as_str()), (client.redirect_uri.as_str(), "post"), "{changes:?}");
        assert!(form.fields.contains(&("error".to_owned(), error.to_owned())), "{changes:?}: {:?}", form.fields);
    }
}

/// The log names a redirect URI that is not registered, so that an operator finds the mistake; never its query.
#[tokio::test]
async fn security_126_a_redirect_uri_that_is_not_registered_is_logged_without_its_query() {
    let (lines, _guard) = LogLines::of_this_thread();
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let unknown = "https://shop.example/Callback?email=ada@example.com#secret";
    drop(lines.take());
    Browser::new(&world).open(&changed(&client, &[("redirect_uri", unknown)])).await.expect(StatusCode::BAD_REQUEST);
    let log = lines.take();
    let line = log.lines().find(|line| line.contains("redirect_uri is not registered")).expect("a line");
    assert!(line.contains("https://shop.example/Callback") && line.contains("demo-app"), "{line}");
    assert!(!log.contains("ada@example.com") && !log.contains("#secret"), "{log}");
}

/// The origin of a web view is compared as text.
#[tokio::test]
async fn security_119_the_registered_origin_of_a_web_view_may_call_and_no_other_may() {
    let world = clients_world().await;
    for (origin, allowed) in [
        ("capacitor://localhost", Some("capacitor://localhost")),
        ("capacitor://localhost.evil.example", None),
        ("Capacitor://localhost", None),
        ("http://localhost", None),
    ] {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let answer = Anonymous::new(&world).send(Method::OPTIONS, "/oauth2/token", &headers, "").await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[tokio::test]
async fn security_16_a_posted_request_is_decided_like_one_by_get() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let api = Anonymous::new(&world);
    let customer = Customer::registered(&world, "Ada").await;
    for changes in [
        &[("client_id", "unknown")][..],
        &[("redirect_uri", "https://evil.example/")],
        &[("response_type", "token")],
        &[("scope", "nothing-of-ours")],
        &[("code_challenge_method", "plain")],
    ] {
        let url = changed(&client, changes);
        let query = url.split_once('?').expect("a query").1;
        let got = api.get(&url).await;
        let form = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://shop.example"),
        ];
        let posted = api.send(Method::POST, "/oauth2/authorize", &form, query.to_owned()).await;
        assert_eq!((got.status(), got.header("location")), (posted.status(), posted.header("location")), "{changes:?}");
    }
    // A valid request is stored, and leads through sign-in and consent to a code, for any length.
    let state = "s".repeat(2000);
    let url = changed(&client, &[("state", &state), ("prompt", "login")]);
    let query = url.split_once('?').expect("a query").1;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let posted = api.send(Method::POST, "/oauth2/authorize", &form, query.to_owned()).await;
    assert_eq!(posted.status(), 303);
    let mut browser = Browser::new(&world);
    let page = browser.open(posted.header("location").expect("a location")).await.expect(StatusCode::OK);
    let mut page = customer.sign_in(&mut browser, &page).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    assert_eq!(page.query("state").as_deref(), Some(state.as_str()));
    assert_eq!(client.redeem(&page.query("code").expect("a code")).await.status(), 200);
    // An hour later it has expired.
    world.advance(latchkey::domain::time::Span::minutes(60));
    let late = browser.open(posted.header("location").expect("a location")).await;
    assert_eq!(late.status(), 400);
}

#[tokio::test]
async fn security_19_state_is_echoed_byte_for_byte_and_unknown_parameters_are_ignored() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    let longest = "x".repeat(4096);
    for state in ["a b+c%20d&e=f#g", "\"'<>\\`{}", "äöü€😀", "\t\u{7f}", longest.as_str()] {
        let more = [("state", state), ("prompt", "none"), ("foo", "bar"), ("acr_values", "x"), ("ui_locales", "xx-invalid")];
        let page = browser.open(&changed(&client, &more)).await;
        assert_eq!(page.query("error").as_deref(), Some("login_required"), "{state}");
        assert_eq!(page.query("state").as_deref(), Some(state));
    }
    let longer = "x".repeat(4097);
    let page = browser.open(&changed(&client, &[("state", &longer)])).await;
    assert_eq!((page.query("error").as_deref(), page.query("state")), (Some("invalid_request"), None));
    for claims in [format!("{{\"a\":\"{}\"}}", "x".repeat(4096)), format!("{}1{}", "{\"a\":".repeat(9), "}".repeat(9))] {
        let page = browser.open(&changed(&client, &[("claims", &claims)])).await;
        assert_eq!(page.query("error").as_deref(), Some("invalid_request"));
    }
}

//! All journeys of users and applications over HTTP: at a gateway of its own, or at the site in `LATCHKEY_URL`, such as a
//! deployed stack (`tests/deploy`).
//!
//! `LATCHKEY_URL=http://localhost:8080 cargo test -p tests --test deployment black_box`
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use tests::{AccountClient, Anonymous, Browser, Customer, Gateway, OAuthClient, Site, journeys};

/// The site, and its gateway, which must live as long as the site.
async fn site() -> (Site, Option<Gateway>) {
    if let Some(site) = Site::from_env().await {
        return (site, None);
    }
    let gateway = Gateway::ephemeral(&[]);
    (Site::from(&gateway), Some(gateway))
}

/// A suffix for the users' names: a site that is not new already has users.
#[expect(clippy::disallowed_methods, reason = "a name for this run")]
fn name_suffix() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().to_string()
}

#[tokio::test]
async fn all_journeys_work() {
    let (site, _gateway) = site().await;
    journeys::run_all_journeys(&site, &name_suffix()).await;
}

#[tokio::test]
async fn a_closed_account_is_erased_by_the_schedule_and_its_address_is_free() {
    let (site, _gateway) = site().await;
    let leaver = Customer::new(&format!("Leaver{}", name_suffix()));
    let sub = leaver.register(&site).await;
    let me = AccountClient::new(&site, &leaver).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    assert_eq!(me.is_alive().await, (false, false));
    site.advance("P31D").await;
    let planned = site.run_job(&json!({ "job": "retention", "dry_run": true })).await;
    let done = site.run_job(&json!({ "job": "retention" })).await;
    assert!(done["rules"]["erasure"]["erased"].as_u64().unwrap() >= 1, "{done}");
    assert_eq!(done["rules"]["erasure"]["due"], planned["rules"]["erasure"]["due"], "the plan equals the run");
    assert_eq!(done["rules"]["erasure"]["stuck"], 0, "{done}");
    assert_ne!(leaver.register(&site).await, sub, "a freed address gets a new sub");
}

#[tokio::test]
async fn security_25_and_117_refusals_keep_their_headers_on_the_way_out() {
    let (site, _gateway) = site().await;
    let api = Anonymous::new(site.clone());
    let no_token = api.get("/userinfo").await;
    assert_eq!(no_token.status(), 401);
    assert!(no_token.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer")));
    let wrong = [("authorization", "Basic ZGVtby13ZWI6d3Jvbmc="), ("content-type", "application/x-www-form-urlencoded")];
    let wrong = api.send(http::Method::POST, "/oauth2/token", &wrong, "grant_type=client_credentials").await;
    assert_eq!((wrong.status(), wrong.json()["error"].as_str().unwrap()), (401, "invalid_client"));
    assert!(wrong.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic")));
    let nowhere = api.get("/no/such/place").await;
    assert_eq!(nowhere.status(), 404);
    let method = api.send(http::Method::DELETE, "/oauth2/token", &[], "").await;
    assert_eq!(method.status(), 405);
    for answer in [no_token, wrong, nowhere, method] {
        for header in ["strict-transport-security", "x-content-type-options", "content-security-policy", "referrer-policy"] {
            assert!(answer.header(header).is_some(), "{header} is missing on {}", answer.status());
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn security_115_and_53_no_header_changes_the_issuer_or_the_caller() {
    let (site, _gateway) = site().await;
    let hostile = [
        ("x-forwarded-host", "evil.test"),
        ("forwarded", "host=evil.test;proto=gopher;for=\"[::1\""),
        ("x-forwarded-for", "junk, 203.0.113.9,,"),
        ("x-forwarded-proto", "gopher"),
    ];
    let api = Anonymous::new(site.clone());
    let plain = api.get("/.well-known/openid-configuration").await;
    let asked = api.send(http::Method::GET, "/.well-known/openid-configuration", &hostile, "").await;
    assert_eq!((plain.text(), plain.json()["issuer"].as_str().unwrap()), (asked.text(), site.origin()));
    let customer = Customer::new(&format!("Hosted{}", name_suffix()));
    customer.register(&site).await;
    let mut browser = Browser::new(site.clone());
    browser.headers = hostile.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let page = browser.open("/recover").await;
    browser.submit(&page, "#submit", &[("identifier", &customer.email)]).await;
    let mail = site.mail_number(&customer.email, 2).await;
    assert!(mail.links.iter().all(|link| !link.contains("evil")), "{:?}", mail.links);
    assert!(mail.links.iter().any(|link| link.starts_with(site.origin())));
}

#[tokio::test]
async fn an_application_in_a_browser_gets_its_preflight_answered_by_the_function() {
    let (site, _gateway) = site().await;
    let api = Anonymous::new(site.clone());
    let asked = [("origin", site.origin()), ("access-control-request-method", "POST")];
    let answer = api.send(http::Method::OPTIONS, "/oauth2/token", &asked, "").await;
    assert!(answer.status() < 300, "{} {}", answer.status(), answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(site.origin()));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn tokens_verify_with_the_published_keys() {
    let (site, _gateway) = site().await;
    let token = OAuthClient::demo_service(site.clone()).client_credentials().await.tokens();
    let keys = Anonymous::new(site.clone()).get("/.well-known/jwks.json").await.json();
    let header = jsonwebtoken::decode_header(token.access()).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == json!(header.kid)).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    // What the scope of this client belongs to.
    rules.set_audience(&["https://orders.example.com"]);
    rules.set_issuer(&[site.origin()]);
    // The site's clock may have been moved.
    rules.validate_exp = false;
    jsonwebtoken::decode::<serde_json::Value>(token.access(), &key, &rules).unwrap();
}

//! Public routes: metadata, keys, health, problem pages, and unknown routes.

use http::Method;
use latchkey::domain::id::TenantId;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use std::collections::BTreeSet;
use tests::{Anonymous, OAuthClient, SignedInUser, World};

const HOSTILE: [(&str, &str); 5] = [
    ("host", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("forwarded", "host=evil.example;proto=https"),
    ("x-original-url", "https://evil.example/"),
];

#[tokio::test]
async fn security_53_metadata_is_made_from_configuration() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let api = Anonymous::new(&world);
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let plain = api.get(path).await;
        assert_eq!(plain.status(), 200);
        assert_eq!(plain.header("content-type"), Some("application/json"));
        let hostile = api.send(Method::GET, path, &HOSTILE, "").await;
        assert_eq!(plain.text(), hostile.text(), "{path}");
        let json = plain.json();
        assert_eq!(json["issuer"], "https://id.example.com", "byte for byte");
        for (name, value) in json.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                assert!(value.as_str().unwrap().starts_with("https://id.example.com/"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn metadata_lists_exactly_what_is_supported() {
    let world = World::new().await.unwrap();
    let api = Anonymous::new(&world);
    let json = api.get("/.well-known/openid-configuration").await.json();
    let set = |name: &str| -> BTreeSet<&str> { json[name].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect() };
    assert_eq!(set("response_types_supported"), BTreeSet::from(["code"]), "security 6");
    assert_eq!(set("code_challenge_methods_supported"), BTreeSet::from(["S256"]), "security 5");
    assert_eq!(
        set("grant_types_supported"),
        BTreeSet::from(["authorization_code", "client_credentials", "refresh_token"]),
        "security 26"
    );
    assert_eq!(set("id_token_signing_alg_values_supported"), BTreeSet::from(["ES256", "RS256"]), "those in use, and RS256");
    assert_eq!(json["authorization_response_iss_parameter_supported"], true, "security 8");
    assert_eq!(json["request_parameter_supported"], false, "security 15");
    assert_eq!(json["request_uri_parameter_supported"], false, "security 15");
    assert!(set("scopes_supported").is_superset(&BTreeSet::from(["openid", "offline_access", "orders.read"])));
    assert!(set("claims_supported").is_superset(&BTreeSet::from(["sub", "email", "customer_type"])));
    assert!(!set("scopes_supported").contains("address"), "no field of this form is a part of an address");
    // Every endpoint in the metadata exists.
    for (name, value) in json.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            assert_ne!(api.get(value.as_str().unwrap()).await.status(), 404, "{name}");
        }
    }
}

#[tokio::test]
async fn each_tenant_has_its_own_issuer_keys_and_metadata() {
    let world = World::builder().tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let api = Anonymous::new(&world);
    let issuer = format!("{}/t/acme", world.origin());
    let oidc = api.get("/t/acme/.well-known/openid-configuration").await.json();
    let rfc8414 = api.get("/.well-known/oauth-authorization-server/t/acme").await.json();
    assert_eq!(oidc, rfc8414);
    assert_eq!(oidc["issuer"], issuer);
    assert_eq!(oidc["token_endpoint"], format!("{issuer}/oauth2/token"));
    let keys = api.get("/.well-known/jwks.json").await.text().to_owned();
    assert_ne!(api.get("/t/acme/.well-known/jwks.json").await.text(), keys);
    for unknown in ["/t/unknown/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/t/unknown"] {
        assert_eq!(api.get(unknown).await.refusal(), (404, "not_found".to_owned()));
    }

    // Tokens of one tenant are invalid at another.
    let default = OAuthClient::demo_app(&world);
    let acme = OAuthClient { base: "/t/acme".to_owned(), ..default.clone() };
    let person = SignedInUser::new(&world).await;
    let code = person.code(&default).await;
    assert_eq!(acme.redeem(&code).await.refusal(), (400, "invalid_grant".to_owned()));
    let tokens = default.redeem(&code).await.tokens();
    assert_eq!(acme.refresh(tokens.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(acme.userinfo(tokens.access()).await.status(), 401);
    assert_eq!(default.refresh(tokens.refresh()).await.status(), 200, "and the token is still valid");
    let person = SignedInUser::of_tenant(&world, &"acme".parse::<TenantId>().unwrap()).await;
    let tokens = acme.redeem(&person.code(&acme).await).await.tokens();
    assert_eq!(tokens.access_claims()["iss"], issuer);
    assert_eq!(tokens.access_claims()["aud"], issuer);
    assert_eq!(acme.userinfo(tokens.access()).await.status(), 200);
    assert_eq!(default.userinfo(tokens.access()).await.status(), 401);
}

#[tokio::test]
async fn security_52_keys_are_public_members_only_and_cached_for_at_most_fifteen_minutes() {
    let world = World::new().await.unwrap();
    let api = Anonymous::new(&world);
    let answer = api.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=900"));
    assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
    let json = answer.json();
    let keys = json["keys"].as_array().unwrap();
    let algorithms: BTreeSet<&str> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    // Some verifiers refuse the whole set because of a key that they do not know.
    assert_eq!(algorithms, BTreeSet::from(["ES256", "RS256"]), "no client of this document uses EdDSA");
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(key.get(private), None, "{private}");
        }
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].as_str().is_some_and(|kid| kid.len() == 43), "a SHA-256 thumbprint");
    }
    let etag = answer.header("etag").unwrap();
    let again = api.send(Method::GET, "/.well-known/jwks.json", &[("if-none-match", etag)], "").await;
    assert_eq!((again.status(), again.text()), (304, ""));
    let other = api.send(Method::GET, "/.well-known/jwks.json", &[("if-none-match", "\"x\"")], "").await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn health_does_not_depend_on_other_services() {
    let world = World::new().await.unwrap();
    drop(world.meter.take());
    let answer = Anonymous::new(&world).get("/healthz").await;
    assert_eq!((answer.status(), answer.text()), (200, r#"{"status":"ok"}"#));
    assert!(world.meter.take().is_empty());
}

#[tokio::test]
async fn a_problem_links_to_a_page_that_explains_it() {
    let world = World::new().await.unwrap();
    let api = Anonymous::new(&world);
    let problem = api.get("/no/such/path").await;
    assert_eq!(problem.refusal(), (404, "not_found".to_owned()));
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    let page = api.get(problem.json()["type"].as_str().unwrap()).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("not_found"));
    for kind in latchkey::web::problem::ProblemKind::ALL {
        assert_eq!(api.get(&format!("/problems/{}", kind.code())).await.status(), 200, "{kind:?}");
    }
    assert_eq!(api.get("/problems/no_such_code").await.status(), 404);
}

#[tokio::test]
async fn security_117_an_unknown_route_is_answered_with_every_header() {
    let world = World::new().await.unwrap();
    let api = Anonymous::new(&world);
    let answers = [
        (404, api.get("/no/such/path").await),
        (404, api.get("/t/unknown/userinfo").await),
        (405, api.get("/oauth2/token").await),
        (405, api.send(Method::DELETE, "/userinfo", &[], "").await),
        (413, api.send(Method::POST, "/oauth2/token", &[], "x".repeat(65 * 1024)).await),
        (200, api.get("/healthz").await),
        (200, api.get("/.well-known/jwks.json").await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status(), status);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{status}");
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"), "{status}");
        assert!(answer.header("strict-transport-security").is_some(), "{status}");
    }
}

#[tokio::test]
async fn every_claim_of_userinfo_is_in_the_metadata() {
    let street = r#"
[[registration.fields]]
name = "street"
address = "street_address"

[[registration.terms]]"#;
    let document = DEFAULT_DOCUMENT.replacen("\n[[registration.terms]]", street, 1);
    let world = World::builder().tenant("default", &document).build().await.unwrap();
    let customer = tests::Customer::registered(&world, "Ada").await;
    let app = OAuthClient { scope: "openid profile email phone address".to_owned(), ..OAuthClient::demo_app(&world) };
    let tokens = app.tokens_for(&customer).await;
    let json = Anonymous::new(&world).get("/.well-known/openid-configuration").await.json();
    let supported: BTreeSet<&str> = json["claims_supported"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let userinfo = app.userinfo(tokens.access()).await.json();
    let id_token = tokens.id_claims();
    for (name, _) in userinfo.as_object().unwrap().iter().chain(id_token.as_object().unwrap()) {
        assert!(supported.contains(name.as_str()), "{name}");
    }
    assert!(supported.is_superset(&BTreeSet::from(["locale", "name", "phone_number_verified", "address"])));
    assert!(!supported.contains("street"), "a part of the claim address");
    assert!(json["scopes_supported"].as_array().unwrap().contains(&"address".into()));
    assert_eq!(userinfo["locale"], "en");
}

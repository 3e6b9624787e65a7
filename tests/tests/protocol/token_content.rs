//! What a token is for and what it contains: audiences by scope, introspection by resource servers, user claims in ID tokens.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::json;
use tests::anonymous::Answer;
use tests::{OAuthClient, SignedInUser, World};

const ORDERS: &str = "https://orders.example.com";

/// A resource server, and an application with its scope.
const CLIENTS: &str = r#"
[[clients]]
client_id = "orders-api"
client_secret = "the-secret-of-the-orders-api"
grant_types = ["client_credentials"]
scope = ""
introspection_resources = ["https://orders.example.com"]

[[clients]]
client_id = "reader"
first_party = true
token_endpoint_auth_method = "none"
redirect_uris = ["https://reader.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile email phone offline_access orders.read"
resources = ["https://orders.example.com"]
id_token_claims = ["email", "email_verified", "name", "phone_number_verified"]
refresh_retry = "PT0S"
"#;

async fn world() -> World {
    World::builder().tenant("default", &format!("{DEFAULT_DOCUMENT}\n{CLIENTS}")).build().await.unwrap()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.refusal(), (status, code.to_owned()), "{}", answer.text());
}

fn of_client(world: &World, client_id: &str, secret: Option<&str>, scope: &str) -> OAuthClient {
    let (client_id, secret) = (client_id.to_owned(), secret.map(str::to_owned));
    OAuthClient { client_id, secret, scope: scope.to_owned(), ..OAuthClient::demo_app(world) }
}

#[tokio::test]
async fn security_30_a_resource_server_introspects_tokens_for_it_and_no_others() {
    let world = world().await;
    let person = SignedInUser::new(&world).await;
    let api = of_client(&world, "orders-api", Some("the-secret-of-the-orders-api"), "");
    let reader = of_client(&world, "reader", None, "openid email offline_access orders.read");
    let redeem = async |resource: &[(&str, &str)]| {
        let code = person.code(&reader).await;
        let mut fields = vec![("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &reader.verifier)];
        fields.extend(resource);
        reader.token(&fields).await.tokens()
    };
    let orders = redeem(&[("resource", ORDERS)]).await;
    drop(world.meter.take());
    let answer = api.introspect(orders.access()).await.json();
    assert_eq!((&answer["active"], &answer["client_id"]), (&true.into(), &"reader".into()), "{answer}");
    assert_eq!((&answer["aud"], &answer["scope"]), (&ORDERS.into(), &"orders.read".into()));
    assert_eq!(answer.get("username"), None, "nothing beyond the token itself");
    let cost = world.meter.take_cost();
    assert_eq!((cost.requests, cost.own.read, cost.own.write), (1, 2.0, 0.0));
    let service = OAuthClient::demo_service(&world).client_credentials().await.tokens();
    assert_eq!(api.introspect(service.access()).await.json()["active"], true, "a token that a client got for itself");
    // Tokens for the issuer, and refresh tokens, are for others.
    let own = redeem(&[]).await;
    for token in [own.access(), own.refresh(), orders.refresh(), own.json["id_token"].as_str().unwrap(), "x"] {
        assert_eq!(api.introspect(token).await.json(), json!({ "active": false }));
    }
    // Another confidential client learns nothing, and a public one is refused.
    let web = OAuthClient::demo_web(&world);
    assert_eq!(web.introspect(orders.access()).await.json(), json!({ "active": false }));
    assert_refused(&reader.introspect(orders.access()).await, 401, "invalid_client");
    // A revoked token is not active any more.
    assert_eq!(reader.revoke(orders.access()).await.status(), 200);
    assert_eq!(api.introspect(orders.access()).await.json(), json!({ "active": false }));
}

#[tokio::test]
async fn a_refresh_that_is_narrowed_to_one_resource_is_for_it_and_has_no_id_token() {
    let world = world().await;
    let person = SignedInUser::new(&world).await;
    let reader = of_client(&world, "reader", None, "openid email offline_access orders.read");
    let first = reader.redeem(&person.code(&reader).await).await.tokens();
    assert_eq!(first.access_claims()["aud"], world.origin(), "the user's claims are here");
    let narrowed = async |token: &str, scope: &str| {
        reader.token(&[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]).await.tokens()
    };
    let orders = narrowed(first.refresh(), "orders.read").await;
    assert_eq!((&orders.access_claims()["aud"], &orders.json["scope"]), (&ORDERS.into(), &"orders.read".into()));
    assert_eq!(orders.json.get("id_token"), None);
    let email = narrowed(orders.refresh(), "email").await;
    assert_eq!((email.json.get("id_token"), &email.json["scope"]), (None, &"email".into()));
    let openid = narrowed(email.refresh(), "openid").await;
    assert!(openid.json.get("id_token").is_some());
    // This client has no retry window: the same token again is a reuse.
    let answer = reader.refresh(email.refresh()).await;
    assert_refused(&answer, 400, "invalid_grant");
    assert_refused(&reader.refresh(openid.refresh()).await, 400, "invalid_grant");
    // A token for a resource without any of its scope says so.
    let again = of_client(&world, "reader", None, "openid");
    let code = person.code(&again).await;
    let fields =
        [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &again.verifier), ("resource", ORDERS)];
    let unscoped = again.token(&fields).await.tokens();
    assert_eq!(unscoped.json["scope"], "", "stated, because it is not what was requested (RFC 6749 section 5.1)");
}

#[tokio::test]
async fn an_id_token_has_the_claims_that_the_client_registered_and_no_others() {
    let world = world().await;
    let person = SignedInUser::new(&world).await;
    let reader = of_client(&world, "reader", None, "openid profile email offline_access");
    let code = person.code(&reader).await;
    drop(world.meter.take());
    let tokens = reader.redeem(&code).await.tokens();
    assert_eq!(world.meter.take_cost().own.read, 5.0, "profile and data key are read too");
    let claims = tokens.id_claims();
    assert_eq!(
        (&claims["email"], &claims["email_verified"], &claims["name"]),
        (&"ada@example.com".into(), &true.into(), &"Ada Lovelace".into())
    );
    for absent in ["given_name", "updated_at", "phone_number", "phone_number_verified"] {
        assert_eq!(claims.get(absent), None, "{absent}: not registered, or not in the scope");
    }
    assert_eq!(claims["sub"], tokens.access_claims()["sub"]);
    let refreshed = reader.refresh(tokens.refresh()).await.tokens();
    assert_eq!(refreshed.id_claims()["email"], "ada@example.com");
    // Other clients read them at userinfo, where a phone number has `phone_number_verified: false`.
    let app = OAuthClient { scope: "openid profile email phone".to_owned(), ..OAuthClient::demo_app(&world) };
    let plain = app.redeem(&person.code(&app).await).await.tokens();
    assert_eq!(plain.id_claims().get("email"), None);
    let userinfo = app.userinfo(plain.access()).await.json();
    assert_eq!((&userinfo["name"], &userinfo["phone_number_verified"]), (&"Ada Lovelace".into(), &false.into()));
}

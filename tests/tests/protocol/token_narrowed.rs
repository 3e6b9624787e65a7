//! What was removed from a client, and what a refresh left out, is in no introspection and in no ID token.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::{Value, json};
use tests::store::put_document;
use tests::{OAuthClient, SignedInUser, World};

const ORDERS: &str = "https://orders.example.com";

/// A resource server, and a confidential application with its scope and with claims in its ID tokens.
const CLIENTS: &str = r#"
[[clients]]
client_id = "orders-api"
client_secret = "the-secret-of-the-orders-api"
grant_types = ["client_credentials"]
scope = ""
introspection_resources = ["https://orders.example.com"]

[[clients]]
client_id = "reader"
client_secret = "the-secret-of-the-reader"
first_party = true
redirect_uris = ["https://reader.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
scope = "{scope}"
resources = ["https://orders.example.com"]
id_token_claims = ["email", "email_verified", "name"]
"#;

fn document(scope: &str) -> String {
    format!("{DEFAULT_DOCUMENT}\n{}", CLIENTS.replace("{scope}", scope))
}

async fn world() -> World {
    World::builder().tenant("default", &document("openid profile email offline_access orders.read")).build().await.unwrap()
}

fn of_client(world: &World, client_id: &str, secret: &str, scope: &str) -> OAuthClient {
    let (client_id, secret) = (client_id.to_owned(), Some(secret.to_owned()));
    OAuthClient { client_id, secret, scope: scope.to_owned(), ..OAuthClient::demo_app(world) }
}

fn reader(world: &World, scope: &str) -> OAuthClient {
    of_client(world, "reader", "the-secret-of-the-reader", scope)
}

/// security 30, 36: a scope that was removed from the client is no longer in the introspection of tokens that were issued before, and a
/// token without any of its scope is not active: neither for the client nor for the resource server.
#[tokio::test]
async fn security_30_36_introspection_shows_the_scope_that_the_client_still_has() {
    let world = world().await;
    let person = SignedInUser::new(&world).await;
    let reader = reader(&world, "openid profile email offline_access orders.read");
    let api = of_client(&world, "orders-api", "the-secret-of-the-orders-api", "");
    let own = reader.redeem(&person.code(&reader).await).await.tokens();
    let code = person.code(&reader).await;
    let fields =
        [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &reader.verifier), ("resource", ORDERS)];
    let orders = reader.token(&fields).await.tokens();
    let scopes = async || {
        let mut found = Vec::new();
        for (client, token) in
            [(&reader, own.access()), (&reader, own.refresh()), (&reader, orders.access()), (&api, orders.access())]
        {
            found.push(client.introspect(token).await.json()["scope"].clone());
        }
        found
    };
    let whole = "email offline_access openid orders.read profile";
    assert_eq!(scopes().await, [whole, whole, "orders.read", "orders.read"]);
    put_document(&world, &document("openid offline_access orders.read")).await;
    assert_eq!(
        scopes().await,
        ["offline_access openid orders.read", "offline_access openid orders.read", "orders.read", "orders.read"]
    );
    put_document(&world, &document("openid email")).await;
    assert_eq!(scopes().await, [json!("email openid"), Value::Null, Value::Null, Value::Null]);
    for (client, token) in [(&reader, own.refresh()), (&reader, orders.access()), (&api, orders.access())] {
        assert_eq!(client.introspect(token).await.json(), json!({ "active": false }), "a refresh is refused as well");
    }
    assert_eq!(reader.refresh(own.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
}

/// security 35: the ID token of a narrowed refresh has the claims of the narrowed scope. The next one may have all of them again.
#[tokio::test]
async fn security_35_the_id_token_of_a_narrowed_refresh_has_the_claims_of_that_scope_only() {
    let world = world().await;
    let person = SignedInUser::new(&world).await;
    let reader = reader(&world, "openid profile email offline_access");
    let first = reader.redeem(&person.code(&reader).await).await.tokens();
    let (email, name) = (json!("ada@example.com"), json!("Ada Lovelace"));
    let mut token = first.refresh().to_owned();
    let cases = [
        ("openid", Value::Null, Value::Null),
        ("openid email", email.clone(), Value::Null),
        ("openid profile", Value::Null, name.clone()),
        ("openid profile email", email, name),
    ];
    for (scope, email, name) in cases {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)];
        let tokens = reader.token(&fields).await.tokens();
        let claims = tokens.id_claims();
        assert_eq!((&claims["email"], &claims["name"]), (&email, &name), "{scope}");
        assert_eq!(claims.get("email_verified").is_some(), !email.is_null(), "{scope}");
        token = tokens.refresh().to_owned();
    }
    // A scope that was removed from the client gives no claim either.
    put_document(&world, &document("openid profile offline_access")).await;
    let claims = reader.refresh(&token).await.tokens().id_claims();
    assert_eq!((claims.get("email"), &claims["name"]), (None, &json!("Ada Lovelace")));
}

//! `GET`, `PATCH /v1/me`.

use crate::self_service::{register_ada, world};
use http::Method;
use serde_json::{Value, json};
use tests::{AccountClient, Customer, OAuthClient};

#[tokio::test]
async fn a_user_reads_every_claim_and_edits_those_of_the_form() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let seen = me.get("/v1/me").await;
    assert_eq!(seen.status(), 200, "{}", seen.text());
    let claims = seen.json();
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(customer.email), &json!(true)));
    assert_eq!((&claims["given_name"], &claims["sub"]), (&json!("Ada"), &me.tokens.id_claims()["sub"]));
    let patched = me.patch("/v1/me", &json!({ "given_name": "Augusta", "newsletter": true })).await;
    assert_eq!(patched.status(), 200, "{}", patched.text());
    assert_eq!(patched.json()["given_name"], "Augusta");
    assert_eq!(me.get("/v1/me").await.json(), patched.json());
    assert_eq!(me.app().userinfo(me.tokens.access()).await.json()["given_name"], "Augusta");
    // security 118: caches store no personal data.
    assert_eq!(seen.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn security_108_no_route_sets_privileged_members() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    let before = me.get("/v1/me").await.json();
    for name in ["email", "email_verified", "sub", "updated_at", "locale", "roles", "userId", "tenant", "is_admin", "status"] {
        let refused = me.patch("/v1/me", &json!({ "given_name": "Eve", name: "x" })).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()), "{name}");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{name}"));
        for (path, body) in [
            ("/v1/me/password", json!({ "current_password": "a", "new_password": "b", name: "x" })),
            ("/v1/me/email/verification", json!({ "code": "x", name: "x" })),
        ] {
            let refused = me.post(path, &body).await.json();
            assert_eq!(refused["errors"][0]["code"], "unknown", "{path} {name}: {refused}");
        }
    }
    let refused = me.post("/v1/me/email", &json!({ "email": "x@example.com", "email_verified": true })).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(me.get("/v1/me").await.json(), before);
}

#[tokio::test]
async fn security_122_a_patch_is_one_object_of_the_right_type() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    for body in [json!([]), json!("x"), json!(null), json!(7)] {
        assert_eq!(me.patch("/v1/me", &body).await.status(), 400, "{body}");
    }
    let bearer = format!("Bearer {}", me.tokens.access());
    let send = |content_type: &'static str, body: &'static str| {
        let (api, bearer) = (me.app().api.clone(), bearer.clone());
        async move {
            let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
            api.send(Method::PATCH, "/v1/me", &headers, body).await.status()
        }
    };
    assert_eq!(send("application/merge-patch+json", r#"{"given_name":"Ada"}"#).await, 200);
    assert_eq!(send("text/plain", r#"{"given_name":"Ada"}"#).await, 415);
    assert_eq!(send("application/json", r#"{"given_name":"A","given_name":"B"}"#).await, 400);
}

#[tokio::test]
async fn an_edit_of_an_outdated_version_is_refused() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    let etag = me.get("/v1/me").await.header("etag").expect("an ETag").to_owned();
    let patch = |etag: String, name: &'static str| {
        let me = me.clone();
        async move { me.call(Method::PATCH, "/v1/me", &[("if-match", &etag)], Some(&json!({ "given_name": name }))).await }
    };
    let first = patch(etag.clone(), "First").await;
    assert_eq!(first.status(), 200, "{}", first.text());
    let second = patch(etag, "Second").await;
    assert_eq!(second.refusal(), (412, "precondition_failed".to_owned()));
    let now = first.header("etag").expect("an ETag").to_owned();
    assert_eq!(patch(now.clone(), "First").await.header("etag"), Some(now.as_str()), "no change, no write");
    assert_eq!(patch("*".to_owned(), "Third").await.status(), 200);
    assert_eq!(patch(format!("W/{now}"), "Weak").await.status(), 412, "If-Match compares strongly (RFC 9110)");
}

#[tokio::test]
async fn a_token_without_the_account_scope_is_refused() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let without = OAuthClient::demo_app(&world).tokens_for(&customer).await;
    let refused = me.app().api.get_as("/v1/me", without.access()).await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"account\""), "{challenge}");
    let none = me.app().api.get("/v1/me").await;
    assert_eq!((none.status(), none.text(), none.header("www-authenticate")), (401, "", Some("Bearer")), "only the challenge");
    assert_eq!(me.app().api.get_as("/v1/me", "garbage").await.refusal(), (401, "invalid_token".to_owned()));
    // A token for a resource server never carries `account` (RFC 8707).
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", me.tokens.refresh()), ("resource", "https://orders.example.com")];
    let narrowed = me.app().token(&refresh).await.json();
    if let Some(token) = narrowed["access_token"].as_str() {
        assert_ne!(me.app().api.get_as("/v1/me", token).await.status(), 200);
    }
}

/// security 119: only the origins of the token's client may read the answer, also a refusal.
#[tokio::test]
async fn an_answer_is_readable_only_for_origins_of_the_tokens_client() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    let origin = world.origin().to_owned();
    for (sent, readable) in [(origin.as_str(), true), ("http://localhost:3000", false), ("https://evil.example", false)] {
        for body in [json!({}), json!({ "roles": 1 })] {
            let answer = me.call(Method::PATCH, "/v1/me", &[("origin", sent)], Some(&body)).await;
            assert_eq!(answer.header("access-control-allow-origin").is_some(), readable, "{sent} {}", answer.text());
        }
    }
    // The holder of an expired token must be able to read the refusal. Pages of other origins read nothing.
    for (sent, readable) in [(origin.as_str(), true), ("https://evil.example", false)] {
        let headers = [("origin", sent), ("authorization", "Bearer expired")];
        let refused = me.client.api.send(Method::GET, "/v1/me", &headers, "").await;
        assert_eq!((refused.status(), refused.header("access-control-allow-origin").is_some()), (401, readable));
    }
    let preflight = [("origin", origin.as_str()), ("access-control-request-method", "PATCH")];
    assert_eq!(me.app().api.send(Method::OPTIONS, "/v1/me", &preflight, "").await.status(), 204);
}

#[tokio::test]
async fn users_see_only_their_own_account() {
    let world = world().await;
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let (ada, bob) = (AccountClient::new(&world, &ada).await, AccountClient::new(&world, &bob).await);
    let sid = |me: Value| me["sessions"][0]["sid"].as_str().expect("a session").to_owned();
    let (of_ada, of_bob) = (sid(ada.get("/v1/me/sessions").await.json()), sid(bob.get("/v1/me/sessions").await.json()));
    assert_eq!(ada.delete(&format!("/v1/me/sessions/{of_bob}")).await.status(), 404);
    assert_eq!(bob.get("/v1/me/sessions").await.json()["sessions"][0]["sid"], of_bob);
    assert_eq!(ada.delete(&format!("/v1/me/sessions/{of_ada}")).await.status(), 204);
    assert_eq!(bob.get("/v1/me").await.json()["given_name"], "Bob");
}

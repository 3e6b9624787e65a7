//! What an access token opens at Latchkey itself: userinfo, introspection, revocation. And what is refused in its place.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use data_encoding::BASE64URL_NOPAD;
use http::Method;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::time::Span;
use serde_json::{Value, json};
use tests::anonymous::Answer;
use tests::{Anonymous, OAuthClient, SignedInUser, Tokens, World};

async fn signed_in(world: &World, client: &OAuthClient) -> (SignedInUser, Tokens) {
    let person = SignedInUser::new(world).await;
    let tokens = client.redeem(&person.code(client).await).await.tokens();
    (person, tokens)
}

#[track_caller]
fn assert_no_token(answer: &Answer) {
    assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()), "{}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer"), "{challenge}");
}

/// RFC 6750 §3.1: a request without a token is told of no error, in no place.
#[track_caller]
fn assert_only_challenge(answer: &Answer) {
    assert_eq!((answer.status(), answer.text()), (401, ""));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.header("cache-control"), Some("no-store"), "security 24");
}

#[tokio::test]
async fn userinfo_gives_what_the_scope_gives() {
    let world = World::new().await.unwrap();
    let cases = [
        ("openid", json!({})),
        ("openid email", json!({"email": "ada@example.com", "email_verified": true})),
        ("openid phone", json!({"phone_number": "+4930123456", "phone_number_verified": false})),
        ("openid address", json!({})),
        (
            "openid profile",
            json!({"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "customer_type": "private",
            "updated_at": world.services.clock.now().seconds()}),
        ),
    ];
    for (scope, mut expected) in cases {
        let client = OAuthClient { scope: scope.to_owned(), ..OAuthClient::demo_app(&world) };
        let (person, tokens) = signed_in(&world, &client).await;
        expected["sub"] = Value::from(person.sub());
        let answer = client.userinfo(tokens.access()).await;
        assert_eq!(answer.json(), expected, "{scope}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "security 24");
        assert_eq!(tokens.id_claims()["sub"], person.sub(), "security 29: the same");
    }
}

#[tokio::test]
async fn security_29_userinfo_takes_its_token_from_header_or_body_and_never_from_the_query() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    let api = Anonymous::new(&world);
    let bearer = format!("Bearer {}", tokens.access());
    let in_body = format!("access_token={}", tokens.access());
    let in_query = format!("/userinfo?access_token={}", tokens.access());
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    for method in [Method::GET, Method::POST] {
        assert_eq!(api.send(method, "/userinfo", &[("authorization", &bearer)], "").await.status(), 200);
    }
    assert_eq!(api.send(Method::POST, "/userinfo", &[FORM], in_body.clone()).await.status(), 200);
    for method in [Method::GET, Method::POST] {
        assert_only_challenge(&api.send(method, &in_query, &[], "").await);
    }
    assert_only_challenge(&api.send(Method::GET, "/userinfo", &[FORM], in_body.clone()).await);
    for path in ["/userinfo", "/v1/me", "/v1/me/sessions"] {
        assert_only_challenge(&api.get(path).await);
        // Another scheme is no bearer token.
        assert_only_challenge(&api.send(Method::GET, path, &[("authorization", "Basic YTpi")], "").await);
    }
    assert_only_challenge(&api.send(Method::POST, "/v1/me/password", &[("content-type", "application/json")], "{}").await);
    let both = api.send(Method::POST, "/userinfo", &[FORM, ("authorization", &bearer)], in_body).await;
    assert_eq!(both.refusal(), (400, "invalid_request".to_owned()));

    for other in [tokens.json["id_token"].as_str().unwrap(), tokens.refresh(), "", "x", "a.b.c"] {
        assert_no_token(&client.userinfo(other).await);
    }
    let plain = OAuthClient { scope: "email".to_owned(), ..client };
    let (_, tokens) = signed_in(&world, &plain).await;
    let answer = plain.userinfo(tokens.access()).await;
    assert_eq!(answer.refusal(), (403, "insufficient_scope".to_owned()));
    assert!(answer.header("www-authenticate").unwrap().contains(r#"scope="openid""#));
}

#[tokio::test]
async fn an_access_token_ends_with_its_lifetime_grant_session_and_account() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    world.advance(Span::millis(599_999));
    assert_eq!(client.userinfo(tokens.access()).await.status(), 200);
    world.advance(Span::millis(1));
    assert_no_token(&client.userinfo(tokens.access()).await);

    let (mut person, tokens) = signed_in(&world, &client).await;
    person.update_authentication(|a| a.epoch += 1).await;
    assert_no_token(&client.userinfo(tokens.access()).await);

    let (mut person, tokens) = signed_in(&world, &client).await;
    let since = world.services.clock.now();
    person.update_authentication(|a| a.status = AccountStatus::Disabled { since }).await;
    assert_no_token(&client.userinfo(tokens.access()).await);
}

#[tokio::test]
async fn security_30_a_client_introspects_its_own_tokens_only() {
    let world = World::new().await.unwrap();
    let (web, app) = (OAuthClient::demo_web(&world), OAuthClient::demo_app(&world));
    let (person, tokens) = signed_in(&world, &web).await;
    let now = world.services.clock.now().seconds();
    let access = web.introspect(tokens.access()).await.json();
    assert_eq!(access["active"], true);
    assert_eq!(access["token_type"], "Bearer");
    assert_eq!((&access["sub"], &access["client_id"]), (&json!(person.sub()), &json!("demo-web")));
    assert_eq!((&access["exp"], &access["iat"]), (&json!(now + 600), &json!(now)));
    assert_eq!((&access["iss"], &access["aud"]), (&json!(world.origin()), &json!(world.origin())));
    assert_eq!(access["scope"], "email openid profile");
    assert_eq!(access.get("lk"), None, "the locator is private");
    let refresh = web.introspect(tokens.refresh()).await.json();
    assert_eq!(refresh["active"], true);
    assert_eq!(refresh["sub"], person.sub());
    assert_eq!(refresh.get("token_type"), None);

    let (_, foreign) = signed_in(&world, &app).await;
    let inactive = json!({"active": false});
    let id_token = tokens.json["id_token"].as_str().unwrap();
    for token in [foreign.access(), foreign.refresh(), id_token, "x", "a.b.c"] {
        assert_eq!(web.introspect(token).await.json(), inactive);
    }
    assert_eq!(app.refresh(foreign.refresh()).await.status(), 200, "introspection is not a use of the token");
    // A public client is not authenticated.
    assert_eq!(app.introspect(foreign.access()).await.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(web.post("/oauth2/introspect", &[]).await.refusal(), (400, "invalid_request".to_owned()));

    let rotated = web.refresh(tokens.refresh()).await.tokens();
    assert_eq!(web.introspect(tokens.refresh()).await.json(), inactive, "spent");
    assert_eq!(web.introspect(rotated.refresh()).await.json()["active"], true);
    world.advance(Span::minutes(10));
    assert_eq!(web.introspect(tokens.access()).await.json(), inactive, "expired");
    assert_eq!(web.introspect(rotated.refresh()).await.json()["active"], true);
}

#[tokio::test]
async fn security_30_revoking_a_refresh_token_ends_its_grant() {
    let world = World::new().await.unwrap();
    for client in [OAuthClient::demo_web(&world), OAuthClient::demo_app(&world)] {
        let (_, tokens) = signed_in(&world, &client).await;
        let live = client.refresh(tokens.refresh()).await.tokens();
        let answer = client.revoke(live.refresh()).await;
        assert_eq!((answer.status(), answer.text()), (200, ""));
        assert_no_token(&client.userinfo(tokens.access()).await);
        assert_no_token(&client.userinfo(live.access()).await);
        assert_eq!(client.refresh(live.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
        assert_eq!(client.revoke(live.refresh()).await.status(), 200, "again");
    }
}

#[tokio::test]
async fn security_30_revoking_an_access_token_ends_only_that_token() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_web(&world);
    let (_, first) = signed_in(&world, &client).await;
    let second = client.refresh(first.refresh()).await.tokens();
    assert_eq!(client.revoke(first.access()).await.status(), 200);
    assert_eq!(client.revoke(first.access()).await.status(), 200, "again");
    assert_no_token(&client.userinfo(first.access()).await);
    assert_eq!(client.introspect(first.access()).await.json(), json!({"active": false}));
    assert_eq!(client.userinfo(second.access()).await.status(), 200);
    assert_eq!(client.refresh(second.refresh()).await.status(), 200);
}

#[tokio::test]
async fn security_30_revoking_a_token_that_has_no_grant_ends_it() {
    let world = World::new().await.unwrap();
    let service = OAuthClient::demo_service(&world);
    let (first, second) = (service.client_credentials().await.tokens(), service.client_credentials().await.tokens());
    assert_eq!(service.introspect(first.access()).await.json()["active"], true);
    assert_eq!(OAuthClient::demo_web(&world).revoke(first.access()).await.status(), 200, "another client's token");
    assert_eq!(service.introspect(first.access()).await.json()["active"], true);
    for _ in 0..2 {
        assert_eq!(service.revoke(first.access()).await.status(), 200);
        assert_eq!(service.introspect(first.access()).await.json(), json!({"active": false}));
    }
    assert_eq!(service.introspect(second.access()).await.json()["active"], true);
}

#[tokio::test]
async fn security_30_a_foreign_or_unknown_token_is_answered_200_and_nothing_happens() {
    let world = World::new().await.unwrap();
    let (web, app) = (OAuthClient::demo_web(&world), OAuthClient::demo_app(&world));
    let (_, tokens) = signed_in(&world, &app).await;
    let person = SignedInUser::new(&world).await;
    let code = person.code(&web).await;
    for token in [tokens.access(), tokens.refresh(), &code, "x", "a.b.c", tokens.json["id_token"].as_str().unwrap()] {
        let answer = web.revoke(token).await;
        assert_eq!((answer.status(), answer.text()), (200, ""));
    }
    assert_eq!(app.userinfo(tokens.access()).await.status(), 200);
    assert_eq!(app.refresh(tokens.refresh()).await.status(), 200);
    assert_eq!(web.redeem(&code).await.status(), 200);
    assert_eq!(web.post("/oauth2/revoke", &[]).await.refusal(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn security_44_45_46_47_a_tampered_token_is_refused() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    let good = tokens.access();
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let text_of = |part: &str| String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
    let with_header = |change: &dyn Fn(&str) -> String| format!("{}.{payload}.{signature}", encode(&change(&text_of(header))));
    let with_payload = |change: &dyn Fn(&str) -> String| format!("{header}.{}.{signature}", encode(&change(&text_of(payload))));
    let replace = |from: &'static str, to: &'static str| {
        move |text: &str| {
            assert!(text.contains(from), "{from} in {text}");
            text.replacen(from, to, 1)
        }
    };
    let mut forged = vec![
        // 44
        format!("{}.{payload}.", encode(r#"{"alg":"none"}"#)),
        format!("{}.{payload}.", encode(r#"{"alg":"none","typ":"at+jwt"}"#)),
        with_header(&replace("ES256", "none")),
        with_header(&replace("ES256", "nOnE")),
        with_header(&replace("ES256", "HS256")),
        with_header(&replace("ES256", "es256")),
        with_header(&replace("ES256", "RS256")),
        // 45
        with_header(&replace("{", r#"{"jku":"https://evil.example/jwks.json","#)),
        with_header(&replace("{", r#"{"x5u":"https://evil.example/","#)),
        with_header(&replace("{", r#"{"jwk":{"kty":"oct","k":"AA"},"#)),
        with_header(&replace("{", r#"{"crit":["exp"],"#)),
        with_header(&replace("at+jwt", "JWT")),
        with_header(&replace("at+jwt", "application/at+jwt")),
        // 46: the signature is wrong, for any claims
        with_payload(&replace(r#""exp":"#, r#""exp":1"#)),
        with_payload(&replace("{", r#"{"x":1,"#)),
        // 47
        format!("{good}="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}."),
        format!("{good}.x"),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!("{header}=.{payload}.{signature}"),
        good.to_ascii_uppercase(),
    ];
    forged.extend((1..good.len()).step_by(41).map(|i| good[..i].to_owned()));
    forged.extend((0..signature.len()).step_by(11).map(|i| {
        let other = if &signature[i..=i] == "A" { "B" } else { "A" };
        format!("{header}.{payload}.{}{other}{}", &signature[..i], &signature[i + 1..])
    }));
    for token in &forged {
        let answer = client
            .api
            .send(
                Method::POST,
                "/userinfo",
                &[("content-type", "application/x-www-form-urlencoded")],
                url::form_urlencoded::Serializer::new(String::new()).append_pair("access_token", token).finish(),
            )
            .await;
        assert_no_token(&answer);
    }
    assert_eq!(client.userinfo(good).await.status(), 200);
}

#[tokio::test]
async fn security_46_signed_claims_of_a_wrong_type_are_refused() {
    // Signed with our own key, so that only the claims decide.
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    let tenant = world.services.tenant(&latchkey::domain::id::TenantId::default_tenant()).await.unwrap();
    let sign = async |claims: &Value| {
        let algorithm = latchkey::domain::oauth::client::SigningAlgorithm::ES256;
        tenant.keys.signing().unwrap().sign(algorithm, "at+jwt", claims).await.unwrap()
    };
    let good = tokens.access_claims();
    assert_eq!(client.userinfo(&sign(&good).await).await.status(), 200, "the unchanged claims are accepted");
    let now = world.services.clock.now().seconds();
    let wrong = [
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!([now + 600])),
        ("exp", Value::Null),
        ("exp", json!(now)),
        ("iat", json!("now")),
        ("iat", json!(now + 61)),
        ("aud", json!([world.origin()])),
        ("aud", json!("https://orders.example.com")),
        ("aud", json!("demo-app")),
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{}/", world.origin()))),
        ("sub", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("client_id", json!("demo-web")),
        ("jti", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("lk", json!("AAAA")),
        ("lk", Value::Null),
    ];
    for (name, value) in wrong {
        let mut claims = good.clone();
        claims[name] = value.clone();
        assert_no_token(&client.userinfo(&sign(&claims).await).await);
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        assert_no_token(&client.userinfo(&sign(&claims).await).await);
    }
}

#[tokio::test]
async fn security_48_no_token_is_accepted_in_place_of_another() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_web(&world);
    let (person, tokens) = signed_in(&world, &client).await;
    let code = person.code(&client).await;
    let id_token = tokens.json["id_token"].as_str().unwrap();
    let all = [("access", tokens.access()), ("id", id_token), ("refresh", tokens.refresh()), ("code", &code)];
    for (kind, token) in all {
        if kind != "access" {
            assert_no_token(&client.userinfo(token).await);
        }
        if kind != "refresh" {
            assert_eq!(client.refresh(token).await.refusal(), (400, "invalid_grant".to_owned()), "{kind}");
        }
        if kind != "code" {
            assert_eq!(client.redeem(token).await.refusal(), (400, "invalid_grant".to_owned()), "{kind}");
        }
        let active = client.introspect(token).await.json()["active"] == true;
        assert_eq!(active, matches!(kind, "access" | "refresh"), "{kind}");
    }
    assert_eq!(client.redeem(&code).await.status(), 200, "the code is still valid");
}

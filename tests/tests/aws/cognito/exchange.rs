//! Applications that move one by one: an access token of the pool becomes tokens of ours (RFC 8693), for whom it may and for nobody else.

use crate::cognito::recovery::recover;
use crate::cognito::{SUB, pool_and_world, try_password, user};
use http::{Method, StatusCode};
use latchkey::domain::directory::ComingPassword;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, When};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::anonymous::Answer;
use tests::brought::bring_over;
use tests::me::Me;
use tests::pool_key::{APPLICATIONS, PoolKey, access_claims};
use tests::user_pool::{CLIENT_ID, Mode, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Customer, OAuthClient};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const THEIRS: &str = "c4ca4238-a0b9-4382-8dcc-509a6f75849b";

/// A pool whose one user has come over, and an application that holds their tokens.
struct Moving {
    pool: UserPool,
    key: PoolKey,
    world: World,
    customer: Customer,
    app: OAuthClient,
}

impl Moving {
    async fn new() -> Self {
        let (pool, customer, key) = (UserPool::default(), Customer::new("Ada"), PoolKey::new("one"));
        pool.put(user(&customer));
        pool.publish(&[&key]);
        let world = World::builder()
            .tenant("default", &document(POOL_ID, CLIENT_ID, APPLICATIONS))
            .directory(pool.directory())
            .former_keys(pool.former_keys())
            .build()
            .await
            .expect("a world");
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        page.expect(StatusCode::OK);
        let app = OAuthClient { client_id: "shop".to_owned(), ..OAuthClient::demo_app(&world) };
        Self { pool, key, world, customer, app }
    }
    fn claims(&self) -> Value {
        access_claims(SUB, self.world.services.clock.now())
    }
    /// Somebody of the pool who has not come, and what it says of them.
    fn somebody_else(&self, name: &str) -> (Customer, Value) {
        let later = Customer::new(name);
        self.pool.put(PoolUser::confirmed(&later.email, &later.password, THEIRS));
        let mut claims = self.claims();
        claims["sub"] = json!(THEIRS);
        (later, claims)
    }
    fn token(&self) -> String {
        self.key.sign(&self.claims())
    }
    async fn exchange(&self, token: &str) -> Answer {
        self.ask(&self.app, token, &[]).await
    }
    async fn ask(&self, app: &OAuthClient, token: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
        fields.extend(more);
        app.token(&fields).await
    }
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[tokio::test]
async fn a_token_of_the_pool_becomes_tokens_of_ours_and_goes_on_as_they_do() {
    let moving = Moving::new().await;
    let answer = moving.exchange(&moving.token()).await;
    // security 24
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.tokens();
    assert_eq!(tokens.json["issued_token_type"], ACCESS_TOKEN, "RFC 8693 section 2.2.1");
    assert_eq!((&tokens.json["token_type"], &tokens.json["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(tokens.json["scope"], "account email offline_access openid orders.read profile", "all that the client may have");
    let (access, id) = (tokens.access_claims(), tokens.id_claims());
    assert_eq!((&access["client_id"], &access["aud"]), (&json!("shop"), &json!(moving.world.origin())));
    assert_eq!(id["auth_time"], moving.claims()["auth_time"], "they proved who they are there, then");
    assert_eq!((id.get("amr"), id.get("nonce"), access.get("amr")), (None, None, None), "how, the token does not say");
    let userinfo = moving.app.userinfo(tokens.access()).await.json();
    assert_eq!(
        (&userinfo["email"], &userinfo["given_name"]),
        (&json!(moving.customer.email), &json!(moving.customer.given_name))
    );
    assert_eq!(userinfo["sub"], access["sub"]);
    // The same person as at a sign-in here.
    let demo = OAuthClient::demo_app(&moving.world).tokens_for(&moving.customer).await;
    assert_eq!(demo.access_claims()["sub"], access["sub"]);
    let next = moving.app.refresh(tokens.refresh()).await.tokens();
    assert_eq!(next.access_claims()["sub"], access["sub"]);
    assert_eq!(next.json.get("issued_token_type"), None);
    assert_eq!(moving.app.introspect(next.access()).await.status(), 401, "a public client introspects nothing");
    assert_eq!((moving.pool.take_asked("jwks"), moving.pool.take_asked("AdminGetUser")), (1, 1), "the keys; the coming");
}

#[tokio::test]
async fn what_is_asked_for_is_given_and_no_more() {
    let moving = Moving::new().await;
    let narrow = moving.ask(&moving.app, &moving.token(), &[("scope", "openid email")]).await.tokens();
    assert_eq!(narrow.json["scope"], "email openid");
    let orders = [("resource", "https://orders.example.com")];
    let tokens = moving.ask(&moving.app, &moving.token(), &orders).await.tokens();
    assert_eq!(tokens.access_claims()["aud"], "https://orders.example.com");
    assert_eq!(tokens.json["scope"], "orders.read", "security 27: nothing of the person's own for a resource");
    let kiosk = OAuthClient { client_id: "kiosk".to_owned(), ..moving.app.clone() };
    assert_eq!(
        moving.ask(&kiosk, &moving.token(), &[]).await.refusal(),
        refused("unauthorized_client"),
        "it took no app client's place"
    );
    let cases: [(&str, &str, &str); 8] = [
        ("scope", "openid orders.write", "invalid_scope"),
        ("scope", "bad\"scope", "invalid_scope"),
        ("resource", "https://nobody.example", "invalid_target"),
        ("audience", "orders", "invalid_target"),
        ("actor_token", "x", "invalid_request"),
        ("actor_token_type", ACCESS_TOKEN, "invalid_request"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request"),
        ("subject_token", "twice", "invalid_request"),
    ];
    for (name, value, code) in cases {
        let answer = moving.ask(&moving.app, &moving.token(), &[(name, value)]).await;
        assert_eq!(answer.refusal(), refused(code), "{name}={value}: {}", answer.text());
    }
    let token = moving.token();
    let incomplete: [&[(&str, &str)]; 3] = [
        &[("subject_token", &token)],
        &[("subject_token_type", ACCESS_TOKEN)],
        &[("subject_token", &token), ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")],
    ];
    for fields in incomplete {
        let fields: Vec<_> = [("grant_type", EXCHANGE)].into_iter().chain(fields.iter().copied()).collect();
        assert_eq!(moving.app.token(&fields).await.refusal(), refused("invalid_request"), "{fields:?}");
    }
}

/// security 44-48, at the one place where tokens of another's making are read.
#[tokio::test]
async fn security_44_only_a_genuine_access_token_in_force_of_this_very_pool_and_app_client_counts() {
    let moving = Moving::new().await;
    let (good, stranger) = (moving.claims(), PoolKey::new("one"));
    let now = moving.world.services.clock.now().seconds();
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        moving.key.sign(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("claims").remove(name);
        moving.key.sign(&claims)
    };
    let header = |header: Value| moving.key.sign_as(&header, &good);
    let other_pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other";
    let whole = moving.token();
    let tokens = [
        ("an ID token", with("token_use", json!("id"))),
        ("without token_use", without("token_use")),
        ("another pool's", with("iss", json!(other_pool))),
        ("our own issuer", with("iss", json!(moving.world.origin()))),
        ("without issuer", without("iss")),
        ("another app client's", with("client_id", json!("1other2app3client"))),
        ("without app client", without("client_id")),
        ("a subject that nobody here has", with("sub", json!("0cc175b9-c0f1-4b6a-a312-59d5f2f3a5a1"))),
        ("an empty subject", with("sub", json!(""))),
        ("without subject", without("sub")),
        ("without auth_time", without("auth_time")),
        ("over", with("exp", json!(now - 61))),
        ("without an end", without("exp")),
        ("not yet", with("iat", json!(now + 61))),
        ("another's key of that name", stranger.sign(&good)),
        ("an unknown key", header(json!({ "kid": "two", "alg": "RS256" }))),
        ("no key", header(json!({ "alg": "RS256" }))),
        ("another algorithm", header(json!({ "kid": "one", "alg": "RS512" }))),
        ("by a shared secret", header(json!({ "kid": "one", "alg": "HS256" }))),
        ("not signed", header(json!({ "kid": "one", "alg": "none" }))),
        ("a key that it brings itself", header(json!({ "kid": "one", "alg": "RS256", "jku": "https://evil.example" }))),
        ("cut off", whole[..whole.len() - 1].to_owned()),
        ("of ours", moving.exchange(&whole).await.tokens().access().to_owned()),
        ("no token", "x".to_owned()),
    ];
    for (what, token) in tokens {
        let answer = moving.exchange(&token).await;
        assert_eq!(answer.refusal(), refused("invalid_request"), "{what}: {} (RFC 8693 section 2.2.2)", answer.text());
    }
    // Within the leeway for the pool's clock.
    for token in [with("exp", json!(now - 59)), with("iat", json!(now + 59))] {
        assert_eq!(moving.exchange(&token).await.status(), 200);
    }
}

#[tokio::test]
async fn who_has_not_come_or_is_gone_gets_nothing() {
    let moving = Moving::new().await;
    let (later, claims) = moving.somebody_else("Bob");
    let token = moving.key.sign(&claims);
    let answer = moving.exchange(&token).await;
    assert_eq!(answer.refusal(), refused("invalid_request"));
    assert!(answer.text().contains("let them sign in once"), "{}", answer.text());
    try_password(&mut Browser::new(&moving.world), &later.email, &later.password).await.expect(StatusCode::OK);
    assert_eq!(moving.exchange(&token).await.status(), 200, "from then on it is taken");
    // An account that closes keeps nothing open, and opens to nobody.
    let tokens = moving.exchange(&moving.token()).await.tokens();
    let closed = Me::of(&moving.world, &moving.customer).await.delete("/v1/me").await;
    assert_eq!(closed.status(), 202, "{}", closed.text());
    assert_eq!(moving.app.refresh(tokens.refresh()).await.refusal(), refused("invalid_grant"));
    let answer = moving.exchange(&moving.token()).await;
    assert_eq!(answer.refusal(), refused("invalid_request"));
    assert!(answer.text().contains("the account is closed"), "{}", answer.text());
}

#[tokio::test]
async fn security_59_what_came_of_it_is_a_session_that_its_person_sees_and_ends() {
    let moving = Moving::new().await;
    let tokens = moving.exchange(&moving.token()).await.tokens();
    let me = Me::of(&moving.world, &moving.customer).await;
    let sid = tokens.id_claims()["sid"].as_str().expect("a session").to_owned();
    let listed = me.get("/v1/me/sessions").await.json();
    let sessions = listed["sessions"].as_array().expect("sessions");
    assert!(sessions.iter().any(|session| session["sid"] == sid.as_str()), "{listed}");
    let own = moving.app.api.get_as("/v1/me/sessions", tokens.access()).await.json();
    let current = own["sessions"].as_array().expect("sessions").iter().find(|session| session["sid"] == sid.as_str());
    assert_eq!(current.expect("its own")["current"], true, "{own}");
    let ended = me.delete(&format!("/v1/me/sessions/{sid}")).await;
    assert!(ended.status() < 300, "{}", ended.text());
    assert_eq!(
        moving.app.refresh(tokens.refresh()).await.refusal(),
        refused("invalid_grant"),
        "its offline grant ended with it"
    );
}

#[tokio::test]
async fn an_exchange_reads_two_units_and_writes_two_and_a_refusal_writes_nothing() {
    let moving = Moving::new().await;
    drop(moving.exchange(&moving.token()).await.tokens());
    let cost = |requests: usize, read: f64, write: f64| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    drop(moving.world.meter.take());
    assert_eq!(moving.exchange(&moving.token()).await.status(), 200);
    assert_eq!(moving.world.meter.take_cost(), cost(4, 2.0, 2.0));
    let mut claims = moving.claims();
    claims["sub"] = json!("nobody's");
    assert_eq!(moving.exchange(&moving.key.sign(&claims)).await.status(), 400);
    assert_eq!(moving.world.meter.take_cost(), cost(1, 1.0, 0.0));
    assert_eq!(moving.exchange(&PoolKey::new("one").sign(&claims)).await.status(), 400);
    assert_eq!(moving.world.meter.take_cost(), cost(0, 0.0, 0.0), "what is not genuine reaches no table");
}

/// The keys are fetched once an hour, and no token makes anybody fetch them more often than every ten seconds.
#[tokio::test]
async fn keys_are_fetched_rarely_followed_when_they_change_and_kept_through_an_outage() {
    let moving = Moving::new().await;
    for _ in 0..5 {
        assert_eq!(moving.exchange(&moving.token()).await.status(), 200);
    }
    assert_eq!(moving.pool.take_asked("jwks"), 1);
    let next = PoolKey::new("two");
    for _ in 0..5 {
        assert_eq!(moving.exchange(&next.sign(&moving.claims())).await.status(), 400);
    }
    assert_eq!(moving.pool.take_asked("jwks"), 0, "within ten seconds of the last fetch");
    moving.pool.publish(&[&next]);
    moving.world.services.clock.advance(Span::seconds(10));
    assert_eq!(moving.exchange(&next.sign(&moving.claims())).await.status(), 200, "a key that is new is looked for");
    assert_eq!(moving.exchange(&moving.token()).await.status(), 400, "one that was taken back verifies nothing");
    moving.pool.set(Mode::Down);
    moving.world.services.clock.advance(Span::hours(23));
    assert_eq!(moving.exchange(&next.sign(&moving.claims())).await.status(), 200, "kept for a day while the pool is silent");
    drop(moving.pool.take_times("jwks"));
    let unknown = moving.exchange(&PoolKey::new("three").sign(&moving.claims())).await;
    assert_eq!(unknown.refusal(), (503, "temporarily_unavailable".to_owned()), "it may be a new one");
    assert_eq!(moving.pool.take_asked("jwks"), 0, "no second fetch within ten seconds");
    moving.world.services.clock.advance(Span::hours(1));
    let answer = moving.exchange(&next.sign(&moving.claims())).await;
    assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
    assert!(answer.header("retry-after").is_some());
    moving.pool.set(Mode::Up);
    moving.world.services.clock.advance(Span::seconds(10));
    assert_eq!(moving.exchange(&next.sign(&moving.claims())).await.status(), 200);
    moving.pool.publish_raw(200, r#"{"keys":[]}"#);
    moving.world.services.clock.advance(Span::hours(2));
    assert_eq!(moving.exchange(&next.sign(&moving.claims())).await.status(), 200, "a set without keys is none");
}

#[tokio::test]
async fn what_is_no_set_of_keys_verifies_nothing() {
    let moving = Moving::new().await;
    let (jwk, other) = (moving.key.jwk(), PoolKey::new("two"));
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        json!({ "keys": [jwk, other.jwk()] }).to_string()
    };
    let long = format!("{}{}", json!({ "keys": [jwk] }), " ".repeat(64 * 1024));
    let unavailable: [(u16, &str); 7] =
        [(200, ""), (200, "[]"), (200, r#"{"keys":[]}"#), (200, r#"{"keys":[1,{}]}"#), (302, ""), (500, ""), (200, &long)];
    for (status, body) in unavailable {
        moving.pool.publish_raw(status, body);
        let keys = moving.pool.former_keys();
        let pool = POOL_ID.parse().expect("a pool");
        let verified = keys.verify(&pool, &moving.token(), moving.world.services.clock.now()).await;
        assert!(matches!(verified, Err(latchkey::keys::FormerTokenError::KeysUnavailable(_))), "{status}: {verified:?}");
    }
    let unfit = [with("use", json!("enc")), with("alg", json!("RS512")), with("kty", json!("EC")), with("n", json!("AQAB"))];
    for body in &unfit {
        moving.pool.publish_raw(200, body);
        let keys = moving.pool.former_keys();
        let pool = POOL_ID.parse().expect("a pool");
        let verified = keys.verify(&pool, &moving.token(), moving.world.services.clock.now()).await;
        assert_eq!(verified, Err(latchkey::keys::FormerTokenError::NotGenuine), "{body}");
    }
}

#[tokio::test]
async fn a_reply_that_is_lost_is_no_second_session_and_parallel_exchanges_are_each_their_own() {
    let moving = Moving::new().await;
    moving.world.faults.add(Calls::Named("PutItem"), When::Nth(1), Fault::TimeoutAfter);
    assert_eq!(moving.exchange(&moving.token()).await.status(), 200);
    let token = moving.token();
    let all = futures_util::future::join_all((0..16).map(|_| moving.exchange(&token))).await;
    assert!(all.iter().all(|answer| answer.status() == 200));
    let me = Me::of(&moving.world, &moving.customer).await;
    let listed = me.get("/v1/me/sessions").await.json();
    // The coming, the one whose reply was lost, sixteen, and this one.
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(19), "{listed}");
}

#[tokio::test]
async fn security_53_metadata_offers_it_where_a_client_may_use_it_and_nobody_else_may() {
    let moving = Moving::new().await;
    let grants = |world: &World| {
        let api = tests::Anonymous::new(world);
        async move { api.get("/.well-known/openid-configuration").await.json()["grant_types_supported"].clone() }
    };
    assert!(grants(&moving.world).await.as_array().expect("grants").contains(&json!(EXCHANGE)));
    let demo = OAuthClient::demo_app(&moving.world);
    assert_eq!(moving.ask(&demo, &moving.token(), &[]).await.refusal(), refused("unauthorized_client"));
    let (_, without, _) = pool_and_world("Eve", "").await;
    assert!(!grants(&without).await.as_array().expect("grants").contains(&json!(EXCHANGE)));
}

#[tokio::test]
async fn a_change_of_password_ends_what_was_exchanged_before() {
    let moving = Moving::new().await;
    let tokens = moving.exchange(&moving.token()).await.tokens();
    recover(&moving.world, &moving.customer.email).await.1.expect(StatusCode::OK);
    assert_eq!(moving.app.refresh(tokens.refresh()).await.refusal(), refused("invalid_grant"));
    // The pool's session goes on, and gives out tokens that are newer than the password: it opens nothing here any more.
    moving.world.services.clock.advance(Span::seconds(1));
    let answer = moving.exchange(&moving.token()).await;
    assert_eq!(answer.refusal(), refused("invalid_request"));
    assert!(answer.text().contains("let them sign in"), "{}", answer.text());
    let mut anew = moving.claims();
    anew["auth_time"] = json!(moving.world.services.clock.now().seconds());
    assert_eq!(moving.exchange(&moving.key.sign(&anew)).await.status(), 200, "who signs in there anew");
}

/// As a recovery does that brings somebody over: a sign-in from before the new password counts for nothing.
#[tokio::test]
async fn security_59_who_comes_by_mail_leaves_their_old_sessions_behind() {
    let moving = Moving::new().await;
    let (later, claims) = moving.somebody_else("Bob");
    recover(&moving.world, &later.email).await.1.expect(StatusCode::OK);
    assert_eq!(moving.exchange(&moving.key.sign(&claims)).await.refusal(), refused("invalid_request"));
}

/// Who was brought over has tokens without having signed in here. What changes a credential waits for that.
#[tokio::test]
async fn who_was_brought_over_has_tokens_and_signs_in_before_a_credential_changes() {
    let moving = Moving::new().await;
    let (later, mut claims) = moving.somebody_else("Bob");
    bring_over(&moving.world.services, &TenantId::default_tenant(), &later, THEIRS, ComingPassword::StaysThere).await;
    claims["auth_time"] = json!(moving.world.services.clock.now().seconds());
    let tokens = moving.exchange(&moving.key.sign(&claims)).await.tokens();
    let api = &moving.app.api;
    assert_eq!(api.get_as("/v1/me", tokens.access()).await.status(), 200);
    let bearer = format!("Bearer {}", tokens.access());
    let answer = api.send(Method::DELETE, "/v1/me", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status(), 401, "{}", answer.text());
    assert!(answer.header("www-authenticate").is_some_and(|said| said.contains("insufficient_user_authentication")));
    assert_eq!(Me::of(&moving.world, &later).await.delete("/v1/me").await.status(), 202);
}

#[tokio::test]
async fn an_application_with_a_secret_shows_it() {
    let moving = Moving::new().await;
    let desk = OAuthClient { client_id: "desk".to_owned(), ..OAuthClient::demo_app(&moving.world) };
    let mut claims = moving.claims();
    claims["client_id"] = json!("1desk2app3client");
    let token = moving.key.sign(&claims);
    assert_eq!(moving.ask(&desk, &token, &[]).await.refusal(), (401, "invalid_client".to_owned()));
    for (secret, expected) in [("the-secret-of-another", 401), ("the-secret-of-the-desk", 200)] {
        let answer = moving.ask(&desk, &token, &[("client_secret", secret)]).await;
        assert_eq!(answer.status(), expected, "{}", answer.text());
    }
}

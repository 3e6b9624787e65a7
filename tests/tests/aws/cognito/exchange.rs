//! Token exchange (RFC 8693) for applications that migrate one by one: an access token of the pool becomes tokens of ours.

use crate::cognito::recovery::recover;
use crate::cognito::{SUB, pool_and_world, try_password, user};
use http::{Method, StatusCode};
use latchkey::domain::id::TenantId;
use latchkey::domain::legacy_directory::ImportedPassword;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::account_client::AccountClient;
use tests::anonymous::Answer;
use tests::imported::import_user;
use tests::pool_key::{APPLICATIONS, PoolKey, access_claims};
use tests::user_pool::{CLIENT_ID, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Customer, OAuthClient};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const POOL_SUB: &str = "c4ca4238-a0b9-4382-8dcc-509a6f75849b";

/// A pool with one imported user, and an application that holds their tokens.
pub(super) struct ExchangeFixture {
    pub(super) pool: UserPool,
    pub(super) key: PoolKey,
    pub(super) world: World,
    customer: Customer,
    app: OAuthClient,
}

impl ExchangeFixture {
    pub(super) async fn new() -> Self {
        let (pool, customer, key) = (UserPool::default(), Customer::new("Ada"), PoolKey::new("one"));
        pool.put(user(&customer));
        pool.publish(&[&key]);
        let world = World::builder()
            .tenant("default", &document(POOL_ID, CLIENT_ID, APPLICATIONS))
            .legacy_directory(pool.legacy_directory())
            .legacy_keys(pool.legacy_keys())
            .without_source_limits()
            .build()
            .await
            .expect("a world");
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        page.expect(StatusCode::OK);
        let app = OAuthClient { client_id: "shop".to_owned(), ..OAuthClient::demo_app(&world) };
        Self { pool, key, world, customer, app }
    }
    pub(super) fn claims(&self) -> Value {
        access_claims(SUB, self.world.services.clock.now())
    }
    /// Adds a user who is not imported. Returns the user and the claims of a token of the pool.
    fn add_other_user(&self, name: &str) -> (Customer, Value) {
        let later = Customer::new(name);
        self.pool.put(PoolUser::confirmed(&later.email, &later.password, POOL_SUB));
        let mut claims = self.claims();
        claims["sub"] = json!(POOL_SUB);
        (later, claims)
    }
    pub(super) fn token(&self) -> String {
        self.key.sign(&self.claims())
    }
    /// Exchanges a token as the confidential client.
    async fn ask_as_desk(&self, token: &str) -> Answer {
        let desk = OAuthClient { client_id: "desk".to_owned(), ..OAuthClient::demo_app(&self.world) };
        self.ask(&desk, token, &[("client_secret", "the-secret-of-the-desk")]).await
    }
    pub(super) async fn exchange(&self, token: &str) -> Answer {
        self.ask(&self.app, token, &[]).await
    }
    async fn ask(&self, app: &OAuthClient, token: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
        fields.extend(more);
        app.token(&fields).await
    }
}

pub(super) fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[tokio::test]
async fn a_token_of_the_pool_becomes_tokens_of_ours() {
    let fixture = ExchangeFixture::new().await;
    let answer = fixture.ask(&fixture.app, &fixture.token(), &[("scope", "openid profile email offline_access")]).await;
    // security 24
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.tokens();
    assert_eq!(tokens.json["issued_token_type"], ACCESS_TOKEN, "RFC 8693 section 2.2.1");
    assert_eq!((&tokens.json["token_type"], &tokens.json["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(tokens.json["scope"], "email offline_access openid profile");
    let (access, id) = (tokens.access_claims(), tokens.id_claims());
    assert_eq!((&access["client_id"], &access["aud"]), (&json!("shop"), &json!(fixture.world.origin())));
    assert_eq!(id["auth_time"], fixture.claims()["auth_time"], "the time of the sign-in at the pool");
    assert_eq!(
        (id.get("amr"), id.get("acr"), id.get("nonce"), access.get("amr"), access.get("acr")),
        (None, None, None, None, None),
        "the pool's token does not name the method"
    );
    let userinfo = fixture.app.userinfo(tokens.access()).await.json();
    assert_eq!(
        (&userinfo["email"], &userinfo["given_name"]),
        (&json!(fixture.customer.email), &json!(fixture.customer.given_name))
    );
    assert_eq!(userinfo["sub"], access["sub"]);
    // The same account as after a sign-in here.
    let demo = OAuthClient::demo_app(&fixture.world).tokens_for(&fixture.customer).await;
    assert_eq!(demo.access_claims()["sub"], access["sub"]);
    let next = fixture.app.refresh(tokens.refresh()).await.tokens();
    assert_eq!(next.access_claims()["sub"], access["sub"]);
    assert_eq!(next.json.get("issued_token_type"), None);
    assert_eq!(fixture.app.introspect(next.access()).await.status(), 401, "a public client introspects nothing");
    assert_eq!(
        (fixture.pool.take_call_count("jwks"), fixture.pool.take_call_count("AdminGetUser")),
        (1, 1),
        "the keys; the import"
    );
}

#[tokio::test]
async fn an_exchange_gives_the_requested_scope_and_no_more() {
    let fixture = ExchangeFixture::new().await;
    let narrow = fixture.ask(&fixture.app, &fixture.token(), &[("scope", "openid email")]).await.tokens();
    assert_eq!(narrow.json["scope"], "email openid");
    let unasked = fixture.exchange(&fixture.token()).await.tokens();
    assert_eq!(unasked.json["scope"], "openid", "no more than the subject");
    // security 78: what was proven at the pool alone gives no access to the account, also when it was a moment ago.
    let mut now = fixture.claims();
    now["auth_time"] = json!(fixture.world.services.clock.now().seconds());
    for scope in ["account", "openid account"] {
        let answer = fixture.ask(&fixture.app, &fixture.key.sign(&now), &[("scope", scope)]).await;
        assert_eq!(answer.refusal(), refused("invalid_scope"), "{scope}");
    }
    let orders = [("resource", "https://orders.example.com"), ("scope", "orders.read")];
    let tokens = fixture.ask(&fixture.app, &fixture.token(), &orders).await.tokens();
    assert_eq!(tokens.access_claims()["aud"], "https://orders.example.com");
    assert_eq!(tokens.json["scope"], "orders.read", "security 27: no account scope for a resource");
    let kiosk = OAuthClient { client_id: "kiosk".to_owned(), ..fixture.app.clone() };
    assert_eq!(
        fixture.ask(&kiosk, &fixture.token(), &[]).await.refusal(),
        refused("unauthorized_client"),
        "it replaces no app client"
    );
    let cases: [(&str, &str, &str); 8] = [
        ("scope", "openid orders.write", "invalid_scope"),
        ("scope", "bad\"scope", "invalid_scope"),
        ("resource", "https://unknown.example", "invalid_target"),
        ("audience", "orders", "invalid_target"),
        ("actor_token", "x", "invalid_request"),
        ("actor_token_type", ACCESS_TOKEN, "invalid_request"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request"),
        ("subject_token", "twice", "invalid_request"),
    ];
    for (name, value, code) in cases {
        let answer = fixture.ask(&fixture.app, &fixture.token(), &[(name, value)]).await;
        assert_eq!(answer.refusal(), refused(code), "{name}={value}: {}", answer.text());
    }
    let token = fixture.token();
    let incomplete: [&[(&str, &str)]; 3] = [
        &[("subject_token", &token)],
        &[("subject_token_type", ACCESS_TOKEN)],
        &[("subject_token", &token), ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")],
    ];
    for fields in incomplete {
        let fields: Vec<_> = [("grant_type", EXCHANGE)].into_iter().chain(fields.iter().copied()).collect();
        assert_eq!(fixture.app.token(&fields).await.refusal(), refused("invalid_request"), "{fields:?}");
    }
}

/// security 44-48, for tokens that another issuer signed.
#[tokio::test]
async fn security_44_only_a_valid_access_token_of_this_pool_and_app_client_is_accepted() {
    let fixture = ExchangeFixture::new().await;
    let (good, stranger) = (fixture.claims(), PoolKey::new("one"));
    let now = fixture.world.services.clock.now().seconds();
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        fixture.key.sign(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("claims").remove(name);
        fixture.key.sign(&claims)
    };
    let header = |header: Value| fixture.key.sign_as(&header, &good);
    let other_pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other";
    let whole = fixture.token();
    let tokens = [
        ("an ID token", with("token_use", json!("id"))),
        ("without token_use", without("token_use")),
        ("another pool's", with("iss", json!(other_pool))),
        ("our own issuer", with("iss", json!(fixture.world.origin()))),
        ("without issuer", without("iss")),
        ("another app client's", with("client_id", json!("1other2app3client"))),
        ("without app client", without("client_id")),
        ("an unknown subject", with("sub", json!("0cc175b9-c0f1-4b6a-a312-59d5f2f3a5a1"))),
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
        ("of ours", fixture.exchange(&whole).await.tokens().access().to_owned()),
        ("no token", "x".to_owned()),
    ];
    for (what, token) in tokens {
        let answer = fixture.exchange(&token).await;
        assert_eq!(answer.refusal(), refused("invalid_request"), "{what}: {} (RFC 8693 section 2.2.2)", answer.text());
    }
    // Within the leeway for the pool's clock.
    for token in [with("exp", json!(now - 59)), with("iat", json!(now + 59))] {
        assert_eq!(fixture.exchange(&token).await.status(), 200);
    }
}

#[tokio::test]
async fn an_unknown_or_closed_account_can_not_exchange() {
    let fixture = ExchangeFixture::new().await;
    let (later, claims) = fixture.add_other_user("Bob");
    let token = fixture.key.sign(&claims);
    let answer = fixture.exchange(&token).await;
    assert_eq!(answer.refusal(), refused("invalid_request"));
    assert!(answer.text().contains("let the user sign in once"), "{}", answer.text());
    try_password(&mut Browser::new(&fixture.world), &later.email, &later.password).await.expect(StatusCode::OK);
    assert_eq!(fixture.exchange(&token).await.status(), 200, "a refused exchange used nothing up");
    // A closed account invalidates its tokens and accepts no exchange.
    let tokens = fixture.exchange(&fixture.token()).await.tokens();
    let closed = AccountClient::new(&fixture.world, &fixture.customer).await.delete("/v1/me").await;
    assert_eq!(closed.status(), 202, "{}", closed.text());
    assert_eq!(fixture.app.refresh(tokens.refresh()).await.refusal(), refused("invalid_grant"));
    let answer = fixture.exchange(&fixture.token()).await;
    assert_eq!(answer.refusal(), refused("invalid_request"));
    assert!(answer.text().contains("the account is closed"), "{}", answer.text());
}

#[tokio::test]
async fn security_59_an_exchange_creates_a_session_that_the_user_sees_and_ends() {
    let fixture = ExchangeFixture::new().await;
    let offline = [("scope", "openid offline_access")];
    let tokens = fixture.ask(&fixture.app, &fixture.token(), &offline).await.tokens();
    let me = AccountClient::new(&fixture.world, &fixture.customer).await;
    let sid = tokens.id_claims()["sid"].as_str().expect("a session").to_owned();
    let listed = me.get("/v1/me/sessions").await.json();
    let sessions = listed["sessions"].as_array().expect("sessions");
    assert!(sessions.iter().any(|session| session["sid"] == sid.as_str()), "{listed}");
    assert_eq!(fixture.app.api.get_as("/v1/me/sessions", tokens.access()).await.status(), 403, "it has no scope account");
    let ended = me.delete(&format!("/v1/me/sessions/{sid}")).await;
    assert!(ended.status() < 300, "{}", ended.text());
    assert_eq!(
        fixture.app.refresh(tokens.refresh()).await.refusal(),
        refused("invalid_grant"),
        "its offline grant has ended too"
    );
}

#[tokio::test]
async fn an_exchange_costs_what_is_documented_and_a_refusal_writes_nothing() {
    let fixture = ExchangeFixture::new().await;
    drop(fixture.exchange(&fixture.token()).await.tokens());
    let cost = |requests: usize, read: f64, write: f64| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    drop(fixture.world.meter.take());
    assert_eq!(fixture.exchange(&fixture.token()).await.status(), 200);
    assert_eq!(fixture.world.meter.take_cost(), cost(6, 3.0, 3.0), "a public client: the token is claimed");
    let mut claims = fixture.claims();
    claims["client_id"] = json!("1desk2app3client");
    assert_eq!(fixture.ask_as_desk(&fixture.key.sign(&claims)).await.status(), 200);
    assert_eq!(fixture.world.meter.take_cost(), cost(4, 2.0, 2.0), "a client that authenticates");
    let mut claims = fixture.claims();
    claims["sub"] = json!("unknown");
    assert_eq!(fixture.exchange(&fixture.key.sign(&claims)).await.status(), 400);
    assert_eq!(fixture.world.meter.take_cost(), cost(2, 2.0, 0.0));
    assert_eq!(fixture.exchange(&PoolKey::new("one").sign(&claims)).await.status(), 400);
    assert_eq!(fixture.world.meter.take_cost(), cost(0, 0.0, 0.0), "a forged token reaches no table");
}

#[tokio::test]
async fn a_lost_reply_creates_one_session_and_of_64_parallel_exchanges_of_a_public_client_one_succeeds() {
    let fixture = ExchangeFixture::new().await;
    for write in 1..=3 {
        fixture.world.faults.clear();
        fixture.world.faults.add(Calls::Named("PutItem"), Trigger::Nth(write), Fault::TimeoutAfter);
        assert_eq!(fixture.exchange(&fixture.token()).await.status(), 200, "write {write} is recognized as its own");
    }
    fixture.world.faults.clear();
    let token = fixture.token();
    let all = futures_util::future::join_all((0..64).map(|_| fixture.exchange(&token))).await;
    let (done, rest): (Vec<_>, Vec<_>) = all.iter().partition(|answer| answer.status() == 200);
    assert_eq!(done.len(), 1);
    for answer in rest {
        assert_eq!(answer.refusal(), refused("invalid_request"));
        assert!(answer.text().contains("was exchanged before"), "{}", answer.text());
    }
    let me = AccountClient::new(&fixture.world, &fixture.customer).await;
    let listed = me.get("/v1/me/sessions").await.json();
    // The import, the exchanges with a lost reply, one of the 64, and this one.
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(6), "{listed}");
    // A claim outlives its token.
    fixture.world.services.clock.advance(Span::minutes(59));
    assert_eq!(fixture.exchange(&token).await.refusal(), refused("invalid_request"));
}

/// A client that authenticates can repeat an exchange: its token is worth nothing to anyone else.
#[tokio::test]
async fn a_client_that_authenticates_exchanges_a_token_any_number_of_times() {
    let fixture = ExchangeFixture::new().await;
    let mut claims = fixture.claims();
    claims["client_id"] = json!("1desk2app3client");
    let token = fixture.key.sign(&claims);
    for _ in 0..3 {
        assert_eq!(fixture.ask_as_desk(&token).await.tokens().json["scope"], "openid");
    }
}

#[tokio::test]
async fn security_53_metadata_lists_token_exchange_only_if_a_client_may_use_it() {
    let fixture = ExchangeFixture::new().await;
    let grants = |world: &World| {
        let api = tests::Anonymous::new(world);
        async move { api.get("/.well-known/openid-configuration").await.json()["grant_types_supported"].clone() }
    };
    assert!(grants(&fixture.world).await.as_array().expect("grants").contains(&json!(EXCHANGE)));
    let demo = OAuthClient::demo_app(&fixture.world);
    assert_eq!(fixture.ask(&demo, &fixture.token(), &[]).await.refusal(), refused("unauthorized_client"));
    let (_, without, _) = pool_and_world("Eve", "").await;
    assert!(!grants(&without).await.as_array().expect("grants").contains(&json!(EXCHANGE)));
}

#[tokio::test]
async fn a_change_of_password_ends_earlier_exchanges() {
    let fixture = ExchangeFixture::new().await;
    let tokens = fixture.exchange(&fixture.token()).await.tokens();
    recover(&fixture.world, &fixture.customer.email).await.1.expect(StatusCode::OK);
    assert_eq!(fixture.app.refresh(tokens.refresh()).await.refusal(), refused("invalid_grant"));
    // The pool's session continues and issues tokens newer than the password. They are refused here.
    fixture.world.services.clock.advance(Span::seconds(1));
    let answer = fixture.exchange(&fixture.token()).await;
    assert_eq!(answer.refusal(), refused("invalid_request"));
    assert!(answer.text().contains("let the user sign in"), "{}", answer.text());
    let mut anew = fixture.claims();
    anew["auth_time"] = json!(fixture.world.services.clock.now().seconds());
    assert_eq!(fixture.exchange(&fixture.key.sign(&anew)).await.status(), 200, "after a new sign-in at the pool");
}

/// As after a recovery that imports a user: a sign-in from before the new password does not count.
#[tokio::test]
async fn security_59_a_recovery_invalidates_earlier_sign_ins_at_the_pool() {
    let fixture = ExchangeFixture::new().await;
    let (later, claims) = fixture.add_other_user("Bob");
    recover(&fixture.world, &later.email).await.1.expect(StatusCode::OK);
    assert_eq!(fixture.exchange(&fixture.key.sign(&claims)).await.refusal(), refused("invalid_request"));
}

/// An imported user has tokens without a sign-in here. A change of a credential needs a sign-in first.
#[tokio::test]
async fn an_imported_user_exchanges_tokens_and_signs_in_to_change_a_credential() {
    let fixture = ExchangeFixture::new().await;
    let (later, mut claims) = fixture.add_other_user("Bob");
    import_user(&fixture.world.services, &TenantId::default_tenant(), &later, POOL_SUB, ImportedPassword::StaysThere).await;
    claims["auth_time"] = json!(fixture.world.services.clock.now().seconds());
    let tokens = fixture.exchange(&fixture.key.sign(&claims)).await.tokens();
    let api = &fixture.app.api;
    let bearer = format!("Bearer {}", tokens.access());
    for (method, path) in [(Method::GET, "/v1/me"), (Method::DELETE, "/v1/me"), (Method::POST, "/v1/me/exports")] {
        let answer = api.send(method, path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status(), 403, "{}", answer.text());
        assert!(answer.header("www-authenticate").is_some_and(|said| said.contains("insufficient_scope")));
    }
    assert_eq!(AccountClient::new(&fixture.world, &later).await.delete("/v1/me").await.status(), 202);
}

#[tokio::test]
async fn a_confidential_client_authenticates_for_an_exchange() {
    let fixture = ExchangeFixture::new().await;
    let desk = OAuthClient { client_id: "desk".to_owned(), ..OAuthClient::demo_app(&fixture.world) };
    let mut claims = fixture.claims();
    claims["client_id"] = json!("1desk2app3client");
    let token = fixture.key.sign(&claims);
    assert_eq!(fixture.ask(&desk, &token, &[]).await.refusal(), (401, "invalid_client".to_owned()));
    for (secret, expected) in [("the-secret-of-another", 401), ("the-secret-of-the-desk", 200)] {
        let answer = fixture.ask(&desk, &token, &[("client_secret", secret)]).await;
        assert_eq!(answer.status(), expected, "{}", answer.text());
    }
}

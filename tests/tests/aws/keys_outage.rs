//! KMS is down, slow, throttled, or its key is disabled (T8); many cold starts at once (T18). Tests the routes of the
//! functions: a warm instance works fully, a cold one lists keys and verifies, and no code or token is spent without a result.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::change::{Change, Changes};
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::Span;
use latchkey::keys::{KeyVault, Keys, identifier_rotation};
use latchkey::purpose::Purpose;
use latchkey::services::{Services, Tenants};
use latchkey::store::erasure::Removal;
use latchkey::store::{CommitError, StoreError};
use latchkey::web::mount;
use std::time::Duration;
use tests::jwks::kid_of;
use tests::kms::{FakeKms, Mode};
use tests::store::{identifier, new_account, request, session};
use tests::{Anonymous, Browser, Customer, OAuthClient, SignedInUser, World};

const OUTAGES: [Mode; 4] = [Mode::Down, Mode::Throttled, Mode::Disabled, Mode::Slow(Duration::from_secs(3600))];

/// A newly started token function over the tables of this world.
fn cold_token_function(world: &World, vault: KeyVault) -> World {
    let services = Services { keys: Keys::new(vault, token::PURPOSES), tenants: Tenants::default(), ..world.services.clone() };
    let events = world.services.clone();
    world.clone().served_by(mount(services, token::routes()), events).unwrap()
}

/// T8: sixty seconds without KMS during operation.
#[tokio::test]
async fn security_137_a_warm_instance_works_during_a_kms_outage() {
    for outage in OUTAGES {
        let kms = FakeKms::up();
        let world = World::builder().vault(kms.vault()).build().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let ada = Customer::registered(&world, "Ada").await;
        let mut browser = Browser::new(&world);
        let signed_in = client.sign_in(&mut browser, &ada).await;
        let tokens = client.redeem(&signed_in.query("code").unwrap()).await.tokens();
        let mut refresh = tokens.refresh().to_owned();
        kms.set(outage);
        for second in (0..=60).step_by(10) {
            let code = browser.open(&client.authorize_url(&[])).await.query("code");
            let answer = client.redeem(&code.expect("a session by cookie keeps working")).await;
            assert_eq!(answer.status(), 200, "{outage:?} at {second}");
            refresh = client.refresh(&refresh).await.tokens().refresh().to_owned();
            assert_eq!(client.userinfo(tokens.access()).await.status(), 200, "{outage:?} at {second}");
            assert_eq!(client.api.get("/.well-known/jwks.json").await.status(), 200, "{outage:?} at {second}");
            world.advance(Span::seconds(10));
        }
        let mut other = Browser::new(&world);
        assert!(client.sign_in(&mut other, &ada).await.query("code").is_some(), "{outage:?}: users sign in");
        let grace = Customer::registered(&world, "Grace").await;
        kms.set(Mode::Up);
        assert!(client.tokens_for(&grace).await.json.is_object(), "{outage:?}");
    }
}

/// An instance that cannot open the key that hashes addresses: guesses in one network stop no client in another one, and nothing is stored.
#[tokio::test]
async fn security_147_without_the_key_of_addresses_each_network_is_limited_on_its_own() {
    let kms = FakeKms::up();
    let world = World::builder().vault(kms.vault()).build().await.unwrap();
    let purposes: &'static [Purpose] = &[Purpose::Locator, Purpose::Refresh, Purpose::Signing, Purpose::Data];
    let services = Services { keys: Keys::new(kms.vault(), purposes), tenants: Tenants::default(), ..world.services.clone() };
    let events = world.services.clone();
    let world = world.served_by(mount(services, token::routes()), events).unwrap();
    let guess = async |world: &World, secret: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", "demo-service"), ("client_secret", secret)];
        Anonymous::new(world).post_form("/oauth2/token", &fields).await.status()
    };
    let mut evaluated = 0;
    while guess(&world, "a guess").await == 401 {
        evaluated += 1;
        assert!(evaluated <= 300, "300 guesses are evaluated");
    }
    assert_eq!(guess(&world, "a guess").await, 429);
    let other = world.seen_from("203.0.113.9".parse().unwrap());
    assert_eq!(guess(&other, "a guess").await, 401);
    assert_eq!(OAuthClient::demo_service(&other).client_credentials().await.status(), 200);
}

/// T8: an instance that starts during the outage has no unwrapped keys. Routes that need none of them work.
#[tokio::test]
async fn security_137_a_cold_start_without_kms_lists_keys_and_answers_503_until_kms_is_back() {
    for outage in OUTAGES {
        let kms = FakeKms::up();
        let world = World::builder().vault(kms.vault()).build().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let person = SignedInUser::new(&world).await;
        let tokens = client.redeem(&person.code(&client).await).await.tokens();
        let code = person.code(&client).await;
        kms.set(outage);
        let cold = cold_token_function(&world, kms.vault());
        let there = OAuthClient::demo_app(&cold);
        let listed = there.api.get("/.well-known/jwks.json").await;
        assert_eq!(listed.status(), 200, "{outage:?}");
        assert!(listed.text().contains(&kid_of(tokens.access())), "{outage:?}: the same keys");
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
            assert_eq!(there.api.get(path).await.status(), 200, "{outage:?}: {path}");
        }
        for answer in [there.redeem(&code).await, there.refresh(tokens.refresh()).await] {
            assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()), "{outage:?}");
            assert!(answer.header("retry-after").is_some(), "{outage:?}");
        }
        let service = OAuthClient::demo_service(&cold);
        assert_eq!(service.client_credentials().await.status(), 503, "{outage:?}");
        assert_eq!(there.userinfo(tokens.access()).await.status(), 503, "{outage:?}: never 401 for a token that is good");
        kms.set(Mode::Up);
        cold.advance(Span::seconds(5));
        assert_eq!(there.userinfo(tokens.access()).await.status(), 200, "{outage:?}");
        assert_eq!(there.redeem(&code).await.status(), 200, "{outage:?}: not spent");
        assert_eq!(there.refresh(tokens.refresh()).await.status(), 200, "{outage:?}: not spent");
    }
}

/// T18: 200 instances of one function start at once. The first request of each succeeds, and calls KMS once for each keyring
/// and once for the signing key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_cold_starts_succeed_and_call_kms_once_for_each_key() {
    const INSTANCES: u64 = 200;
    let kms = FakeKms::up();
    let world = World::builder().vault(kms.vault()).build().await.unwrap();
    let service = OAuthClient::demo_service(&world);
    let kid = kid_of(service.client_credentials().await.tokens().access());
    let before = (kms.answered_to("Decrypt"), kms.answered_to("Encrypt"));
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..INSTANCES {
        let cold = cold_token_function(&world, kms.vault());
        starts.spawn(async move {
            // Three requests at once, as in a burst.
            let (service, api) = (OAuthClient::demo_service(&cold), Anonymous::new(&cold));
            let (one, other, listed) =
                tokio::join!(service.client_credentials(), service.client_credentials(), api.get("/.well-known/jwks.json"));
            (one.status(), other.status(), listed.status(), kid_of(one.tokens().access()))
        });
    }
    let answers = starts.join_all().await;
    assert!(answers.iter().all(|answer| *answer == (200, 200, 200, kid.clone())), "{:?}", &answers[..3]);
    let keyrings = u64::try_from(token::PURPOSES.len()).unwrap() - 1;
    assert_eq!(kms.answered_to("Decrypt") - before.0, INSTANCES * (keyrings + 1));
    assert_eq!(kms.answered_to("Encrypt"), before.1, "no key is made");
}

/// Several versions of the identifier key that cannot be opened: under one of them alone an account would be missed, and its address claimed
/// again. What does not depend on them goes on.
#[tokio::test]
async fn security_71_without_the_versions_of_the_identifier_key_no_address_is_looked_up_or_claimed() {
    let kms = FakeKms::up();
    let world = World::builder().vault(kms.vault()).build().await.unwrap();
    let store = world.services.store.tenant(TenantId::default_tenant());
    let now = || world.services.clock.now();
    let keys = async || Keys::new(kms.vault(), &[Purpose::Identifier]).tenant(&store, Signer::Local, now()).await.unwrap();
    // The first use makes the keys.
    keys().await;
    let claimed = new_account(1, 1);
    let (account, identifier) = (claimed.authentication.account, claimed.identifier);
    let claim = Changes::one(Change::create_account(claimed));
    for versions in [1, 2] {
        if versions == 2 {
            assert_eq!(identifier_rotation::begin(&kms.vault(), &store, now()).await.unwrap(), Some(2));
        }
        kms.set(OUTAGES[0]);
        let bound = keys().await.bind(store.clone());
        kms.set(Mode::Up);
        let found = bound.find_account(&identifier).await;
        if versions == 1 {
            assert_eq!(found.unwrap(), None, "one version: the hash says all");
            continue;
        }
        assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
        let refused = bound.commit(&claim, &request()).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_)))), "{refused:?}");
        bound.commit(&Changes::one(Change::open_session(session(1, 1))), &request()).await.unwrap();
        let removed = bound.remove(&Removal::Identifier(account, identifier), &request()).await;
        assert!(matches!(removed, Err(StoreError::Unavailable(_))), "{removed:?}");
    }
    assert_eq!(keys().await.bind(store.clone()).find_account(&identifier).await.unwrap(), None);
}

/// A warm instance that cannot open the next version goes on with the first one only as long as every other instance does: it looks again in a
/// minute, and they use the next version after five.
#[tokio::test]
async fn security_71_a_warm_instance_without_the_next_version_stops_before_others_use_it() {
    let kms = FakeKms::up();
    let world = World::builder().vault(kms.vault()).build().await.unwrap();
    let store = world.services.store.tenant(TenantId::default_tenant());
    let warm = Keys::new(kms.vault(), &[Purpose::Identifier]);
    let bound = async || {
        let keys = warm.tenant(&store, Signer::Local, world.services.clock.now()).await.unwrap();
        keys.bind(store.clone()).find_account(&identifier(1)).await
    };
    assert_eq!(bound().await.unwrap(), None);
    identifier_rotation::begin(&kms.vault(), &store, world.services.clock.now()).await.unwrap();
    kms.set(Mode::Down);
    for (seconds, is_available) in [(120, true), (100, true), (65, false), (70, false)] {
        world.advance(Span::seconds(seconds));
        let found = bound().await;
        assert_eq!(found.is_ok(), is_available, "{seconds}: {found:?}");
    }
    kms.set(Mode::Up);
    world.advance(Span::seconds(6));
    assert_eq!(bound().await.unwrap(), None);
}

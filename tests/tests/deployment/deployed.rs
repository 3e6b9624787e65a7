//! The whole of Latchkey behind the routes and roles of `template.yaml`: every journey works, and no role has a permission that
//! no code needs (security 144).
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use http::Method;
use latchkey::context::Deadline;
use latchkey::domain::id::TenantId;
use latchkey::domain::legacy_directory::ImportedPassword;
use latchkey::domain::oauth::exchange::{ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE};
use latchkey::domain::time::Span;
use latchkey::store::principal::PrincipalQuery;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use migration::Migration;
use retention::{Continuation, Retention};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::deployed::{DeployedWorld, PURPOSES};
use tests::imported::import_user;
use tests::pool_key::{PoolKey, access_claims};
use tests::routes;
use tests::store::put_document;
use tests::user_pool::PoolUser;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient, Site, World, journeys, passkey};

/// Two accounts are closed. The job erases one, and defers the other, which has a legal hold. A restored backup is erased again.
async fn erase_accounts(deployed: &DeployedWorld) {
    let world = &deployed.world;
    let retention = Retention::new(deployed.services("retention", retention::PURPOSES), Continuation::Caller);
    let run = async |event: Value| retention.handle(&event, Deadline::default()).await.unwrap();
    let before = world.services.clock.now();
    for name in ["Leaver", "Held"] {
        let leaver = Customer::registered(world, name).await;
        let mut browser = Browser::new(world);
        let page = browser.open("/login").await;
        leaver.sign_in(&mut browser, &page).await;
        passkey::add(&mut browser).await;
        assert_eq!(AccountClient::new(world, &leaver).await.delete("/v1/me").await.status(), 202);
    }
    // One comes back on another day.
    let back = Customer::registered(world, "Back").await;
    assert_eq!(AccountClient::new(world, &back).await.delete("/v1/me").await.status(), 202);
    world.advance(Span::days(1));
    let mail = Site::from(world).mail_to(&back.email).await;
    let link = mail.links.iter().find(|link| link.contains("/account/restore"));
    let token = link.and_then(|link| link.split_once("?token=")).map(|(_, token)| token.to_owned());
    let restored =
        Anonymous::new(world).post_json("/v1/me/restoration", &json!({ "token": token, "code": mail.codes[0] })).await;
    assert_eq!(restored.status(), 204, "{}", restored.text());
    run(json!({ "job": "hold", "email": "held@example.com" })).await;
    world.advance(Span::days(31));
    let done = run(json!({ "job": "retention" })).await;
    // Includes the imported user who closed the account.
    assert_eq!((&done["rules"]["erasure"]["erased"], &done["rules"]["erasure"]["deferred"]), (&json!(2), &json!(1)), "{done}");
    run(json!({ "job": "release", "email": "held@example.com" })).await;
    run(json!({ "job": "replay_erasures", "since": before.to_string() })).await;
}

/// A reverse migration of a user with the right password, and attempts with wrong credentials.
async fn migrate_back(deployed: &DeployedWorld) {
    let acme: TenantId = "acme".parse().unwrap();
    let migration = Migration::new(deployed.services("migration", migration::PURPOSES), acme);
    let dora = Customer::new("Dora");
    for (email, password, expected) in [
        (dora.email.as_str(), "quite 8 different umbrellas", true),
        (dora.email.as_str(), "not the 9 right one", false),
        ("unknown@example.com", "not the 9 right one", false),
    ] {
        let event = json!({
            "triggerSource": "UserMigration_Authentication", "userPoolId": "eu-central-1_Next", "userName": email,
            "request": { "password": password },
        });
        let answer = migration.handle(event, "request-1", Deadline::default()).await.unwrap();
        assert_eq!(answer["response"]["userAttributes"]["email"] == email, expected, "{answer}");
    }
}

/// Two users of the pool of `acme` are imported, one by password and one by recovery. One of them closes the account.
async fn import_users(deployed: &DeployedWorld) {
    let world = &deployed.world;
    let app = OAuthClient { base: "/t/acme".to_owned(), ..AccountClient::client(world) };
    for name in ["Cleo", "Dora"] {
        let customer = Customer::new(name);
        deployed.pool.put(PoolUser::confirmed(&customer.email, &customer.password, &format!("sub-{name}")));
    }
    let cleo = Customer::new("Cleo");
    let me = AccountClient { tokens: app.tokens_for(&cleo).await, client: app };
    // An application that still holds a token of the pool exchanges it.
    let key = PoolKey::new("one");
    deployed.pool.publish(&[&key]);
    let token = key.sign(&access_claims("sub-Cleo", world.services.clock.now()));
    let shop = OAuthClient { client_id: "shop".to_owned(), ..me.client.clone() };
    let fields = [("grant_type", TOKEN_EXCHANGE), ("subject_token", &*token), ("subject_token_type", ACCESS_TOKEN_TYPE)];
    let exchanged = shop.token(&fields).await.tokens();
    assert_eq!(exchanged.access_claims()["sub"], me.tokens.access_claims()["sub"]);
    assert_eq!(me.delete("/v1/me").await.status(), 202);

    let (mut browser, dora) = (Browser::new(world), Customer::new("Dora"));
    let page = browser.open("/t/acme/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &dora.email)]).await;
    let code = Site::from(world).mail_to(&dora.email).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", "quite 8 different umbrellas")]).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!((deployed.pool.take_call_count("AdminInitiateAuth"), deployed.pool.take_call_count("AdminGetUser")), (1, 2));

    // An imported user with a changed address in the pool is looked up by the pool's `sub`.
    let ivy = Customer::new("Ivy");
    import_user(&world.services, &"acme".parse().unwrap(), &ivy, "sub-Ivy", ImportedPassword::StaysThere).await;
    deployed.pool.put(PoolUser::confirmed("ivy@other.example", &ivy.password, "sub-Ivy"));
    let mut browser = Browser::new(world);
    let page = browser.open("/t/acme/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ivy.email)]).await;
    let code = Site::from(world).mail_to(&ivy.email).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", "quite 8 different umbrellas")]).await;
    assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
    assert_eq!(deployed.pool.take_call_count("AdminGetUser"), 2);

    // The verification of a registration runs in the login function, which asks the pool.
    let hera = Customer::new("Hera");
    deployed.pool.put(PoolUser::confirmed(&hera.email, "the old 9 password", "sub-Hera"));
    hera.register_at(world, "/t/acme").await;
    assert_eq!(deployed.pool.take_call_count("AdminGetUser"), 1);
}

/// The permissions that no journey of this deployment needs.
async fn permissions_unused_by_all(deployed: DeployedWorld) -> BTreeSet<String> {
    let world = &deployed.world;
    journeys::run_all_journeys(&Site::from(world), "").await;
    // A wrong secret is counted.
    let guesser = OAuthClient { secret: Some("wrong".to_owned()), ..OAuthClient::demo_service(world) };
    assert_eq!(guesser.client_credentials().await.status(), 401);
    import_users(&deployed).await;
    migrate_back(&deployed).await;
    erase_accounts(&deployed).await;
    register_without_password(world).await;
    world.pump().await.unwrap();
    assert_eq!(deployed.refused(), Vec::<String>::new());
    deployed.unused()
}

/// The tenant document asks new users for no password.
async fn register_without_password(world: &World) {
    put_document(world, &DEFAULT_DOCUMENT.replacen("[registration]\n", "[registration]\npassword = \"none\"\n", 1)).await;
    journeys::register_with_passkeys(&Site::from(world), &Customer::new("Niki"), &Customer::new("Nora")).await;
}

/// Without a user pool, the function that started a registration verifies it.
async fn permissions_unused_by_registrations(deployed: DeployedWorld) -> BTreeSet<String> {
    let site = Site::from(&deployed.world);
    journeys::register_on_pages(&site, &Customer::new("Grace")).await;
    journeys::verify_one_address_twice(&site, &Customer::new("Twice")).await;
    register_without_password(&deployed.world).await;
    assert_eq!(deployed.refused(), Vec::<String>::new());
    deployed.unused()
}

#[tokio::test]
async fn security_144_each_function_has_exactly_its_needed_permissions() {
    let mut unused = permissions_unused_by_all(DeployedWorld::new().await).await;
    let still = permissions_unused_by_registrations(DeployedWorld::without_user_pool().await).await;
    unused.retain(|permission| still.contains(permission));
    // While an identifier key is replaced, lookups read both versions, and claims check the other one.
    let deployed = DeployedWorld::new().await;
    deployed.begin_identifier_rotation(&["default", "acme"]).await;
    let still = permissions_unused_by_all(deployed).await;
    unused.retain(|permission| still.contains(permission));
    let deployed = DeployedWorld::without_user_pool().await;
    deployed.begin_identifier_rotation(&["default"]).await;
    let still = permissions_unused_by_registrations(deployed).await;
    unused.retain(|permission| still.contains(permission));
    // The function that starts first creates its keys. In a deployment of its own, each function does this.
    for (function, purposes) in PURPOSES {
        let deployed = DeployedWorld::new().await;
        let services = deployed.services(function, purposes);
        // One of them is deployed for a single tenant.
        let is_one_tenants = function == "migration";
        let tenant = if is_one_tenants { "acme".parse().unwrap() } else { TenantId::default_tenant() };
        assert!(services.tenant(&tenant).await.is_ok(), "{function}");
        assert_eq!(services.tenant(&TenantId::default_tenant()).await.is_ok(), !is_one_tenants, "{function}");
        let still = deployed.unused();
        unused.retain(|permission| still.contains(permission));
    }
    assert_eq!(unused, BTreeSet::new(), "a permission that no code needs");
}

#[tokio::test]
async fn a_function_without_need_for_passwords_can_not_read_them() {
    let deployed = DeployedWorld::new().await;
    let asks = async |function: &str, password: bool| {
        let store = deployed.services(function, &[]).store.tenant(TenantId::default_tenant());
        let account = tests::store::account(1);
        store
            .find_principal(PrincipalQuery {
                account,
                session: None,
                grant: None,
                profile: false,
                password,
                second_factors: false,
            })
            .await
            .is_ok()
    };
    for (function, reads_passwords) in
        [("login", true), ("profile", true), ("token", false), ("export", false), ("retention", false)]
    {
        assert_eq!(asks(function, true).await, reads_passwords, "{function}");
    }
    assert!(asks("token", false).await, "the account itself");
    assert_eq!(deployed.refused().len(), 3, "{:?}", deployed.refused());
}

/// Every answer equals that of one router with all routes: the right function gets each request.
#[tokio::test]
async fn each_request_reaches_the_right_function() {
    let deployed = DeployedWorld::new().await;
    let whole = World::builder().tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let mut paths: BTreeSet<String> = routes::in_the_sources().into_iter().map(|route| route.path).collect();
    paths.retain(|path| !path.starts_with("/dev") && !path.starts_with("/demo") && path != "/");
    paths.extend(["/", "/nothing", "/v1", "/v1/me/nothing", "/account/nothing", "/healthz/"].map(str::to_owned));
    let mut compared = 0;
    for path in paths {
        let path = path.split('/').map(|part| if part.starts_with('{') { "AAAA" } else { part }).collect::<Vec<_>>().join("/");
        for base in ["", "/t/acme", "/t/unknown"] {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
            {
                let headers = [("origin", "http://localhost:3000"), ("access-control-request-method", "GET")];
                let ask = async |world: &World| {
                    let answer = Anonymous::new(world).send(method.clone(), &format!("{base}{path}"), &headers, "").await;
                    let header = |name: &str| answer.header(name).map(str::to_owned);
                    (
                        answer.status(),
                        header("allow"),
                        header("access-control-allow-origin"),
                        header("strict-transport-security"),
                    )
                };
                let (here, there) = (ask(&deployed.world).await, ask(&whole).await);
                assert_eq!(here, there, "{method} {base}{path}");
                assert!(here.3.is_some(), "security 117: {method} {base}{path}");
                compared += 1;
            }
        }
    }
    assert!(compared > 600, "{compared} requests");
    // RFC 8414 §3.1 puts the tenant last.
    let metadata = Anonymous::new(&deployed.world).get("/.well-known/oauth-authorization-server/t/acme").await.json();
    assert_eq!(metadata["issuer"], format!("{}/t/acme", deployed.world.origin()));
}

/// Users of another tenant, behind the same routes and roles.
#[tokio::test]
async fn another_tenant_works_like_the_default_one() {
    let deployed = DeployedWorld::new().await;
    let world = &deployed.world;
    let ada = Customer::new("Ada");
    ada.register_at(world, "/t/acme").await;
    let client = OAuthClient { base: "/t/acme".to_owned(), ..OAuthClient::demo_app(world) };
    let tokens = client.tokens_for(&ada).await;
    assert_eq!(client.userinfo(tokens.access()).await.json()["email"], ada.email);
    assert_eq!(deployed.refused(), Vec::<String>::new());
}

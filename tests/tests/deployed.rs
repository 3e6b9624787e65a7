//! The whole of Latchkey behind the routes and roles of `template.yaml`: everything still works, and no role may do what nothing
//! needs (security 144).
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use http::Method;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey::services::Deadline;
use latchkey::store::principal::PrincipalQuery;
use latchkey_local::world::DEFAULT_DOCUMENT;
use retention::{GoOn, Retention};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::deployed::{Deployed, PURPOSES};
use tests::routes;
use tests::user_pool::PoolUser;
use tests::{Anonymous, Browser, Customer, Me, OAuthClient, Site, World, journeys};

/// Two accounts are closed; the job erases one and puts the other off, which is held; a backup that came back is cleaned.
async fn is_erased(deployed: &Deployed) {
    let world = &deployed.world;
    let retention = Retention::new(deployed.services("retention", retention::PURPOSES), GoOn::Caller);
    let run = async |event: Value| retention.handle(&event, Deadline::default()).await.unwrap();
    let before = world.services.clock.now();
    for name in ["Leaver", "Held"] {
        let leaver = Customer::registered(world, name).await;
        assert_eq!(Me::of(world, &leaver).await.delete("/v1/me").await.status(), 202);
    }
    run(json!({ "job": "hold", "email": "held@example.com" })).await;
    world.advance(Span::days(31));
    let done = run(json!({ "job": "retention" })).await;
    // With whom came over and left again.
    assert_eq!((&done["rules"]["erasure"]["erased"], &done["rules"]["erasure"]["deferred"]), (&json!(2), &json!(1)), "{done}");
    run(json!({ "job": "release", "email": "held@example.com" })).await;
    run(json!({ "job": "replay_erasures", "since": before.to_string() })).await;
}

/// Two people come from the user pool of `acme`, by password and by mail; one of them closes the account.
async fn come_over(deployed: &Deployed) {
    let world = &deployed.world;
    let app = OAuthClient { base: "/t/acme".to_owned(), ..Me::client(world) };
    for name in ["Cleo", "Dora"] {
        let customer = Customer::new(name);
        deployed.pool.put(PoolUser::confirmed(&customer.email, &customer.password, &format!("sub-{name}")));
    }
    let cleo = Customer::new("Cleo");
    let me = Me { tokens: app.tokens_for(&cleo).await, client: app };
    assert_eq!(me.delete("/v1/me").await.status(), 202);

    let (mut browser, dora) = (Browser::new(world), Customer::new("Dora"));
    let page = browser.open("/t/acme/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &dora.email)]).await;
    let code = Site::from(world).mail_to(&dora.email).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", "quite 8 different umbrellas")]).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!((deployed.pool.take_asked("AdminInitiateAuth"), deployed.pool.take_asked("AdminGetUser")), (1, 2));
}

#[tokio::test]
async fn security_144_each_function_may_do_what_it_does_and_nothing_else() {
    let deployed = Deployed::new().await;
    let world = &deployed.world;
    journeys::all_of_it(&Site::from(world), "").await;
    come_over(&deployed).await;
    is_erased(&deployed).await;
    world.pump().await.unwrap();
    assert_eq!(deployed.refused(), Vec::<String>::new());
    let mut unused = deployed.unused();
    // Whichever function starts first makes its keys: each does in a deployment of its own.
    for (function, purposes) in PURPOSES {
        let deployed = Deployed::new().await;
        assert!(deployed.services(function, purposes).tenant(&TenantId::default_tenant()).await.is_ok(), "{function}");
        let still = deployed.unused();
        unused.retain(|permission| still.contains(permission));
    }
    assert_eq!(unused, BTreeSet::new(), "a permission that nothing needs");
}

#[tokio::test]
async fn a_function_without_business_with_passwords_is_refused_them() {
    let deployed = Deployed::new().await;
    let asks = async |function: &str, password: bool| {
        let store = deployed.services(function, &[]).store.tenant(TenantId::default_tenant());
        let account = tests::store::account(1);
        store.find_principal(PrincipalQuery { account, session: None, grant: None, profile: false, password }).await.is_ok()
    };
    for (function, reads_passwords) in
        [("login", true), ("profile", true), ("token", false), ("export", false), ("retention", false)]
    {
        assert_eq!(asks(function, true).await, reads_passwords, "{function}");
    }
    assert!(asks("token", false).await, "the account itself");
    assert_eq!(deployed.refused().len(), 3, "{:?}", deployed.refused());
}

/// Whatever is asked, it is answered as by one router that has every route: the right function gets it.
#[tokio::test]
async fn each_request_reaches_the_function_that_knows_its_path() {
    let deployed = Deployed::new().await;
    let whole = World::builder().tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let mut paths: BTreeSet<String> = routes::in_the_sources().into_iter().map(|route| route.path).collect();
    paths.retain(|path| !path.starts_with("/dev") && !path.starts_with("/demo") && path != "/");
    paths.extend(["/", "/nothing", "/v1", "/v1/me/nothing", "/account/nothing", "/healthz/"].map(str::to_owned));
    let mut compared = 0;
    for path in paths {
        let path = path.split('/').map(|part| if part.starts_with('{') { "AAAA" } else { part }).collect::<Vec<_>>().join("/");
        for base in ["", "/t/acme", "/t/nobody"] {
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

/// Another tenant's people, behind the same routes and roles.
#[tokio::test]
async fn another_tenant_is_served_as_the_default_one() {
    let deployed = Deployed::new().await;
    let world = &deployed.world;
    let ada = Customer::new("Ada");
    ada.register_at(world, "/t/acme").await;
    let client = OAuthClient { base: "/t/acme".to_owned(), ..OAuthClient::demo_app(world) };
    let tokens = client.tokens_for(&ada).await;
    assert_eq!(client.userinfo(tokens.access()).await.json()["email"], ada.email);
    assert_eq!(deployed.refused(), Vec::<String>::new());
}

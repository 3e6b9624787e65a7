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
use tests::{Anonymous, Browser, Customer, Me, OAuthClient, World};

async fn newest_code(world: &World, address: &str) -> String {
    world.mails_to(address).await.unwrap().remove(0).codes.remove(0)
}

/// A registration on the pages, with a wrong code, a new one, and the right one.
async fn registers_on_pages(world: &World) {
    let (mut browser, customer) = (Browser::new(world), Customer::new("Grace"));
    let page = browser.open("/register").await;
    let page = browser
        .submit(
            &page,
            "#submit",
            &[
                ("identifier", &customer.email),
                ("password", &customer.password),
                ("given_name", &customer.given_name),
                ("family_name", &customer.family_name),
                ("terms.terms", "1"),
            ],
        )
        .await;
    assert!(page.has_field("code"), "{}", page.text());
    let page = browser.submit(&page, "#submit", &[("code", "000000")]).await;
    let page = browser.submit(&page, "#resend", &[]).await;
    let code = newest_code(world, &customer.email).await;
    let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(page.status() < 400 && !page.has_field("code"), "{}", page.text());
}

/// A sign-in with consent, one that fails, one of nobody, a recovery, a sign-out.
async fn signs_in_and_recovers(world: &World, customer: &Customer) {
    let mut browser = Browser::new(world);
    let web = OAuthClient::demo_web(world);
    let page = browser.open(&web.authorize_url(&[])).await;
    for (identifier, password) in [(customer.email.as_str(), "wrong horse 1"), ("nobody@example.com", "wrong horse 1")] {
        assert!(
            browser.submit(&page, "#submit", &[("identifier", identifier), ("password", password)]).await.has_field("password")
        );
    }
    let callback = web.sign_in(&mut browser, customer).await;
    let tokens = web.redeem(&callback.query("code").unwrap()).await.tokens();
    assert_eq!(web.introspect(tokens.access()).await.json()["active"], true);
    assert_eq!(web.redeem(&callback.query("code").unwrap()).await.status(), 400, "a replay");
    let url = web.authorize_url(&[]);
    let query = url.split_once('?').unwrap().1.to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let posted = Anonymous::new(world).send(Method::POST, "/oauth2/authorize", &form, query).await;
    assert!(browser.open(posted.header("location").unwrap()).await.query("code").is_some());
    browser.open("/oauth2/logout").await;

    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &customer.email)]).await;
    let code = newest_code(world, &customer.email).await;
    let wrong = browser.submit(&page, "#submit", &[("code", "AAAAAAAAAA"), ("password", "another 3 green bicycles")]).await;
    let done = browser.submit(&wrong, "#submit", &[("code", &code), ("password", &customer.password)]).await;
    assert!(!done.has_field("code"), "{}", done.text());
    world.pump().await.unwrap();
}

/// Tokens of clients: refreshed, revoked with and without a grant.
async fn clients_use_tokens(world: &World, customer: &Customer) {
    let app = OAuthClient::demo_app(world);
    let tokens = app.tokens_for(customer).await;
    assert_eq!(app.userinfo(tokens.access()).await.json()["email"], customer.email);
    let next = app.refresh(tokens.refresh()).await.tokens();
    assert_eq!(app.revoke(next.access()).await.status(), 200);
    assert_eq!(app.revoke(next.refresh()).await.status(), 200);
    let service = OAuthClient::demo_service(world);
    let token = service.client_credentials().await.tokens();
    assert_eq!(service.introspect(token.access()).await.json()["active"], true);
    assert_eq!(service.revoke(token.access()).await.status(), 200);
    assert_eq!(service.introspect(token.access()).await.json()["active"], false);
}

/// Profile, password, address, sessions, consents.
async fn helps_oneself(world: &World, customer: &mut Customer) {
    let me = Me::of(world, customer).await;
    let other = Me::of(world, customer).await;
    let shown = me.get("/v1/me").await;
    let version = shown.header("etag").unwrap().to_owned();
    let edited = me.call(Method::PATCH, "/v1/me", &[("if-match", &version)], Some(&json!({ "given_name": "Augusta" }))).await;
    assert_eq!(edited.status(), 200, "{}", edited.text());
    assert_eq!(me.get("/v1/me/consents").await.status(), 200);
    let withdrawn = me.delete("/v1/me/consents/demo-web").await;
    assert_eq!(withdrawn.status(), 204, "{}", withdrawn.text());
    let sessions = me.get("/v1/me/sessions").await.json();
    let ended = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap().clone();
    let ended = me.delete(&format!("/v1/me/sessions/{}", ended["sid"].as_str().unwrap())).await;
    assert_eq!(ended.status(), 204, "{}", ended.text());
    drop(other);
    let new = "7 other green bicycles";
    let changed = json!({ "current_password": "wrong horse 1", "new_password": new });
    assert!(me.post("/v1/me/password", &changed).await.status() < 500);
    let changed = json!({ "current_password": customer.password, "new_password": new });
    let changed = me.post("/v1/me/password", &changed).await;
    assert_eq!(changed.status(), 204, "{}", changed.text());
    new.clone_into(&mut customer.password);
    let begun = me.post("/v1/me/email", &json!({ "email": "countess@example.org" })).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    assert!(me.post("/v1/me/email/verification", &json!({ "code": "AAAAAAAAAA" })).await.status() < 500);
    let code = newest_code(world, "countess@example.org").await;
    let proven = me.post("/v1/me/email/verification", &json!({ "code": code })).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    "countess@example.org".clone_into(&mut customer.email);
    // An address that somebody else was faster with.
    let late = Customer { email: "late@example.org".to_owned(), ..Customer::new("Late") };
    let begun = me.post("/v1/me/email", &json!({ "email": late.email })).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    let code = newest_code(world, &late.email).await;
    late.register(world).await;
    let beaten = me.post("/v1/me/email/verification", &json!({ "code": code })).await;
    assert_eq!(beaten.status(), 409, "{}", beaten.text());
}

/// The account pages, and a change of address that its owner undoes.
async fn looks_around_and_undoes(world: &World) {
    let customer = Customer::registered(world, "Undine").await;
    let mut browser = Browser::new(world);
    let me = Me::signed_in(&mut browser, world, &customer).await;
    for page in ["/account", "/account/security", "/account/sessions", "/account/consents", "/account/privacy"] {
        assert_eq!(browser.open(page).await.status(), 200, "{page}");
    }
    me.post("/v1/me/email", &json!({ "email": "thief@example.org" })).await;
    let code = newest_code(world, "thief@example.org").await;
    assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200);
    let mail = world.mails_to(&customer.email).await.unwrap().remove(0);
    let mut owner = Browser::new(world);
    let undo = owner.open(mail.links.iter().find(|link| link.contains("/account/email/undo")).unwrap()).await;
    let undone = owner.submit(&undo, "#confirm", &[]).await;
    assert_eq!(undone.status(), 200, "{}", undone.text());
    let sign_in = owner.open("/login").await;
    assert!(customer.sign_in(&mut owner, &sign_in).await.has_field("password"), "the password is gone");
}

/// Everything held about a person, by the call and on the pages.
async fn is_given_everything(world: &World, customer: &Customer) {
    let mut browser = Browser::new(world);
    let me = Me::signed_in(&mut browser, world, customer).await;
    let begun = me.post("/v1/me/exports", &json!({})).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    let id = begun.json()["export_id"].as_str().unwrap().to_owned();
    assert_eq!(me.get(&format!("/v1/me/exports/{id}")).await.status(), 200);
    let document = me.get(&format!("/v1/me/exports/{id}/document")).await;
    assert_eq!(document.status(), 200, "{}", document.text());
    let page = browser.open("/account/export").await;
    assert_eq!(page.status(), 200, "{}", page.text());
}

/// An account is closed, and restored by the mailed link.
async fn leaves_and_comes_back(world: &World, customer: &Customer) {
    let closed = Me::of(world, customer).await.delete("/v1/me").await;
    assert_eq!(closed.status(), 202, "{}", closed.text());
    let mail = world.mails_to(&customer.email).await.unwrap().remove(0);
    let token = mail.links.iter().find_map(|link| link.split_once("/account/restore?token=")).unwrap().1;
    let restored = Anonymous::new(world).post_json("/v1/me/restoration", &json!({ "token": token })).await;
    assert_eq!(restored.status(), 204, "{}", restored.text());
}

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
    assert_eq!((&done["rules"]["erasure"]["erased"], &done["rules"]["erasure"]["deferred"]), (&json!(1), &json!(1)), "{done}");
    run(json!({ "job": "release", "email": "held@example.com" })).await;
    run(json!({ "job": "replay_erasures", "since": before.to_string() })).await;
}

/// Two flows for one address, both proven: the second meets what the first did.
async fn two_prove_one_address(world: &World) {
    let (api, customer) = (Anonymous::new(world), Customer::new("Twice"));
    let mut begun = Vec::new();
    for _ in 0..2 {
        let started = api.post_json("/v1/registrations", &customer.registration()).await.json();
        begun.push((started["registration_id"].as_str().unwrap().to_owned(), newest_code(world, &customer.email).await));
    }
    for ((id, code), status) in begun.into_iter().zip([201, 409]) {
        let answer = api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
    }
}

#[tokio::test]
async fn security_144_each_function_may_do_what_it_does_and_nothing_else() {
    let deployed = Deployed::new().await;
    let world = &deployed.world;
    let mut ada = Customer::registered(world, "Ada").await;
    registers_on_pages(world).await;
    two_prove_one_address(world).await;
    signs_in_and_recovers(world, &ada).await;
    clients_use_tokens(world, &ada).await;
    helps_oneself(world, &mut ada).await;
    looks_around_and_undoes(world).await;
    is_given_everything(world, &ada).await;
    leaves_and_comes_back(world, &ada).await;
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

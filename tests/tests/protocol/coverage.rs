//! Every route × {no token, wrong scope, another account, another tenant}. The routes come from the sources. The test fails if a
//! route is not in the list, or if a listed route does not exist.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use http::Method;
use std::collections::BTreeSet;
use tests::anonymous::Answer;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient, Page, Tokens, World};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// All callers. No credential changes the answer.
    Everybody,
    /// A bearer of an access token with this scope, for the account of the token.
    Bearer,
    /// A bearer of an access token with scope `account`, for the account of the token and for items of that account.
    OwnAccount,
    /// An authenticated client, for its own tokens.
    Client,
    /// A signed-in browser. Others are redirected to the sign-in.
    Session,
    /// The caller that started the flow of the sealed id, in its tenant.
    Flow,
    /// This machine, through the gateway's own listener. Not part of the functions.
    ThisMachine,
}
use Access::{Bearer, Client, Everybody, Flow, OwnAccount, Session, ThisMachine};

const ROUTES: &[(&str, &str, Access)] = &[
    ("GET", "/.well-known/openid-configuration", Everybody),
    ("GET", "/.well-known/oauth-authorization-server", Everybody),
    ("GET", "/.well-known/change-password", Everybody),
    ("GET", "/.well-known/{file}", Everybody),
    ("GET", "/assets/{file}", Everybody),
    ("POST", "/login/passkey", Everybody),
    ("GET", "/login/passkey/options", Everybody),
    ("GET", "/.well-known/jwks.json", Everybody),
    ("GET", "/healthz", Everybody),
    ("GET", "/problems/{code}", Everybody),
    ("GET", "/v1/registration/form", Everybody),
    ("POST", "/v1/registrations", Everybody),
    ("GET", "/login", Everybody),
    ("POST", "/login", Everybody),
    ("GET", "/login/code", Everybody),
    ("POST", "/login/code", Everybody),
    ("GET", "/login/lost-factor", Everybody),
    ("POST", "/login/lost-factor", Everybody),
    ("GET", "/login/second-step", Everybody),
    ("POST", "/login/second-step", Everybody),
    ("GET", "/register", Everybody),
    ("POST", "/register", Everybody),
    ("GET", "/recover", Everybody),
    ("POST", "/recover", Everybody),
    ("POST", "/oauth2/token", Client),
    ("POST", "/oauth2/revoke", Client),
    ("POST", "/oauth2/introspect", Client),
    ("GET", "/userinfo", Bearer),
    ("POST", "/userinfo", Bearer),
    ("GET", "/v1/me", OwnAccount),
    ("PATCH", "/v1/me", OwnAccount),
    ("POST", "/v1/me/password", OwnAccount),
    ("POST", "/v1/me/email", OwnAccount),
    ("POST", "/v1/me/email/verification", OwnAccount),
    ("GET", "/v1/me/factors", OwnAccount),
    ("GET", "/v1/me/sessions", OwnAccount),
    ("DELETE", "/v1/me/sessions/{sid}", OwnAccount),
    ("GET", "/v1/me/consents", OwnAccount),
    ("DELETE", "/v1/me/consents/{client_id}", OwnAccount),
    ("GET", "/v1/me/terms", OwnAccount),
    ("POST", "/v1/me/terms/{document}", OwnAccount),
    ("DELETE", "/v1/me/terms/{document}", OwnAccount),
    ("DELETE", "/v1/me", OwnAccount),
    ("POST", "/v1/me/exports", OwnAccount),
    ("GET", "/v1/me/exports/{id}", OwnAccount),
    ("GET", "/v1/me/exports/{id}/document", OwnAccount),
    ("POST", "/v1/me/restoration", Everybody),
    ("GET", "/account", Session),
    ("POST", "/account", Session),
    ("GET", "/account/security", Session),
    ("GET", "/account/password", Session),
    ("POST", "/account/password", Session),
    ("GET", "/account/email", Session),
    ("POST", "/account/email", Session),
    ("GET", "/account/email/undo", Everybody),
    ("POST", "/account/email/undo", Everybody),
    ("GET", "/account/confirm-address", Session),
    ("POST", "/account/confirm-address", Session),
    ("GET", "/account/lost-factor", Everybody),
    ("POST", "/account/lost-factor", Everybody),
    ("GET", "/account/not-me", Everybody),
    ("POST", "/account/not-me", Everybody),
    ("GET", "/account/passkeys", Session),
    ("POST", "/account/passkeys", Session),
    ("GET", "/account/passkeys/new", Session),
    ("POST", "/account/passkeys/new", Session),
    ("GET", "/account/two-step", Session),
    ("POST", "/account/two-step", Session),
    ("GET", "/account/two-step/app", Session),
    ("POST", "/account/two-step/app", Session),
    ("GET", "/account/two-step/codes", Session),
    ("POST", "/account/two-step/codes", Session),
    ("GET", "/account/two-step/codes/file", Session),
    ("GET", "/account/two-step/remove", Session),
    ("POST", "/account/two-step/remove", Session),
    ("GET", "/account/sessions", Session),
    ("POST", "/account/sessions", Session),
    ("GET", "/account/consents", Session),
    ("POST", "/account/consents", Session),
    ("GET", "/account/privacy", Session),
    ("POST", "/account/privacy", Session),
    ("GET", "/account/delete", Session),
    ("POST", "/account/delete", Session),
    ("GET", "/account/restore", Everybody),
    ("POST", "/account/restore", Everybody),
    ("GET", "/account/export", Session),
    ("POST", "/account/export", Session),
    ("GET", "/account/export/{id}", Session),
    ("GET", "/account/export/{id}/document", Session),
    ("GET", "/oauth2/authorize", Session),
    ("POST", "/oauth2/authorize", Session),
    ("GET", "/login/enroll", Session),
    ("POST", "/login/enroll", Session),
    ("GET", "/login/passkey/offer", Session),
    ("POST", "/login/passkey/offer", Session),
    ("GET", "/complete", Session),
    ("POST", "/complete", Session),
    ("GET", "/consent", Session),
    ("POST", "/consent", Session),
    ("GET", "/oauth2/logout", Everybody),
    ("POST", "/oauth2/logout", Everybody),
    ("POST", "/v1/registrations/{id}/verification", Flow),
    ("POST", "/v1/registrations/{id}/resend", Flow),
    ("GET", "/verify", Flow),
    ("POST", "/verify", Flow),
    ("GET", "/", ThisMachine),
    ("GET", "/openapi.json", ThisMachine),
    ("GET", "/dev/api", ThisMachine),
    ("GET", "/dev/mailbox", ThisMachine),
    ("GET", "/dev/mailbox/{id}", ThisMachine),
    ("GET", "/dev/mailbox.json", ThisMachine),
    ("POST", "/dev/clock", ThisMachine),
    ("POST", "/dev/run", ThisMachine),
    ("POST", "/dev/tables/", ThisMachine),
    ("GET", "/demo", ThisMachine),
    ("GET", "/demo/", ThisMachine),
    ("POST", "/demo/sign-in", ThisMachine),
    ("GET", "/demo/callback", ThisMachine),
    ("POST", "/demo/refresh", ThisMachine),
    ("POST", "/demo/sign-out", ThisMachine),
];

fn listed() -> impl Iterator<Item = (&'static str, &'static str, Access)> {
    ROUTES.iter().copied()
}

#[test]
fn every_route_is_listed_and_every_listed_route_exists() {
    let listed: BTreeSet<_> = listed().map(|(method, path, _)| (method.to_owned(), path.to_owned())).collect();
    let in_the_sources: BTreeSet<_> =
        tests::routes::in_the_sources().into_iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(in_the_sources, listed);
}

/// Two tenants with the same document, two users at the first, one at the second, and tokens of each.
struct Scene {
    world: World,
    api: Anonymous,
    ada: Tokens,
    /// The same client, another account.
    bob: Tokens,
    /// No account, no `openid`.
    service: Tokens,
    /// Another tenant, another account.
    foreign: Tokens,
    /// Ada's browser.
    browser: Browser,
    /// The browser of the user at the other tenant.
    foreign_browser: Browser,
}

async fn prepare_scene() -> Scene {
    let world = World::builder().tenant("acme", latchkey_local::assemble::DEFAULT_DOCUMENT).build().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let at_acme = OAuthClient { base: "/t/acme".to_owned(), ..client.clone() };
    let (ada, bob, eve) = (Customer::new("Ada"), Customer::new("Bob"), Customer::new("Eve"));
    ada.register(&world).await;
    bob.register(&world).await;
    eve.register_at(&world, "/t/acme").await;
    let mut browser = Browser::new(&world);
    let mut foreign_browser = Browser::new(&world);
    let code = |page: Page| page.query("code").unwrap();
    let ada = client.redeem(&code(client.sign_in(&mut browser, &ada).await)).await.tokens();
    let bob = client.redeem(&code(client.sign_in(&mut Browser::new(&world), &bob).await)).await.tokens();
    let foreign = at_acme.redeem(&code(at_acme.sign_in(&mut foreign_browser, &eve).await)).await.tokens();
    let service = OAuthClient::demo_service(&world).client_credentials().await.tokens();
    Scene { api: Anonymous::new(&world), world, ada, bob, service, foreign, browser, foreign_browser }
}

impl Scene {
    async fn call(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if path.starts_with("/v1/") {
            headers = vec![("content-type", "application/json")];
        }
        if let Some(authorization) = &authorization {
            headers.push(("authorization", authorization));
        }
        let path = path.replace("{code}", "not_found").replace("{id}", "no-such-id").replace("{sid}", "no-such-id");
        let path = path.replace("{client_id}", "no-such-id").replace("{document}", "no-such-id");
        let body = if path.starts_with("/v1/") && matches!(method, "POST" | "PATCH") { "{}" } else { "" };
        self.api.send(Method::from_bytes(method.as_bytes()).unwrap(), &path, &headers, body).await
    }
}

#[tokio::test]
async fn credentials_do_not_change_the_answer_of_a_public_route() {
    let scene = prepare_scene().await;
    for (method, path, access) in listed().filter(|(.., access)| matches!(access, Everybody | Session | Flow | ThisMachine)) {
        let without = scene.call(method, path, None).await.status();
        assert!(without < 500, "{method} {path}: {without}");
        for token in [scene.service.access(), scene.ada.access(), scene.bob.access(), scene.foreign.access(), "garbage"] {
            assert_eq!(scene.call(method, path, Some(token)).await.status(), without, "{method} {path} ({access:?})");
        }
        if access == ThisMachine {
            assert_eq!(without, 404, "{method} {path} is not part of the functions");
        }
    }
}

#[tokio::test]
async fn a_bearer_route_is_for_the_account_tenant_and_scope_of_the_token() {
    let scene = prepare_scene().await;
    for (method, path, _) in listed().filter(|(.., access)| *access == Bearer) {
        assert_eq!(scene.call(method, path, None).await.status(), 401, "{method} {path}: no token");
        for (description, token, statuses) in [
            ("wrong scope", scene.service.access(), &[401, 403][..]),
            ("another tenant", scene.foreign.access(), &[401]),
            ("an ID token", scene.ada.json["id_token"].as_str().unwrap(), &[401]),
            ("a refresh token", scene.ada.refresh(), &[401]),
        ] {
            let answer = scene.call(method, path, Some(token)).await;
            assert!(statuses.contains(&answer.status()), "{method} {path}: {description}: {}", answer.status());
        }
        let at_acme = scene.call(method, &format!("/t/acme{path}"), Some(scene.ada.access())).await;
        assert_eq!(at_acme.status(), 401, "{method} {path}: at another tenant");
        for tokens in [&scene.ada, &scene.bob] {
            let answer = scene.call(method, path, Some(tokens.access())).await.json();
            assert_eq!(answer["sub"], tokens.id_claims()["sub"], "{method} {path}: its own account only");
        }
    }
}

#[tokio::test]
async fn an_account_route_is_for_the_account_tenant_and_scope_of_the_token() {
    let scene = prepare_scene().await;
    for (method, path, _) in listed().filter(|(.., access)| *access == OwnAccount) {
        assert_eq!(scene.call(method, path, None).await.status(), 401, "{method} {path}: no token");
        for (description, token, status) in [
            ("a client's own token, for a resource", scene.service.access(), 401),
            ("without the scope", scene.ada.access(), 403),
            ("another tenant", scene.foreign.access(), 401),
            ("an ID token", scene.ada.json["id_token"].as_str().unwrap(), 401),
            ("a refresh token", scene.ada.refresh(), 401),
        ] {
            assert_eq!(scene.call(method, path, Some(token)).await.status(), status, "{method} {path}: {description}");
        }
        let at_acme = scene.call(method, &format!("/t/acme{path}"), Some(scene.ada.access())).await;
        assert_eq!(at_acme.status(), 401, "{method} {path}: at another tenant");
    }
    // A token opens its own account only, and items are looked up only there.
    let (ada, bob) = (
        AccountClient::new(&scene.world, &Customer::new("Ada")).await,
        AccountClient::new(&scene.world, &Customer::new("Bob")).await,
    );
    for me in [&ada, &bob] {
        assert_eq!(me.get("/v1/me").await.json()["sub"], me.tokens.id_claims()["sub"]);
    }
    let sid = bob.get("/v1/me/sessions").await.json()["sessions"][0]["sid"].as_str().unwrap().to_owned();
    assert_eq!(ada.delete(&format!("/v1/me/sessions/{sid}")).await.status(), 404, "another account's session");
    assert_eq!(bob.is_alive().await, (true, true));
}

#[tokio::test]
async fn a_client_route_is_for_that_clients_tokens_in_its_tenant() {
    let scene = prepare_scene().await;
    let app = OAuthClient::demo_app(&scene.world);
    let web = OAuthClient::demo_web(&scene.world);
    for (method, path, _) in listed().filter(|(.., access)| *access == Client) {
        let answer = scene.call(method, path, None).await;
        assert!(matches!(answer.status(), 400 | 401), "{method} {path}: no client: {}", answer.status());
        let with_token = scene.call(method, path, Some(scene.ada.access())).await;
        assert!(
            matches!(with_token.status(), 400 | 401),
            "{method} {path}: an access token does not authenticate a client: {}",
            with_token.status()
        );
        let wrong = OAuthClient { secret: Some("wrong".to_owned()), ..web.clone() };
        assert_eq!(
            wrong.post(path, &[("token", "x"), ("grant_type", "refresh_token")]).await.status(),
            401,
            "{path}: wrong secret"
        );
    }
    // Another client, and the same client at another tenant, can neither use nor see nor revoke the tokens.
    let at_acme = OAuthClient { base: "/t/acme".to_owned(), ..app.clone() };
    let web_at_acme = OAuthClient { base: "/t/acme".to_owned(), ..web.clone() };
    for client in [&at_acme, &web_at_acme] {
        assert_eq!(client.refresh(scene.ada.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    }
    for client in [&web, &at_acme, &web_at_acme] {
        assert_eq!(client.revoke(scene.ada.refresh()).await.status(), 200);
        assert_eq!(client.revoke(scene.ada.access()).await.status(), 200);
    }
    for client in [&web, &web_at_acme] {
        for token in [scene.ada.access(), scene.ada.refresh(), scene.foreign.access(), scene.foreign.refresh()] {
            assert_eq!(client.introspect(token).await.json(), serde_json::json!({ "active": false }));
        }
    }
    assert_eq!(app.userinfo(scene.ada.access()).await.status(), 200, "the token is still valid");
    assert_eq!(app.refresh(scene.ada.refresh()).await.status(), 200, "the token is still valid");
    // A genuine refresh token presented by another client was stolen: its grant ends (3.3).
    assert_eq!(web.refresh(scene.bob.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(app.refresh(scene.bob.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    // A wider scope than the client has.
    let service = OAuthClient { scope: "openid account".to_owned(), ..OAuthClient::demo_service(&scene.world) };
    assert_eq!(service.client_credentials().await.refusal(), (400, "invalid_scope".to_owned()));
}

#[tokio::test]
async fn a_session_belongs_to_one_browser_and_one_tenant() {
    let mut scene = prepare_scene().await;
    let app = OAuthClient::demo_app(&scene.world);
    let silent = app.authorize_url(&[("prompt", "none")]);
    assert!(scene.browser.open(&silent).await.query("code").is_some(), "its own session");
    let foreign = scene.foreign_browser.open(&silent).await;
    assert_eq!(foreign.query("error").as_deref(), Some("login_required"), "a session of another tenant: {}", foreign.url);
    // The same cookie value under the name that this tenant reads.
    let mut moved = Browser::new(&scene.world);
    for (name, value) in &scene.foreign_browser.cookies {
        moved.cookies.insert(name.trim_end_matches("-acme").to_owned(), value.clone());
    }
    assert_eq!(moved.open(&silent).await.query("error").as_deref(), Some("login_required"), "moved across tenants");
    let mut new_browser = Browser::new(&scene.world);
    assert_eq!(new_browser.open(&silent).await.query("error").as_deref(), Some("login_required"), "no session");
    for (method, path, _) in listed().filter(|(.., access)| *access == Session) {
        let query = app.authorize_url(&[]);
        let query = query.split_once('?').unwrap().1;
        let url = scene.world.origin().to_owned() + path + "?" + query;
        let body = if path == "/oauth2/authorize" && method == "POST" { query.to_owned() } else { String::new() };
        let response =
            Browser::new(&scene.world).request(Method::from_bytes(method.as_bytes()).unwrap(), &url, None, body).await;
        let location = response.headers().get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
        let refused = response.status() == 403 || (response.status() == 303 && !location.contains("code="));
        assert!(refused, "{method} {path}: {} {location}", response.status());
    }
}

#[tokio::test]
async fn a_flow_belongs_to_one_tenant_and_its_id_can_not_be_forged() {
    let scene = prepare_scene().await;
    let started = scene.api.post_json("/v1/registrations", &Customer::new("Zoe").registration()).await.json();
    let id = started["registration_id"].as_str().unwrap();
    let mail = scene.world.mails_to("zoe@example.com").await.unwrap().remove(0);
    let code = serde_json::json!({ "code": mail.codes[0] });
    for path in
        [format!("/t/acme/v1/registrations/{id}"), "/v1/registrations/AAAA".to_owned(), format!("/v1/registrations/{id}A")]
    {
        for (end, body) in [("verification", &code), ("resend", &serde_json::json!({}))] {
            let answer = scene.api.post_json(&format!("{path}/{end}"), body).await;
            assert!(matches!(answer.status(), 400 | 404), "{path}/{end}: {}", answer.text());
        }
    }
    let page = scene.api.get(&format!("/t/acme/verify?flow={id}")).await;
    assert!(!page.text().contains("zoe"), "{}", page.text());
    let proven = scene.api.post_json(&format!("/v1/registrations/{id}/verification"), &code).await;
    assert_eq!(proven.status(), 201, "it still works at its own tenant: {}", proven.text());
}

//! A flow continues wherever it can: a second tab, a form without its cookie, a long request, a client that was removed meanwhile.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use tests::{AccountClient, Browser, Customer, OAuthClient, Page};

async fn new_world() -> World {
    World::new().await.expect("a world")
}

fn without_cookies(browser: &mut Browser, part: &str) {
    browser.cookies.retain(|name, _| !name.contains(part));
}

fn value(page: &Page, field: &str) -> String {
    let form = page.form("#submit");
    form.fields.into_iter().find(|(name, _)| name == field).map(|(_, value)| value).unwrap_or_default()
}

/// A state of 1,500 accepted bytes, each of which takes three when it is encoded.
fn growing_state() -> String {
    "+/=".repeat(500)
}

#[tokio::test]
async fn a_second_tab_continues_when_the_first_has_signed_in() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let (web, app) = (OAuthClient::demo_web(&world), OAuthClient::demo_app(&world));
    let mut browser = Browser::new(&world);
    let second = browser.open(&app.authorize_url(&[])).await;
    assert!(second.has_field("password"));
    web.sign_in(&mut browser, &ada).await;
    // The second tab is reloaded.
    let page = browser.open(&second.url).await;
    assert!(page.query("code").is_some() || page.has_button("#allow"), "{} {}", page.url, page.text());
    // A request that demands a sign-in still asks, and the link to another user does too.
    let login = browser.open(&app.authorize_url(&[("prompt", "login")])).await;
    assert!(login.has_field("password") && browser.open(&login.url).await.has_field("password"));
    let consent = browser.open(&web.authorize_url(&[("prompt", "consent")])).await;
    let switch = consent.links().into_iter().find(|link| link.contains("/login")).expect("a link to sign in as another user");
    assert!(browser.open(&switch).await.has_field("password"), "{switch}");
}

#[tokio::test]
async fn security_10_a_sign_in_that_was_demanded_counts_while_the_consent_page_is_read() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let web = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorize_url(&[("prompt", "login consent")])).await;
    let consent = ada.sign_in(&mut browser, &page).await;
    world.advance(Span::minutes(3));
    let callback = browser.submit(&consent, "#allow", &[]).await;
    assert!(callback.query("code").is_some(), "{} {}", callback.url, callback.text());
    // Without the consent page just answered, an old sign-in does not count.
    let again = browser.open(&web.authorize_url(&[("prompt", "login consent")])).await;
    let consent = ada.sign_in(&mut browser, &again).await;
    world.advance(Span::minutes(61));
    let late = browser.submit(&consent, "#allow", &[]).await;
    assert!(late.query("code").is_none() && late.has_field("password"), "{}", late.url);
}

#[tokio::test]
async fn security_17_a_form_without_its_cookie_is_shown_again_with_what_was_typed_but_never_the_password() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    for (path, field) in [("/login", "identifier"), ("/recover", "identifier"), ("/register", "given_name")] {
        let page = browser.open(path).await;
        without_cookies(&mut browser, "browser");
        let typed = [("identifier", ada.email.as_str()), ("password", ada.password.as_str()), (field, "typed@example.com")];
        let again = browser.submit(&page, "#submit", &typed).await;
        assert_eq!(again.status(), 403, "{path}");
        assert!(again.text().contains("could not be checked"), "{path}: {}", again.text());
        assert_eq!(value(&again, field), "typed@example.com", "{path}");
        assert!(!again.html().contains(&ada.password), "{path}");
    }
    // It can be sent at once.
    let page = browser.open("/login").await;
    without_cookies(&mut browser, "browser");
    let fields = [("identifier", ada.email.as_str()), ("password", ada.password.as_str())];
    let again = browser.submit(&page, "#submit", &fields).await;
    let done = browser.submit(&again, "#submit", &fields).await;
    assert!(done.text().contains("You are signed in"), "{}", done.text());
    // A form of another site shows nothing that it sent.
    let page = browser.open("/recover").await;
    browser.headers = vec![("sec-fetch-site".to_owned(), "cross-site".to_owned())];
    let foreign = browser.submit(&page, "#submit", &[("identifier", "typed@example.com")]).await;
    assert_eq!(foreign.status(), 403);
    assert!(!foreign.html().contains("typed@example.com"));
}

#[tokio::test]
async fn security_17_a_stale_form_of_another_browsers_transaction_shows_nothing_of_it() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut own = Browser::new(&world);
    let page = own.open("/recover").await;
    let reset = own.submit(&page, "#submit", &[("identifier", &ada.email)]).await.expect(StatusCode::OK);
    let mut other = Browser::new(&world);
    let fields = [("code", "abcde23456"), ("password", "Ada sails 3 red boats")];
    let seen = other.submit(&reset, "#submit", &fields).await;
    assert_eq!(seen.status(), 403);
    for part in [ada.email.as_str(), "abcde23456", "name=\"code\"", "name=\"password\""] {
        assert!(!seen.html().contains(part), "{part}: {}", seen.text());
    }
    // In its own browser the code stays, the password does not.
    let sent = [("code", "abcde23456"), ("password", "Ada sails 3 red boats"), ("anti_forgery", "AAAA")];
    let again = own.submit(&reset, "#submit", &sent).await;
    assert_eq!((again.status(), value(&again, "code").as_str()), (403, "abcde23456"));
    assert!(!again.html().contains("red boats"));
    let web = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorize_url(&[])).await;
    let consent = ada.sign_in(&mut browser, &page).await;
    without_cookies(&mut browser, "browser");
    let again = browser.submit(&consent, "#allow", &[]).await;
    assert_eq!(again.status(), 403);
    assert!(browser.submit(&again, "#allow", &[]).await.query("code").is_some());
}

#[tokio::test]
async fn an_edit_after_the_session_ended_keeps_what_was_typed() {
    let world = new_world().await;
    let (ada, eve) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Eve").await);
    let mut browser = Browser::new(&world);
    let page = browser.open("/account").await;
    let profile = ada.sign_in(&mut browser, &page).await;
    world.advance(Span::days(40));
    let page = browser.submit(&profile, "#submit", &[("given_name", "Augusta")]).await;
    assert!(page.has_field("password"), "{}", page.text());
    let mut another = browser.clone();
    let back = ada.sign_in(&mut browser, &page).await;
    assert_eq!((back.path().as_str(), value(&back, "given_name").as_str()), ("/account", "Augusta"));
    assert!(back.text().contains("not saved yet"), "{}", back.text());
    let me = AccountClient::new(&world, &ada).await;
    assert_eq!(me.get("/v1/me").await.json()["given_name"], "Ada", "nothing is saved before the button");
    browser.submit(&back, "#submit", &[]).await.expect(StatusCode::OK);
    assert_eq!(me.get("/v1/me").await.json()["given_name"], "Augusta");
    // Another user who signs in here does not see it.
    let back = eve.sign_in(&mut another, &page).await;
    assert_eq!((back.path().as_str(), value(&back, "given_name").as_str()), ("/account", "Eve"));
    // Neither does another browser with the address.
    let mut stranger = Browser::new(&world);
    let page = stranger.open(&page.url).await;
    let back = ada.sign_in(&mut stranger, &page).await;
    assert!(!back.text().contains("not saved yet"), "{}", back.text());
}

#[tokio::test]
async fn what_authorize_accepts_is_carried_through_registration_and_recovery() {
    let world = new_world().await;
    let app = OAuthClient::demo_app(&world);
    let state = growing_state();
    let url = app
        .authorize_url(&[])
        .replace("state-of-the-test", &url::form_urlencoded::byte_serialize(state.as_bytes()).collect::<String>());
    // Registration.
    let grace = Customer::new("Grace");
    let mut browser = Browser::new(&world);
    let page = browser.open(&url).await;
    let register = page.links().into_iter().find(|link| link.contains("/register")).expect("a link to register");
    let form = browser.open(&register).await.expect(StatusCode::OK);
    let verify = browser.submit(&form, "#submit", &grace.form_fields()).await.expect(StatusCode::OK);
    let code = world.mails_to(&grace.email).await.expect("mails").remove(0).codes.remove(0);
    let mut page = browser.submit(&verify, "#submit", &[("code", &code)]).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    assert_eq!(page.query("state"), Some(state.clone()), "{} {}", page.url, page.text());
    assert_eq!(app.redeem(&page.query("code").expect("a code")).await.status(), 200);
    // Password reset.
    let mut browser = Browser::new(&world);
    let page = browser.open(&url).await;
    let recover = page.links().into_iter().find(|link| link.contains("/recover")).expect("a link to the reset");
    let form = browser.open(&recover).await;
    let prove = browser.submit(&form, "#submit", &[("identifier", &grace.email)]).await;
    // The page names the user for the password manager.
    assert!(prove.html().contains(&format!(r#"value="{}" autocomplete="username""#, grace.email)), "{}", prove.html());
    let mail = world.mails_to(&grace.email).await.expect("mails").remove(0);
    let by_link = browser.open(&mail.links[0]).await;
    assert!(by_link.html().contains(&format!(r#"value="{}" autocomplete="username""#, grace.email)), "{}", by_link.html());
    let fields = [("code", mail.codes[0].as_str()), ("password", "Grace sails 3 red boats")];
    let done = browser.submit(&prove, "#submit", &fields).await.expect(StatusCode::OK);
    let sign_in = done.links().into_iter().find(|link| link.contains("/login")).expect("a link to sign in");
    let page = browser.open(&sign_in).await;
    let fields = [("identifier", grace.email.as_str()), ("password", "Grace sails 3 red boats")];
    let mut page = browser.submit(&page, "#submit", &fields).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    assert_eq!(page.query("state"), Some(state), "{} {}", page.url, page.text());
}

/// The longest request that fits the edge gets markers and cookies on its way, and must fit still.
#[tokio::test]
async fn the_longest_accepted_request_reaches_its_client() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let web = OAuthClient::demo_web(&world);
    let hint = "x".repeat(7_700);
    let mut browser = Browser::new(&world);
    let url = web.authorize_url(&[("unknown", &hint)]);
    let page = browser.open(&url).await.expect(StatusCode::OK);
    assert!(page.url.len() < 1_000 && page.has_field("password"), "{}", page.url.len());
    // The language can be chosen for a stored request, too.
    let german = page.links().into_iter().find(|link| link.contains("ui_locales=de")).expect("a link to German");
    assert!(browser.open(&german).await.text().contains("Anmelden"));
    let consent = ada.sign_in(&mut browser, &page).await;
    let callback = browser.submit(&consent, "#allow", &[]).await;
    assert!(callback.query("code").is_some(), "{} {}", callback.url, callback.text());
    // Nothing of it is stored in clear.
    let scan = latchkey_local::engine::client(world.engine.connector()).scan().table_name("identities").send().await;
    let stored = format!("{:?}", scan.expect("a scan").items());
    assert!(!stored.contains(&"x".repeat(50)), "the request is sealed");
}

#[tokio::test]
async fn a_flow_of_a_client_that_was_removed_meanwhile_ends_well() {
    let vault = latchkey::keys::KeyVault::ephemeral();
    let world = World::builder().vault(vault.clone()).build().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let web = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorize_url(&[])).await;
    let register = page.links().into_iter().find(|link| link.contains("/register")).expect("a link to register");
    let recover = page.links().into_iter().find(|link| link.contains("/recover")).expect("a link to the reset");
    let grace = Customer::new("Grace");
    let form = browser.open(&register).await;
    let verify = browser.submit(&form, "#submit", &grace.form_fields()).await.expect(StatusCode::OK);
    let form = browser.open(&recover).await;
    let prove = browser.submit(&form, "#submit", &[("identifier", &ada.email)]).await.expect(StatusCode::OK);
    let code = world.mails_to(&grace.email).await.expect("mails").remove(0).codes.remove(0);
    let reset = world.mails_to(&ada.email).await.expect("mails").remove(0).codes.remove(0);
    let (before, rest) = DEFAULT_DOCUMENT.split_once("# A web application with a server of its own.").expect("the client");
    let after = rest.split_once("# A service that acts on its own behalf").expect("the next client").1;
    let document = format!("{before}#{after}");
    assert!(!document.contains("demo-web\""));
    let removed = World::builder().vault(vault).engine(world.engine.clone()).tenant("default", &document);
    let removed = removed.build().await.expect("a world");
    let mut browser = browser.on(&removed);
    let page = browser.submit(&verify, "#submit", &[("code", &code)]).await;
    assert!(page.status() == 200 && page.text().contains("You are signed in"), "{} {}", page.url, page.text());
    without_cookies(&mut browser, "session");
    let fields = [("code", reset.as_str()), ("password", "Ada sails 3 red boats")];
    let done = browser.submit(&prove, "#submit", &fields).await.expect(StatusCode::OK);
    let sign_in = done.links().into_iter().find(|link| link.contains("/login")).expect("a link to sign in");
    assert!(browser.open(&sign_in).await.has_field("password"), "{sign_in}");
}

#[tokio::test]
async fn a_password_manager_finds_the_page_that_changes_the_password() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/.well-known/change-password").await;
    let page = ada.sign_in(&mut browser, &page).await;
    assert_eq!(page.path(), "/account/password");
}

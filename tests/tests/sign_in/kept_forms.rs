//! What a user typed is kept, or the page says that it is lost. A refused form writes nothing.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::delivery::Mail;
use latchkey::domain::time::Span;
use latchkey::web::funnel::Outcome;
use latchkey_local::world::World;
use serde_json::json;
use tests::{AccountClient, Browser, Customer, OAuthClient, Page, invariants};

const NEW: &str = "countess@example.org";
const NEW_PASSWORD: &str = "seven Green bicycles sing";

async fn new_world() -> World {
    World::new().await.expect("a world")
}

fn value(page: &Page, button: &str, field: &str) -> String {
    let form = page.form(button);
    form.fields.into_iter().find(|(name, _)| name == field).map(|(_, value)| value).unwrap_or_default()
}

fn outcome(page: &Page) -> Option<Outcome> {
    page.response.as_ref().and_then(|response| response.extensions().get::<Outcome>().copied())
}

async fn newest(world: &World, address: &str, link: &str) -> Mail {
    let mails = world.mails_to(address).await.expect("mails");
    let fits = |mail: &&Mail| mail.links.iter().any(|known| known.contains(link));
    mails.iter().find(fits).expect("a mail with such a link").clone()
}

async fn start_change(me: &AccountClient) {
    assert_eq!(me.post("/v1/me/email", &json!({ "email": NEW, "locale": "en" })).await.status(), 202);
}

/// Sends a form after the browser has lost the cookie of its forms.
async fn submit_stale(browser: &mut Browser, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
    browser.cookies.retain(|name, _| !name.contains("browser"));
    let again = browser.submit(page, button, fields).await;
    assert_eq!(again.status(), 403, "{}", page.url);
    assert!(again.text().contains("could not be checked"), "{}: {}", page.url, again.text());
    assert_eq!(outcome(&again), Some(Outcome::Expired), "{}", page.url);
    assert!(!again.html().contains(NEW_PASSWORD), "never the password");
    again
}

#[tokio::test]
async fn security_17_a_stale_form_of_the_account_is_shown_again_with_what_was_typed() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/password").await;
    let page = ada.sign_in(&mut browser, &page).await;
    let typed = [("password", ada.password.as_str()), ("new_password", NEW_PASSWORD)];
    let again = submit_stale(&mut browser, &page, "#submit", &typed).await;
    assert!(again.has_field("new_password") && !again.html().contains(&ada.password));
    let page = browser.open("/account/email").await;
    let again = submit_stale(&mut browser, &page, "#submit", &[("email", NEW)]).await;
    assert_eq!(value(&again, "#submit", "email"), NEW);
    // The form that is shown again can be sent at once.
    let page = browser.submit(&again, "#submit", &[]).await;
    assert!(page.has_field("code"), "{}", page.text());
    let again = submit_stale(&mut browser, &page, "#submit", &[("code", "abcde23456")]).await;
    assert_eq!(value(&again, "#submit", "code"), "abcde23456");
    // The mailed link, where the user is signed in, and in another browser.
    let mail = newest(&world, NEW, "token=").await;
    for (mut browser, button) in [(browser.clone(), "#confirm"), (Browser::new(&world), "#disown")] {
        let page = browser.open(&mail.links[0]).await;
        let again = submit_stale(&mut browser, &page, button, &[]).await;
        assert!(again.has_button(button), "{}", again.text());
    }
}

#[tokio::test]
async fn security_17_94_a_stale_form_of_a_mailed_link_is_shown_again_and_changes_nothing() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    start_change(&me).await;
    let code = newest(&world, NEW, "token=").await.codes.remove(0);
    assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200);
    let undo = newest(&world, &ada.email, "/account/email/undo").await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&undo.links[0]).await;
    let typed = [("code", undo.codes[0].as_str()), ("password", NEW_PASSWORD)];
    let again = submit_stale(&mut browser, &page, "#confirm", &typed).await;
    assert_eq!(value(&again, "#confirm", "code"), undo.codes[0]);
    // A wrong code is a guess; a bad password is not.
    let wrong = browser.submit(&again, "#confirm", &[("code", "abcde23456"), ("password", NEW_PASSWORD)]).await;
    assert_eq!((wrong.status(), outcome(&wrong)), (400, Some(Outcome::WrongCredentials)));
    let weak = browser.submit(&wrong, "#confirm", &[("code", &undo.codes[0]), ("password", "password")]).await;
    assert_eq!((weak.status(), outcome(&weak)), (400, Some(Outcome::Refused)));
    assert_eq!(me.get("/v1/me").await.json()["email"], NEW, "nothing has changed");
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let closed = newest(&world, NEW, "/account/restore").await;
    let page = browser.open(&closed.links[0]).await;
    let again = submit_stale(&mut browser, &page, "#confirm", &[("code", &closed.codes[0])]).await;
    assert_eq!(value(&again, "#confirm", "code"), closed.codes[0]);
    let done = browser.submit(&again, "#confirm", &[]).await;
    assert!(done.text().contains("Your account is open"), "{}", done.text());
}

#[tokio::test]
async fn security_17_a_stale_sign_out_and_a_stale_link_of_a_registration_say_what_happened() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    ada.sign_in(&mut browser, &page).await;
    let page = browser.open("/oauth2/logout").await;
    let again = submit_stale(&mut browser, &page, "#confirm", &[]).await;
    assert!(browser.open("/account").await.text().contains("Your profile"), "still signed in");
    assert!(browser.submit(&again, "#confirm", &[]).await.text().contains("You are signed out"));
    let eve = Customer::new("Eve");
    let mut browser = Browser::new(&world);
    let page = browser.open("/register").await;
    browser.submit(&page, "#submit", &eve.form_fields()).await.expect(StatusCode::OK);
    let mail = newest(&world, &eve.email, "/verify").await;
    let mut other = Browser::new(&world);
    let page = other.open(&mail.links[0]).await;
    let again = submit_stale(&mut other, &page, "#deny", &[]).await;
    assert!(again.has_button("#deny"), "{}", again.text());
}

#[tokio::test]
async fn a_new_address_that_was_typed_into_an_old_page_is_kept() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    // After 6 minutes the sign-in is too old for a change of address; after 40 days the session has ended.
    for span in [Span::minutes(6), Span::days(40)] {
        let mut browser = Browser::new(&world);
        let page = browser.open("/account/email").await;
        let page = ada.sign_in(&mut browser, &page).await;
        world.advance(span);
        let page = browser.submit(&page, "#submit", &[("email", NEW)]).await;
        assert!(page.has_field("password"), "{}", page.text());
        let back = ada.sign_in(&mut browser, &page).await;
        assert_eq!((back.path().as_str(), value(&back, "#submit", "email").as_str()), ("/account/email", NEW));
        assert!(back.text().contains("no code is sent yet"), "{}", back.text());
        assert!(world.mails_to(NEW).await.expect("mails").is_empty());
    }
}

#[tokio::test]
async fn an_edit_that_is_too_long_to_keep_is_not_dropped_in_silence() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    for (path, field) in [("/account", "given_name"), ("/account/email", "email")] {
        let mut browser = Browser::new(&world);
        let page = browser.open(path).await;
        let page = ada.sign_in(&mut browser, &page).await;
        world.advance(Span::days(40));
        let page = browser.submit(&page, "#submit", &[(field, &"x".repeat(6000))]).await;
        let back = ada.sign_in(&mut browser, &page).await;
        assert_eq!(back.path(), path);
        assert!(back.text().contains("too long to keep. Nothing is saved"), "{}", back.text());
        // The sentence belongs to this browser.
        let mut stranger = Browser::new(&world);
        let page = stranger.open(&back.url).await;
        assert!(!ada.sign_in(&mut stranger, &page).await.text().contains("too long to keep"));
    }
}

#[tokio::test]
async fn security_121_a_registration_continues_at_the_page_of_the_account_that_it_began_at() {
    let world = new_world().await;
    for (n, (to, end)) in [
        ("/account/privacy", "/account/privacy"),
        ("/account/../oauth2/logout", "/login"),
        ("https://evil.example/account", "/login"),
        ("//evil.example/account", "/login"),
    ]
    .into_iter()
    .enumerate()
    {
        let eve = Customer::new(&format!("Eve{n}"));
        let mut browser = Browser::new(&world);
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", to).finish();
        let login = browser.open(&format!("/login?{query}")).await;
        let link = login.links().into_iter().find(|link| link.contains("/register")).expect("a link");
        let page = browser.open(&link).await;
        let page = browser.submit(&page, "#submit", &eve.form_fields()).await;
        let code = newest(&world, &eve.email, "/verify").await.codes.remove(0);
        let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
        assert_eq!((page.path().as_str(), page.status()), (end, 200), "{to}: {}", page.text());
    }
}

/// The stored authorization requests.
fn stored_requests(world: &World) -> usize {
    let items = invariants::read(&world.engine).tables["identities"].clone();
    items.iter().filter(|item| item["pk"]["S"].as_str().is_some_and(|key| key.contains("REQUEST"))).count()
}

#[tokio::test]
async fn security_124_a_refused_registration_or_password_reset_stores_no_request() {
    let world = new_world().await;
    let app = OAuthClient::demo_app(&world);
    let query = app.authorize_url(&[]).split_once('?').expect("a query").1.to_owned();
    let ada = Customer::new("Ada");
    let mut browser = Browser::new(&world);
    let page = browser.open(&format!("/register?{query}")).await;
    let mut flawed = ada.form_fields();
    for (name, value) in &mut flawed {
        if *name == "password" {
            *value = "password";
        }
    }
    assert_eq!(browser.submit(&page, "#submit", &flawed).await.status(), 400);
    assert_eq!(stored_requests(&world), 0, "a flaw of the form");
    for path in ["register", "recover"] {
        let before = stored_requests(&world);
        let mut accepted = before;
        for _ in 0..40 {
            let page = browser.open(&format!("/{path}?{query}")).await;
            let fields = if path == "register" { ada.form_fields().to_vec() } else { vec![("identifier", ada.email.as_str())] };
            let answer = browser.submit(&page, "#submit", &fields).await;
            if answer.status() == 429 {
                assert!(answer.text().contains("Many mails were requested"), "the limit of this address: {}", answer.text());
                break;
            }
            assert_eq!(answer.status(), 200, "{}", answer.text());
            accepted += 1;
            assert_eq!(stored_requests(&world), accepted);
        }
        assert_eq!(stored_requests(&world), accepted, "{path}: the limit of mails");
        assert!((1..40).contains(&(accepted - before)), "{path}: {before} to {accepted}");
    }
}

#[tokio::test]
async fn a_page_in_another_language_is_the_same_page() {
    let world = new_world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let web = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let page = browser.open(&web.authorize_url(&[("prompt", "consent")])).await;
    let consent = ada.sign_in(&mut browser, &page).await;
    let switch = consent.links().into_iter().find(|link| link.contains("/login")).expect("a link to sign in as another user");
    let page = browser.open(&switch).await;
    assert!(page.has_field("password"));
    let german = page.links().into_iter().find(|link| link.contains("ui_locales=de")).expect("a link to the German page");
    let page = browser.open(&german).await;
    assert!(page.has_field("password") && page.text().contains("Passwort vergessen?"), "{}", page.text());
}

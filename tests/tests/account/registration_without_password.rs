//! Registration without a password: with a passkey in the same transaction, or with mailed codes as the way in (security 159).
#![expect(clippy::expect_used, reason = "a broken expectation ends the test")]

use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::json;
use tests::passkey::software::SoftwarePasskey;
use tests::passkey::{Options, create, use_on};
use tests::{Anonymous, Browser, Customer, Page, Site, World, invariants};

/// The built-in document with this line under `[registration]`, and these lines at its end.
fn document(password: &str, more: &str) -> String {
    let (before, after) = DEFAULT_DOCUMENT.split_once("[registration]\n").unwrap_or(("", ""));
    if before.is_empty() {
        return format!("{DEFAULT_DOCUMENT}\n[registration]\npassword = \"{password}\"\n{more}");
    }
    format!("{before}[registration]\npassword = \"{password}\"\n{after}\n{more}")
}

async fn world(password: &str, more: &str) -> World {
    World::builder().tenant("default", &document(password, more)).build().await.expect("a world")
}

const MAIL_CODE: &str = "[sign_in]\nmail_code = true\n";

/// Registers without a password, up to the page after the right code.
async fn with_code(world: &World, browser: &mut Browser, customer: &Customer) -> Page {
    let form = browser.open("/register").await.expect(StatusCode::OK);
    let fields: Vec<_> = customer.form_fields().into_iter().filter(|(name, _)| *name != "password").collect();
    let page = browser.submit(&form, "#submit", &fields).await.expect(StatusCode::OK);
    assert_eq!(page.path(), "/verify", "{}", page.text());
    let code = Site::from(world).mail_to(&customer.email).await.codes[0].clone();
    browser.submit(&page, "#submit", &[("code", &code)]).await.expect(StatusCode::OK)
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.cookies.keys().any(|name| name.ends_with("lk-session"))
}

/// Posts a created passkey from the page of a registration.
async fn post(browser: &mut Browser, page: &Page, passkey: &mut SoftwarePasskey, state: &str, challenge: &str) -> Page {
    let json = passkey.creation(challenge).json();
    let sent = browser.send_by_script(page, "credential", &[("credential", &json), ("state", state)]).await;
    browser.follow_answer(sent).await
}

#[tokio::test]
async fn security_159_the_account_is_made_with_its_passkey_or_not_at_all() {
    let world = world("none", "").await;
    let (customer, mut browser) = (Customer::new("Ada"), Browser::new(&world));
    assert!(!browser.open("/register").await.has_field("password"));
    let page = with_code(&world, &mut browser, &customer).await;
    assert!(page.text().contains("Create your passkey") && !page.has_button("#use-password"), "{}", page.text());
    assert!(!is_signed_in(&browser), "nothing exists yet");
    // The right code alone makes nothing, however often it comes. It uses up no try.
    for _ in 0..7 {
        // A password that no page asks for is none, whatever a form says.
        let sent = browser.send_by_script(&page, "credential", &[("password", &customer.password)]).await;
        let again = browser.follow_answer(sent).await;
        assert!(again.text().contains("Create your passkey") && !is_signed_in(&browser), "{}", again.text());
    }
    let options = Options::of(&page);
    assert_eq!(options.public_key["authenticatorSelection"]["userVerification"], "required");
    let mut passkey = create(&browser, &options);
    // A passkey for another challenge is refused in words, and the page is there again.
    let foreign = post(&mut browser, &page, &mut passkey, &options.state, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert!(foreign.status() == 400 && foreign.text().contains("Create your passkey"), "{}", foreign.text());
    assert!(!is_signed_in(&browser));
    let options = Options::of(&foreign);
    let done = post(&mut browser, &foreign, &mut passkey, &options.state, options.challenge()).await;
    assert!(done.status() == 200 && is_signed_in(&browser), "{}", done.text());
    let listed = browser.open("/account/passkeys").await;
    assert!(listed.path() == "/account/passkeys" && listed.html().contains("remove-"), "{}", listed.text());

    // The passkey opens the account in another browser, a password none.
    world.advance(Span::seconds(1));
    let mut other = Browser::new(&world);
    let page = other.open("/login").await;
    let sent = use_on(&mut other, &page, &mut passkey).await;
    assert_eq!(sent.1.status(), StatusCode::SEE_OTHER);
    let mut third = Browser::new(&world);
    let page = third.open("/login").await;
    let refused = customer.sign_in(&mut third, &page).await;
    assert!(!is_signed_in(&third), "{}", refused.text());
    // It is the last way in.
    let listed = other.open("/account/passkeys").await;
    let id = latchkey::domain::passkey::CredentialHash::of(&passkey.id).to_string();
    let kept = other.submit(&listed, &format!("#remove-{id}"), &[]).await;
    assert_eq!(kept.status(), 409, "{}", kept.text());
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_159_the_passkey_belongs_to_its_registration_and_browser() {
    let world = world("none", "").await;
    let (ada, eve) = (Customer::new("Ada"), Customer::new("Eve"));
    let (mut browser, mut hers) = (Browser::new(&world), Browser::new(&world));
    let page = with_code(&world, &mut browser, &ada).await;
    let other = with_code(&world, &mut hers, &eve).await;
    let (options, foreign) = (Options::of(&page), Options::of(&other));
    // Of another registration, in another browser.
    let mut passkey = create(&browser, &foreign);
    let refused = post(&mut browser, &page, &mut passkey, &foreign.state, foreign.challenge()).await;
    assert!(refused.status() == 400 && !is_signed_in(&browser), "{}", refused.text());
    // Too late.
    world.advance(Span::minutes(6));
    let mut passkey = create(&browser, &options);
    let late = post(&mut browser, &page, &mut passkey, &options.state, options.challenge()).await;
    assert!(late.status() == 400 && late.text().contains("Create your passkey"), "{}", late.text());
    // The page has fresh options. The same form again after a lost reply continues.
    let options = Options::of(&late);
    let json = passkey.creation(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    for _ in 0..2 {
        let sent = browser.send_by_script(&late, "credential", &fields).await;
        assert_eq!(sent.1.status(), StatusCode::SEE_OTHER);
        let done = browser.follow_answer(sent).await;
        assert!(is_signed_in(&browser), "{}", done.text());
    }
    // A credential id belongs to one account.
    let options = Options::of(&other);
    let mut stolen = create(&hers, &options);
    stolen.id.clone_from(&passkey.id);
    world.advance(Span::millis(1));
    let other = {
        let sent = hers.send_by_script(&other, "credential", &[]).await;
        hers.follow_answer(sent).await
    };
    let options = Options::of(&other);
    let taken = post(&mut hers, &other, &mut stolen, &options.state, options.challenge()).await;
    assert!(taken.status() == 400 && !is_signed_in(&hers), "{}", taken.text());
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_159_where_the_password_is_optional_it_can_still_be_chosen_at_the_end() {
    let world = world("optional", "").await;
    let (customer, mut browser) = (Customer::new("Ada"), Browser::new(&world));
    let form = browser.open("/register").await;
    assert!(form.has_field("password") && form.text().contains("You can leave this empty"), "{}", form.text());
    let page = with_code(&world, &mut browser, &customer).await;
    let weak = browser.submit(&page, "#use-password", &[("password", "ada")]).await;
    assert!(weak.status() == 400 && weak.text().contains("Create your passkey") && !is_signed_in(&browser), "{}", weak.text());
    let done = browser.submit(&weak, "#use-password", &[("password", &customer.password)]).await;
    assert!(done.status() == 200 && is_signed_in(&browser), "{}", done.text());
    let mut other = Browser::new(&world);
    let page = other.open("/account").await;
    assert_eq!(customer.sign_in(&mut other, &page).await.path(), "/account");
    // Chosen in the form, nothing more is asked.
    let (bob, mut browser) = (Customer::new("Bob"), Browser::new(&world));
    let form = browser.open("/register").await;
    let page = browser.submit(&form, "#submit", &bob.form_fields()).await;
    let code = Site::from(&world).mail_to(&bob.email).await.codes[0].clone();
    browser.submit(&page, "#submit", &[("code", &code)]).await.expect(StatusCode::OK);
    assert!(is_signed_in(&browser));
}

#[tokio::test]
async fn with_mailed_codes_an_account_needs_neither_password_nor_passkey() {
    let world = world("none", MAIL_CODE).await;
    let (customer, mut browser) = (Customer::new("Ada"), Browser::new(&world));
    let done = with_code(&world, &mut browser, &customer).await;
    assert!(is_signed_in(&browser), "{}", done.text());
    let mut other = Browser::new(&world);
    let page = other.open("/account").await;
    let asked = other.submit(&page, "#mail-code", &[("identifier", &customer.email)]).await;
    let code = Site::from(&world).mail_number(&customer.email, 2).await.codes[0].clone();
    assert_eq!(other.submit(&asked, "#submit", &[("code", &code)]).await.path(), "/account");
    // The page of the password says that there is none, and leads to one.
    let page = other.open("/account/password").await;
    assert!(
        page.text().contains("no password") && page.links().iter().any(|link| link.ends_with("/recover")),
        "{}",
        page.text()
    );
    // By the API, too. A password that would be dropped in silence is refused.
    let (bob, api) = (Customer::new("Bob"), Anonymous::new(&world));
    let mut body = bob.registration();
    let refused = api.post_json("/v1/registrations", &body).await;
    assert!(refused.status() == 400 && refused.text().contains("\"/password\""), "{}", refused.text());
    body.as_object_mut().expect("an object").remove("password");
    let started = api.post_json("/v1/registrations", &body).await;
    assert_eq!(started.status(), 202, "{}", started.text());
    let id = started.json()["registration_id"].as_str().expect("an id").to_owned();
    let code = Site::from(&world).mail_to(&bob.email).await.codes[0].clone();
    let verified = api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
    assert_eq!(verified.status(), 201, "{}", verified.text());
}

#[tokio::test]
async fn security_159_the_api_can_create_no_passkey_so_it_asks_for_a_password() {
    let world = world("none", "").await;
    let (customer, api) = (Customer::new("Ada"), Anonymous::new(&world));
    let mut body = customer.registration();
    body.as_object_mut().expect("an object").remove("password");
    let refused = api.post_json("/v1/registrations", &body).await;
    assert!(refused.status() == 400 && refused.text().contains("\"/password\""), "{}", refused.text());
    assert_eq!(api.post_json("/v1/registrations", &customer.registration()).await.status(), 202);
}

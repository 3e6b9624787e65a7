//! `second_factor = "required"`: from its day users are asked to set up a factor, and after the grace period applications get nothing without one
//! (security 158).

use super::enter_code;
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use tests::authenticator::recovery_codes;
use tests::passkey::software::SoftwarePasskey;
use tests::store::put_document;
use tests::{AccountClient, Authenticator, Browser, Customer, OAuthClient, Page, SecondFactor, passkey};

const GRACE: &str = "P10D";

/// The built-in document that requires a second factor, from this many days from now on.
fn required(world: &World, in_days: i64) -> String {
    let day = (world.services.clock.now() + Span::days(in_days)).to_string();
    let day = day.split('T').next().expect("a day");
    let lines = format!("second_factor = \"required\"\nsecond_factor_from = \"{day}\"\nsecond_factor_grace = \"{GRACE}\"");
    format!("{DEFAULT_DOCUMENT}\n[sign_in]\n{lines}\n")
}

async fn new_world() -> (World, Customer) {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    (world, ada)
}

/// Signs in for a request of the application, up to the page that follows.
async fn sign_in(app: &OAuthClient, browser: &mut Browser, customer: &Customer) -> Page {
    let page = browser.open(&app.authorize_url(&[])).await;
    let page = customer.sign_in(browser, &page).await;
    allow(browser, page).await
}

async fn allow(browser: &mut Browser, page: Page) -> Page {
    if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page }
}

async fn press(browser: &mut Browser, page: &Page, button: &str) -> Page {
    let next = browser.submit(page, button, &[]).await;
    allow(browser, next).await
}

fn asks(page: &Page) -> bool {
    page.path() == "/login/enroll"
}

#[tokio::test]
async fn security_158_within_the_grace_period_a_sign_in_asks_for_a_factor_which_can_be_postponed() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    put_document(&world, &required(&world, 2)).await;
    assert!(sign_in(&app, &mut Browser::new(&world), &ada).await.query("code").is_some(), "before its day");
    world.advance(Span::days(3));
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await.expect(StatusCode::OK);
    assert!(asks(&page) && page.text().contains("until"), "{}", page.text());
    assert!(page.has_button("#app") && page.has_button("#passkey") && page.has_button("#later"), "{}", page.html());
    // Chromium checks every redirect after the form: the page may end at the application.
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(!policy.contains("form-action"), "{policy}");
    let later = press(&mut browser, &page, "#later").await;
    assert!(later.query("code").is_some(), "{} {}", later.url, later.text());
    // A live session is not asked; the next sign-in is.
    for more in [&[][..], &[("prompt", "none")]] {
        assert!(browser.open(&app.authorize_url(more)).await.query("code").is_some(), "{more:?}");
    }
    assert!(asks(&sign_in(&app, &mut Browser::new(&world), &ada).await));
    let security = browser.open("/account/security").await;
    assert!(security.text().contains("needs a second step, or a passkey, until"), "{}", security.text());
}

#[tokio::test]
async fn security_158_after_the_grace_period_applications_get_nothing_and_the_user_keeps_a_way_on() {
    let (world, ada) = new_world().await;
    let app = AccountClient::client(&world);
    put_document(&world, &required(&world, 0)).await;
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    let tokens = app.redeem(&press(&mut browser, &page, "#later").await.query("code").expect("a code")).await.tokens();
    world.advance(Span::days(9));
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    let tokens = app.refresh(tokens.refresh()).await.tokens();
    world.advance(Span::days(2));
    let refused = app.refresh(tokens.refresh()).await;
    assert!(refused.status() == 400 && refused.text().contains("with a higher level"), "{}", refused.text());
    // The page of the grace period is still open: its button postpones nothing any more.
    let still = press(&mut browser, &page, "#later").await;
    assert!(asks(&still) && !still.has_button("#later"), "{} {}", still.url, still.text());
    for more in [&[][..], &[("prompt", "login")]] {
        let mut browser = Browser::new(&world);
        let page = browser.open(&app.authorize_url(more)).await;
        let page = ada.sign_in(&mut browser, &page).await;
        assert!(asks(&page) && !page.has_button("#later"), "{more:?} {}", page.text());
    }
    let silent = browser.open(&app.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(silent.query("error").as_deref(), Some("interaction_required"), "{}", silent.url);
    // A form that was made up postpones nothing.
    let forged = browser.submit(&still, "#app", &[("decision", "later")]).await;
    assert!(asks(&forged), "{}", forged.url);
    // Export, deletion and sign-out stay.
    for (part, shows) in [("/account/export", "data"), ("/account/delete", "recent sign-in"), ("/oauth2/logout", "")] {
        let link = still.links().into_iter().find(|link| link.ends_with(part)).expect(part);
        let opened = browser.open(&link).await;
        assert!(opened.status() == 200 && !asks(&opened) && opened.text().contains(shows), "{part}: {}", opened.text());
    }
    let security = browser.open("/account/security").await;
    assert!(security.text().contains("Until you set one up, you cannot sign in"), "{}", security.text());
}

#[tokio::test]
async fn security_158_an_app_is_set_up_on_the_way_and_the_request_continues() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    put_document(&world, &required(&world, -30)).await;
    world.advance(Span::days(11));
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    assert!(asks(&page), "{}", page.url);
    // Cancelled: the page is there again, with nothing postponed.
    let set_up = browser.submit(&page, "#app", &[]).await;
    assert_eq!(set_up.path(), "/account/two-step/app", "{}", set_up.url);
    assert!(set_up.text().contains("we first send a code"), "the password alone adds nothing: {}", set_up.text());
    let back = set_up.links().into_iter().find(|link| link.contains("/login/enroll")).expect("a way back");
    assert!(asks(&browser.open(&back).await));
    let (authenticator, page) = Authenticator::begin_on(&world, &mut browser, set_up, &ada.email).await;
    let cancelled = browser.submit(&page, "#cancel", &[]).await;
    assert!(asks(&cancelled), "{}", cancelled.url);
    assert!(asks(&browser.open(&app.authorize_url(&[])).await));
    drop(authenticator);
    let set_up = browser.submit(&cancelled, "#app", &[]).await;
    let (authenticator, page) = Authenticator::begin_on(&world, &mut browser, set_up, &ada.email).await;
    let codes = browser.submit(&page, "#submit", &[("code", &authenticator.code(&world))]).await;
    let kept = recovery_codes(&codes);
    assert_eq!(kept.len(), 10, "{}", codes.text());
    let done = browser.submit(&codes, "#submit", &[("code", &kept[2])]).await;
    let done = allow(&mut browser, done).await;
    let tokens = app.redeem(&done.query("code").expect("a code")).await.tokens();
    let claims = tokens.id_claims();
    assert_eq!(claims["acr"], "urn:latchkey:acr:2", "{claims}");
    // From now on the password leads to the second step.
    world.advance(Span::seconds(30));
    let mut other = Browser::new(&world);
    let page = sign_in(&app, &mut other, &ada).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.url);
    let page = enter_code(&mut other, &page, &authenticator.code(&world)).await;
    assert!(allow(&mut other, page).await.query("code").is_some());
}

#[tokio::test]
async fn security_78_a_client_that_needs_a_level_lets_the_user_set_it_up_or_go_back_with_an_error() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    let line = "client_id = \"demo-app\"\nmin_acr = \"urn:latchkey:acr:2\"";
    put_document(&world, &DEFAULT_DOCUMENT.replacen("client_id = \"demo-app\"", line, 1)).await;
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    assert!(asks(&page) && page.text().contains("better protected"), "{}", page.text());
    let declined = press(&mut browser, &page, "#later").await;
    assert_eq!(declined.query("error").as_deref(), Some("unmet_authentication_requirements"), "{}", declined.url);
    // The next request asks again.
    let page = browser.open(&app.authorize_url(&[])).await;
    assert!(asks(&page), "{}", page.url);
    let set_up = browser.submit(&page, "#app", &[]).await;
    let (authenticator, page) = Authenticator::begin_on(&world, &mut browser, set_up, &ada.email).await;
    let codes = browser.submit(&page, "#submit", &[("code", &authenticator.code(&world))]).await;
    let later = codes.links().into_iter().find(|link| link.contains("/login/enroll")).expect("a way on");
    let done = browser.open(&later).await;
    let done = allow(&mut browser, done).await;
    assert!(done.query("code").is_some(), "{} {}", done.url, done.text());
}

#[tokio::test]
async fn security_158_a_second_factor_that_is_off_can_not_be_set_up_and_stays_where_it_is_in_use() {
    let (world, ada) = new_world().await;
    let bob = Customer::registered(&world, "Bob").await;
    let factor = SecondFactor::give(&world, &bob).await;
    put_document(&world, &format!("{DEFAULT_DOCUMENT}\n[sign_in]\nsecond_factor = \"off\"\n")).await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/two-step").await;
    let page = ada.sign_in(&mut browser, &page).await;
    assert!(page.path() == "/account/two-step" && !page.html().contains("add-app"), "{}", page.text());
    assert_eq!(browser.open("/account/two-step/app").await.path(), "/account/two-step");
    let app = OAuthClient::demo_app(&world);
    let mut other = Browser::new(&world);
    let page = sign_in(&app, &mut other, &bob).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.url);
    let page = enter_code(&mut other, &page, &factor.next_code()).await;
    assert!(allow(&mut other, page).await.query("code").is_some());
    assert!(other.open("/account/two-step").await.html().contains("replace-app"));
}

/// The account of a user with a passkey, from before a second factor was required.
async fn with_passkey(world: &World, ada: &Customer) -> SoftwarePasskey {
    let mut browser = Browser::new(world);
    let page = browser.open("/account/passkeys").await;
    ada.sign_in(&mut browser, &page).await;
    let passkey = passkey::add(&mut browser).await;
    put_document(world, &required(world, 0)).await;
    passkey
}

#[tokio::test]
async fn security_158_a_passkey_protects_its_account_from_its_first_use_on() {
    let (world, ada) = new_world().await;
    let mut passkey = with_passkey(&world, &ada).await;
    let app = OAuthClient::demo_app(&world);
    // The password leads to the passkey at once; the grace period is for users without a factor.
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.url);
    assert!(page.html().contains("other-factor"), "{}", page.text());
    world.advance(Span::seconds(1));
    let sent = passkey::use_on(&mut browser, &page, &mut passkey).await;
    let page = browser.follow_answer(sent).await;
    assert!(allow(&mut browser, page).await.query("code").is_some());
    // Now the password opens no session any more, and no other factor can be set up in its place.
    let mut other = Browser::new(&world);
    let page = sign_in(&app, &mut other, &ada).await;
    assert!(page.path() == "/login/second-step" && !page.html().contains("other-factor"), "{}", page.text());
    assert!(!super::is_signed_in(&other));
    assert_eq!(other.open("/login/enroll").await.path(), "/login");
    assert_eq!(other.open(&page.url.replace("second-step", "enroll")).await.path(), "/login");
}

#[tokio::test]
async fn security_158_a_user_without_the_passkey_at_hand_sets_up_an_app_with_a_mailed_code() {
    let (world, ada) = new_world().await;
    with_passkey(&world, &ada).await;
    let app = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    // Without the link the page leads back to the passkey.
    let direct = browser.open(&page.url.replace("second-step", "enroll")).await;
    assert_eq!(direct.path(), "/login/second-step", "{}", direct.url);
    let link = page.links().into_iter().find(|link| link.contains("/login/enroll")).expect("a link");
    let page = browser.open(&link).await.expect(StatusCode::OK);
    let set_up = browser.submit(&page, "#app", &[]).await;
    assert!(set_up.text().contains("we first send a code"), "{}", set_up.text());
    let (authenticator, page) = Authenticator::begin_on(&world, &mut browser, set_up, &ada.email).await;
    let codes = browser.submit(&page, "#submit", &[("code", &authenticator.code(&world))]).await;
    let kept = recovery_codes(&codes);
    let done = browser.submit(&codes, "#submit", &[("code", &kept[0])]).await;
    assert!(allow(&mut browser, done).await.query("code").is_some());
}

#[tokio::test]
async fn security_121_the_set_up_returns_only_to_pages_of_the_sign_in() {
    let (world, ada) = new_world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/two-step").await;
    ada.sign_in(&mut browser, &page).await;
    for foreign in ["https://evil.example/login/enroll", "//evil.example/login/enroll", "/login/enrolled", "/recover"] {
        let address = format!("/account/two-step/app?offer={}", urlencoding(foreign));
        let page = browser.open(&address).await;
        assert!(
            !page.links().iter().any(|link| link.starts_with("https://evil") || link.starts_with(foreign)),
            "{foreign}: {:?}",
            page.links()
        );
        assert!(page.links().iter().any(|link| link.ends_with("/account/two-step")), "{foreign}");
    }
}

fn urlencoding(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

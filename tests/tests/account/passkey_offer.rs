//! The offer of a passkey after a sign-in or a registration: who gets it, and that the request continues (security 14, 17, 77).

use crate::passkeys::{new_world, signed_in};
use http::{Method, StatusCode};
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::meter::Units;
use latchkey_local::world::World;
use tests::passkey::{Options, SoftwarePasskey, create, prove_address};
use tests::{Authenticator, Browser, Customer, OAuthClient, Page, Site, invariants};

const OFFER: &str = "/login/passkey/offer";
/// What the script says where the device can keep a passkey.
const KEEPS: (&str, &str) = ("keeps_passkeys", "true");

fn is_offer(page: &Page) -> bool {
    page.path() == OFFER
}

/// Ends the session of this browser. The device stays known.
fn forget_session(browser: &mut Browser) {
    browser.cookies.retain(|name, _| !name.contains("session"));
}

/// A user, a browser in which they have signed in before, and no session.
async fn known_device(world: &World) -> (Customer, Browser) {
    let (user, mut browser) = signed_in(world, "ada").await;
    forget_session(&mut browser);
    (user, browser)
}

/// Signs in by password for this address, on a device that can keep a passkey.
async fn sign_in(user: &Customer, browser: &mut Browser, address: &str) -> Page {
    let page = browser.open(address).await;
    let fields = [("identifier", user.email.as_str()), ("password", user.password.as_str()), KEEPS];
    browser.submit(&page, "#submit", &fields).await
}

/// Consents if asked, and returns the page of the application.
async fn allow(browser: &mut Browser, page: Page) -> Page {
    if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page }
}

/// Creates a passkey on the page that adds one, and follows.
async fn create_on(browser: &mut Browser, page: &Page) -> (SoftwarePasskey, Page) {
    let options = Options::of(page);
    let passkey = create(browser, &options);
    let json = passkey.creation(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    let sent = browser.send_by_script(page, "credential", &fields).await;
    let page = browser.follow_answer(sent).await;
    (passkey, page)
}

#[tokio::test]
async fn on_a_known_device_a_passkey_is_offered_added_and_the_application_continues() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    let app = OAuthClient::demo_app(&world);
    let page = sign_in(&user, &mut browser, &app.authorize_url(&[("prompt", "login")])).await.expect(StatusCode::OK);
    assert!(is_offer(&page), "{}", page.url);
    // Chromium checks every redirect after the form: the page may end at the application.
    assert!(!page.header("content-security-policy").expect("a policy").contains("form-action"));
    let page = browser.submit(&page, "#add", &[]).await;
    assert_eq!(page.path(), "/account/confirm-address");
    assert!(!page.html().contains("nav-profile"), "no navigation leads away from the request");
    let page = prove_address(&mut browser, page).await.expect(StatusCode::OK);
    assert_eq!(page.path(), "/account/passkeys/new");
    // The user takes their time: the sign-in that the request forces still counts.
    world.advance(Span::minutes(4));
    let (_, page) = create_on(&mut browser, &page).await;
    let page = allow(&mut browser, page).await;
    assert!(page.query("code").is_some() && page.query("state").is_some(), "{}", page.url);
    let listed = browser.open("/account/passkeys").await;
    assert_eq!(listed.html().matches("id=\"remove-").count(), 1);
    // With a passkey, and in this browser, nothing is offered any more.
    forget_session(&mut browser);
    let page = sign_in(&user, &mut browser, &app.authorize_url(&[])).await;
    assert!(!is_offer(&page) && page.query("code").is_some(), "{}", page.url);
    world.pump().await.expect("the events");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn not_now_is_remembered_for_this_browser_and_account_for_half_a_year() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    let app = OAuthClient::demo_app(&world);
    let page = sign_in(&user, &mut browser, &app.authorize_url(&[("max_age", "0")])).await;
    assert!(is_offer(&page));
    drop(world.meter.take());
    let (_, answer) = browser.press(&page, "#later", &[]).await;
    assert_eq!(world.meter.take_cost().engine, Units { read: 2.0, write: 0.0 }, "the answer writes nothing");
    let location = answer.headers()["location"].to_str().expect("ASCII").to_owned();
    assert!(location.contains("lk_offer=") && location.contains("lk_auth="), "{location}");
    let page = browser.open(&location).await;
    assert!(allow(&mut browser, page).await.query("code").is_some());
    // Security 55: the cookie is as protected as the others, and sealed.
    let cookie =
        answer.headers().get_all("set-cookie").iter().find(|cookie| cookie.as_bytes().starts_with(b"lk-passkey-answers="));
    let cookie = cookie.expect("a cookie").to_str().expect("ASCII");
    assert!(cookie.contains("HttpOnly") && cookie.contains("Max-Age=15552000"), "{cookie}");

    forget_session(&mut browser);
    assert!(!is_offer(&sign_in(&user, &mut browser, &app.authorize_url(&[])).await));
    // Another account in the same browser is asked for itself.
    let other = Customer::registered(&world, "bob").await;
    for offered in [false, true] {
        forget_session(&mut browser);
        assert_eq!(is_offer(&sign_in(&other, &mut browser, "/login").await), offered, "known before: {offered}");
    }
    // After half a year the user is asked again.
    world.advance(Span::days(180));
    forget_session(&mut browser);
    assert!(is_offer(&sign_in(&user, &mut browser, &app.authorize_url(&[])).await));
}

#[tokio::test]
async fn security_77_a_new_device_is_offered_nothing_and_neither_is_one_that_keeps_no_passkeys() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    let app = OAuthClient::demo_app(&world);
    // The thief of a password has another device.
    let page = sign_in(&user, &mut Browser::new(&world), &app.authorize_url(&[])).await;
    assert_eq!(page.path(), "/consent");
    // A browser without JavaScript, or without a screen lock.
    let page = browser.open(&app.authorize_url(&[])).await;
    assert_eq!(user.sign_in(&mut browser, &page).await.path(), "/consent");
    for said in ["", "false", "1", "TRUE"] {
        forget_session(&mut browser);
        let page = browser.open("/login").await;
        let fields = [("identifier", user.email.as_str()), ("password", user.password.as_str()), ("keeps_passkeys", said)];
        assert!(!is_offer(&browser.submit(&page, "#submit", &fields).await), "{said}");
    }
}

#[tokio::test]
async fn no_offer_for_a_silent_request_or_the_confirmation_of_an_account_page() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    let app = OAuthClient::demo_app(&world);
    // Nothing leads from such a request to the form. A changed address does.
    let silent = app.authorize_url(&[("prompt", "none")]).replace("/oauth2/authorize?", "/login?");
    let page = sign_in(&user, &mut browser, &silent).await;
    assert!(page.query("error").is_some() || page.query("code").is_some(), "{}", page.url);
    let direct = browser.open(&silent.replace("/login?", &format!("{OFFER}?"))).await;
    assert!(!is_offer(&direct), "{}", direct.url);
    world.advance(Span::minutes(6));
    let page = browser.open("/account/password").await;
    assert_eq!(page.path(), "/login");
    let fields = [("identifier", user.email.as_str()), ("password", user.password.as_str()), KEEPS];
    let page = browser.submit(&page, "#submit", &fields).await;
    assert_eq!(page.path(), "/account/password");
}

#[tokio::test]
async fn the_offer_needs_a_session_its_own_form_and_a_tenant_with_passkeys() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    assert_eq!(browser.open(OFFER).await.path(), "/login");
    let app = OAuthClient::demo_app(&world);
    let page = sign_in(&user, &mut browser, &app.authorize_url(&[])).await;
    assert!(is_offer(&page));
    // Security 17: another site, a form without a session, and one of another request.
    let headers = browser.headers.clone();
    browser.headers = vec![("origin".to_owned(), "https://evil.example".to_owned())];
    assert_eq!(browser.press(&page, "#later", &[]).await.1.status(), StatusCode::FORBIDDEN);
    browser.headers = headers;
    let (_, refused) = browser.press(&page, "#later", &[("anti_forgery", "AAAA")]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let other = page.url.replace("state=", "state=x");
    let refused = browser.request(Method::POST, &other, Some(&page.url), "decision=later").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    // Another user's session in this browser.
    let (_, other) = signed_in(&world, "bob").await;
    browser.cookies = other.cookies.clone();
    let (_, refused) = browser.press(&page, "#later", &[]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    for off in ["enabled", "offer"] {
        let document = format!("{DEFAULT_DOCUMENT}\n[passkeys]\n{off} = false\n");
        let world = World::builder().without_source_limits().tenant("default", &document).build().await.expect("a world");
        let (user, mut browser) = known_device(&world).await;
        assert!(!is_offer(&sign_in(&user, &mut browser, "/login").await), "{off}");
        assert_eq!(browser.open(OFFER).await.path(), "/login", "{off}");
    }
}

#[tokio::test]
async fn security_121_account_pages_return_to_an_offer_of_this_tenant_only() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let own = format!("{OFFER}?x=1");
    for (address, returns) in [
        (own.as_str(), true),
        (OFFER, true),
        ("https://evil.example/login/passkey/offer", false),
        ("//evil.example/login/passkey/offer", false),
        ("/login/passkey/offering", false),
        ("/login/passkey/offer/../../../oauth2/logout", false),
        ("/t/acme/login/passkey/offer", false),
        ("/oauth2/logout", false),
        ("/login/passkey/offer\\x", false),
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("offer", address).finish();
        let page = browser.open(&format!("/account/confirm-address?next=new-passkey&{query}")).await;
        let back = page.links().into_iter().any(|link| link.contains("/login/passkey"));
        assert_eq!(back, returns, "{address}: {:?}", page.links());
        assert!(!page.html().contains("evil.example\""), "{address}");
    }
}

#[tokio::test]
async fn leaving_the_page_that_adds_a_passkey_continues_too_and_asks_once() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    let app = OAuthClient::demo_app(&world);
    // A request too long for an address inside an address is stored.
    let long = "s".repeat(2000);
    let address = app.authorize_url(&[]).replace("state-of-the-test", &long);
    let page = sign_in(&user, &mut browser, &address).await;
    let page = browser.submit(&page, "#add", &[]).await;
    let page = prove_address(&mut browser, page).await;
    assert!(page.url.len() < 1200 && page.url.contains("lk_stored"), "{} bytes", page.url.len());
    let back = page.links().into_iter().find(|link| link.contains(OFFER)).expect("a link");
    let page = browser.open(&back).await;
    let page = allow(&mut browser, page).await;
    assert!(page.query("code").is_some() && page.query("state") == Some(long), "{}", page.url);
    forget_session(&mut browser);
    assert!(!is_offer(&sign_in(&user, &mut browser, "/login").await));
}

#[tokio::test]
async fn after_a_registration_a_passkey_is_offered_and_needs_no_second_code() {
    let world = new_world().await;
    let app = OAuthClient::demo_app(&world);
    let (user, mut browser) = (Customer::new("Grace"), Browser::new(&world));
    let form = browser.open(&app.authorize_url(&[]).replace("/oauth2/authorize?", "/register?")).await;
    let page = browser.submit(&form, "#submit", &user.form_fields()).await;
    assert_eq!(page.path(), "/verify", "{}", page.text());
    let code = Site::from(&world).mail_to(&user.email).await.codes.remove(0);
    let page = browser.submit(&page, "#submit", &[("code", &code), KEEPS]).await.expect(StatusCode::OK);
    assert!(is_offer(&page), "{}", page.url);
    let page = browser.submit(&page, "#add", &[]).await;
    // The address was proven in this session.
    assert_eq!(page.path(), "/account/passkeys/new");
    let (mut passkey, page) = create_on(&mut browser, &page).await;
    assert!(allow(&mut browser, page).await.query("code").is_some());
    assert!(crate::passkeys::opens(&world, &mut passkey).await.is_ok());
    world.pump().await.expect("the events");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn after_a_passkey_of_another_device_one_is_offered_for_this_known_device() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let mut phone = tests::passkey::add(&mut browser).await;
    let app = OAuthClient::demo_app(&world);
    let mut laptop = Browser::new(&world);
    for (attachment, is_known, offered) in [
        ("cross-platform", false, false),
        ("platform", true, false),
        ("CROSS-PLATFORM", true, false),
        ("cross-platform", true, true),
    ] {
        world.advance(Span::seconds(1));
        forget_session(&mut laptop);
        let page = laptop.open(&app.authorize_url(&[])).await;
        let options = Options::of(&page);
        let json = phone.assertion(options.challenge()).json();
        let json = json.replace("\"platform\"", &format!("\"{attachment}\""));
        let fields = [("credential", json.as_str()), ("state", options.state.as_str()), KEEPS];
        let sent = laptop.send_by_script(&page, "credential", &fields).await;
        assert_eq!(sent.1.status(), StatusCode::SEE_OTHER);
        let page = laptop.follow_answer(sent).await;
        assert_eq!(is_offer(&page), offered, "{attachment}, known before: {is_known}: {}", page.url);
        if offered {
            // A passkey is two factors: no code is mailed.
            let page = laptop.submit(&page, "#add", &[]).await;
            assert_eq!(page.path(), "/account/passkeys/new");
        }
    }
}

#[tokio::test]
async fn after_a_second_step_the_offer_needs_no_mailed_code() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let (app, _) = Authenticator::set_up(&world, &mut browser).await;
    forget_session(&mut browser);
    let page = sign_in(&user, &mut browser, "/login").await;
    assert_eq!(page.path(), "/login/second-step");
    let page = browser.submit(&page, "#submit", &[("code", &app.code(&world)), KEEPS]).await;
    assert!(is_offer(&page), "{}", page.url);
    assert_eq!(browser.submit(&page, "#add", &[]).await.path(), "/account/passkeys/new");
}

/// Exactly what a sign-in may take: the offer adds nothing to it.
#[tokio::test]
async fn a_sign_in_that_leads_to_the_offer_takes_four_reads_and_two_writes() {
    let world = new_world().await;
    let (user, mut browser) = known_device(&world).await;
    let page = browser.open("/login").await;
    drop(world.meter.take());
    let fields = [("identifier", user.email.as_str()), ("password", user.password.as_str()), KEEPS];
    let (_, answer) = browser.press(&page, "#submit", &fields).await;
    assert_eq!(world.meter.take_cost().engine, Units { read: 4.0, write: 2.0 });
    assert!(answer.headers()["location"].to_str().expect("ASCII").starts_with(OFFER));
}

#[tokio::test]
async fn after_a_mailed_code_the_offer_needs_no_second_code() {
    let document = format!("{DEFAULT_DOCUMENT}\n[sign_in]\nmail_code = true\n");
    let world = World::builder().without_source_limits().tenant("default", &document).build().await.expect("a world");
    let (user, mut browser) = known_device(&world).await;
    let page = browser.open("/login").await;
    let before = Site::from(&world).mails_to(&user.email).await.len();
    let page = browser.submit(&page, "#mail-code", &[("identifier", &user.email)]).await;
    let code = Site::from(&world).mail_number(&user.email, before + 1).await.codes.remove(0);
    let page = browser.submit(&page, "#submit", &[("code", &code), KEEPS]).await;
    assert!(is_offer(&page), "{}", page.url);
    assert_eq!(browser.submit(&page, "#add", &[]).await.path(), "/account/passkeys/new");
}

//! Remembered devices (security 160): what a thief gains who has the password and a device cookie, and what ends a choice.

use super::{enter_code, first_step, is_signed_in};
use crate::login::cost::{cost, warm};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use std::time::Duration;
use tests::second_factor::{commit, state};
use tests::store::put_document;
use tests::{Browser, Customer, OAuthClient, Page, SecondFactor, passkey};

const NEW_PASSWORD: &str = "a quite different 9 umbrellas";

fn document(line: &str) -> String {
    format!("{DEFAULT_DOCUMENT}\n[sign_in]\n{line}\n")
}

/// A world where devices can be remembered for 30 days, with Ada and her protected account.
async fn allowed() -> (World, Customer, SecondFactor) {
    let world = World::builder().tenant("default", &document("remember_device = \"P30D\"")).build().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let factor = SecondFactor::give(&world, &ada).await;
    (world, ada, factor)
}

async fn enter_and_remember(browser: &mut Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, "#submit", &[("code", code), ("remember_device", "true")]).await
}

/// A browser that is remembered, and signed in.
async fn remembered(world: &World, customer: &Customer, factor: &SecondFactor) -> Browser {
    let mut browser = Browser::new(world);
    let page = first_step(world, &mut browser, customer).await;
    let page = enter_and_remember(&mut browser, &page, &factor.next_code()).await;
    assert!(page.query("code").is_some(), "{}: {}", page.url, page.text());
    browser
}

/// The same browser without its session: what a sign-out leaves, and what a thief copies.
fn signed_out(browser: &Browser) -> Browser {
    let mut browser = browser.clone();
    browser.cookies.remove("lk-session");
    browser
}

/// Whether a sign-in with the password asks for a second step in this browser.
async fn asks(world: &World, browser: &Browser, customer: &Customer) -> bool {
    let mut browser = signed_out(browser);
    let page = browser.open(&OAuthClient::demo_app(world).authorize_url(&[])).await;
    let page = customer.sign_in(&mut browser, &page).await;
    let is_asked = page.path().ends_with("/login/second-step");
    assert_eq!(is_signed_in(&browser), !is_asked, "{}: {}", page.url, page.text());
    assert_eq!(page.query("code").is_some(), !is_asked, "{}: {}", page.url, page.text());
    is_asked
}

async fn remembered_count(world: &World, customer: &Customer) -> usize {
    let now = world.services.clock.now();
    state(world, customer).await.devices.iter().filter(|device| device.is_remembered(now)).count()
}

#[tokio::test]
async fn security_160_the_choice_is_the_users_and_the_tenants() {
    let (world, ada, factor) = allowed().await;
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    assert!(page.html().contains(r#"name="remember_device" type="checkbox" value="true" aria-"#), "unticked: {}", page.html());
    assert!(page.text().contains("for 30 days"), "{}", page.text());
    assert!(enter_code(&mut browser, &page, &factor.next_code()).await.query("code").is_some());
    assert!(asks(&world, &browser, &ada).await, "nothing was chosen");
    // A recovery code remembers nothing: it takes the place of a lost app.
    let mut other = Browser::new(&world);
    let page = first_step(&world, &mut other, &ada).await;
    let fields = [("recovery_code", factor.recovery_codes[0].as_str()), ("remember_device", "true")];
    assert!(other.submit(&page, "#use-recovery-code", &fields).await.query("code").is_some());
    assert!(asks(&world, &other, &ada).await);
    let browser = remembered(&world, &ada, &factor).await;
    assert!(!asks(&world, &browser, &ada).await);
    assert_eq!(remembered_count(&world, &ada).await, 1);
    // Where the tenant allows none, the page offers none and a forged field does nothing.
    put_document(&world, &document("mail_code = false")).await;
    assert!(asks(&world, &browser, &ada).await, "an earlier choice counts no more");
    let mut third = Browser::new(&world);
    let page = first_step(&world, &mut third, &ada).await;
    assert!(!page.has_field("remember_device"));
    enter_and_remember(&mut third, &page, &factor.next_code()).await;
    assert_eq!(remembered_count(&world, &ada).await, 1);
}

#[tokio::test]
async fn security_160_a_live_session_is_asked_where_the_request_or_the_tenant_accepts_no_remembered_device() {
    let (world, ada, factor) = allowed().await;
    let app = OAuthClient::demo_app(&world);
    // A session that rests on the password and the device.
    let mut browser = signed_out(&remembered(&world, &ada, &factor).await);
    let page = browser.open(&app.authorize_url(&[])).await;
    assert!(ada.sign_in(&mut browser, &page).await.query("code").is_some());
    assert!(browser.open(&app.authorize_url(&[])).await.query("code").is_some());
    let page = browser.open(&app.authorize_url(&[("max_age", "300")])).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.url);
    put_document(&world, &document("mail_code = false")).await;
    let page = browser.open(&app.authorize_url(&[])).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.url);
    let silent = browser.open(&app.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(silent.query("error").as_deref(), Some("login_required"), "{}", silent.url);
}

#[tokio::test]
async fn security_160_only_the_cookie_from_after_the_choice_counts_and_only_with_the_first_factor() {
    let (world, ada, factor) = allowed().await;
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    enter_code(&mut browser, &page, &factor.next_code()).await;
    // The device is known. A thief copies its cookies, and then its user has it remembered.
    let early = signed_out(&browser);
    let mut browser = signed_out(&browser);
    let page = first_step(&world, &mut browser, &ada).await;
    enter_and_remember(&mut browser, &page, &factor.next_code()).await;
    assert!(asks(&world, &early, &ada).await, "the earlier cookie gains nothing");
    assert!(!asks(&world, &browser, &ada).await);
    assert!(asks(&world, &Browser::new(&world), &ada).await, "another browser");
    // A copy from after the choice is the device: with the password it opens the account (docs/sign-in.md says so).
    assert!(!asks(&world, &signed_out(&browser), &ada).await);
    // Without the password it opens nothing, and its guesses count.
    let mut thief = signed_out(&browser);
    for _ in 0..7 {
        let page = thief.open("/login").await;
        thief.submit(&page, "#submit", &[("identifier", &ada.email), ("password", "wrong")]).await;
    }
    let page = thief.open("/login").await;
    let blocked = ada.sign_in(&mut thief, &page).await;
    assert!(blocked.status() == 429 && !is_signed_in(&thief), "{}", blocked.text());
}

#[tokio::test]
async fn security_160_the_device_of_one_account_is_none_of_another() {
    let (world, ada, ada_factor) = allowed().await;
    let grace = Customer::registered(&world, "Grace").await;
    let factor = SecondFactor::give(&world, &grace).await;
    let mut browser = remembered(&world, &grace, &factor).await;
    assert!(!asks(&world, &browser, &grace).await);
    assert!(asks(&world, &browser, &ada).await);
    // A shared browser keeps a device for each of them.
    let mut shared = signed_out(&browser);
    let page = first_step(&world, &mut shared, &ada).await;
    enter_and_remember(&mut shared, &page, &ada_factor.next_code()).await;
    assert!(!asks(&world, &shared, &ada).await && !asks(&world, &shared, &grace).await);
    // Grace cannot forget Ada's device, whatever number she posts.
    let number = format!("{:016x}", state(&world, &ada).await.devices[0].id);
    let page = browser.open("/account/two-step").await;
    assert!(page.has_button("#forget-1") && !page.has_button("#forget-2"), "{}", page.text());
    browser.submit(&page, "#forget-1", &[("forget", &number)]).await;
    assert_eq!((remembered_count(&world, &ada).await, remembered_count(&world, &grace).await), (1, 1));
}

#[tokio::test]
async fn security_160_the_time_ends_it_and_no_sign_in_extends_it() {
    let (world, ada, factor) = allowed().await;
    let browser = remembered(&world, &ada, &factor).await;
    world.advance(Span::days(29));
    assert!(!asks(&world, &browser, &ada).await);
    world.advance(Span::days(1));
    assert!(asks(&world, &browser, &ada).await);
}

/// A session rests on the remembered device as long as the account remembers it.
#[tokio::test]
async fn security_160_a_session_is_asked_again_once_the_device_is_forgotten() {
    let (world, ada, factor) = allowed().await;
    let mut browser = signed_out(&remembered(&world, &ada, &factor).await);
    let app = OAuthClient::demo_app(&world);
    let page = browser.open(&app.authorize_url(&[])).await;
    assert!(ada.sign_in(&mut browser, &page).await.query("code").is_some());
    assert!(browser.open(&app.authorize_url(&[("prompt", "none")])).await.query("code").is_some());
    // The history is written by the stream.
    world.mails_to(&ada.email).await.expect("mails");
    let history = browser.open("/account/security").await.text();
    assert!(history.contains("no code is asked for on a device"), "{history}");
    let page = browser.open("/account/two-step").await;
    assert!(page.text().contains("This device") && page.text().contains("No code until"), "{}", page.text());
    // A form of another site, or without its value, forgets nothing.
    let forged = browser.submit(&page, "#forget-1", &[("anti_forgery", "AAAA")]).await;
    assert!(forged.status() == 403 && remembered_count(&world, &ada).await == 1, "{}", forged.text());
    let page = browser.open("/account/two-step").await;
    let done = browser.submit(&page, "#forget-1", &[]).await.expect(StatusCode::OK);
    assert!(done.text().contains("asks for a code again") && !done.has_button("#forget-1"), "{}", done.text());
    world.mails_to(&ada.email).await.expect("mails");
    assert!(browser.open("/account/security").await.text().contains("Remembered devices were forgotten"));
    let silent = browser.open(&app.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(silent.query("error").as_deref(), Some("login_required"));
    let page = browser.open(&app.authorize_url(&[])).await;
    assert_eq!(page.path(), "/login/second-step");
    assert!(enter_code(&mut browser, &page, &factor.next_code()).await.query("code").is_some());
    assert!(asks(&world, &browser, &ada).await);
}

#[tokio::test]
async fn security_160_all_devices_are_forgotten_at_once() {
    let (world, ada, factor) = allowed().await;
    let mut browsers = Vec::new();
    for _ in 0..4 {
        browsers.push(remembered(&world, &ada, &factor).await);
    }
    // Three are remembered: the fourth has taken the place of the first.
    assert!(asks(&world, &browsers[0], &ada).await);
    for browser in &browsers[1..] {
        assert!(!asks(&world, browser, &ada).await);
    }
    let page = browsers[3].open("/account/two-step").await;
    browsers[3].submit(&page, "#forget-all", &[]).await.expect(StatusCode::OK);
    for browser in &browsers {
        assert!(asks(&world, browser, &ada).await);
    }
}

/// What changes the ways into the account ends every choice, also where other sessions stay.
#[tokio::test]
async fn security_160_a_changed_factor_or_password_ends_every_choice() {
    let (world, ada, factor) = allowed().await;
    let mut owner = remembered(&world, &ada, &factor).await;
    let epoch = state(&world, &ada).await.epoch;
    // New recovery codes, without a sign-out of other devices.
    let page = owner.open("/account/two-step/codes").await;
    let form = page.form("#submit");
    assert!(form.fields.iter().any(|(name, _)| name == "end_others"), "{}", page.html());
    let device = remembered(&world, &ada, &factor).await;
    assert!(!asks(&world, &device, &ada).await);
    owner.submit(&page, "#submit", &[("end_others", "")]).await;
    assert_eq!(state(&world, &ada).await.epoch, epoch, "no other session ended");
    assert!(asks(&world, &device, &ada).await, "new codes");
    // A passkey.
    let mut owner = remembered(&world, &ada, &factor).await;
    assert!(!asks(&world, &owner, &ada).await);
    passkey::add(&mut owner).await;
    assert!(asks(&world, &owner, &ada).await, "a passkey");
    // A password reset.
    let device = remembered(&world, &ada, &factor).await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    let code = world.mails_to(&ada.email).await.expect("mails")[0].codes[0].clone();
    browser.submit(&page, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await.expect(StatusCode::OK);
    let ada = Customer { password: NEW_PASSWORD.to_owned(), ..ada };
    assert!(asks(&world, &device, &ada).await, "a new password");
    // "This wasn't me", restoration, undo, and the operator raise the epoch: the unit tests have every rise.
    let device = remembered(&world, &ada, &factor).await;
    let raised = state(&world, &ada).await.in_next_epoch(world.services.clock.now());
    commit(&world, latchkey::domain::change::Change::record_sign_in(raised)).await;
    assert!(asks(&world, &device, &ada).await, "another epoch");
}

/// Wrong codes of a thief lock the second step. The owner's device still opens the account, and resets nothing.
#[tokio::test]
async fn security_74_a_remembered_device_is_a_way_in_while_codes_are_locked() {
    let (world, ada, factor) = allowed().await;
    let browser = remembered(&world, &ada, &factor).await;
    for _ in 0..50 {
        world.advance(Span::minutes(16));
        let mut thief = Browser::new(&world);
        let page = first_step(&world, &mut thief, &ada).await;
        enter_code(&mut thief, &page, &factor.wrong_code()).await;
    }
    assert!(state(&world, &ada).await.factors.blocked(world.services.clock.now()).is_some());
    assert!(!asks(&world, &browser, &ada).await);
    assert_eq!(state(&world, &ada).await.factors.failures.count, 50, "only a completed second step resets it");
}

/// 63 browsers have themselves remembered by one code while the password is reset: none is remembered afterwards.
#[tokio::test]
async fn security_160_no_race_leaves_a_device_remembered_after_a_new_password() {
    let unlimited = format!("{}[limits]\nsources = \"off\"\n", document("remember_device = \"P30D\""));
    let world = World::builder().tenant("default", &unlimited).build().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let factor = SecondFactor::give(&world, &ada).await;
    let mut reset = Browser::new(&world);
    let page = reset.open("/recover").await;
    let recover = reset.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    let mailed = world.mails_to(&ada.email).await.expect("mails")[0].codes[0].clone();
    let mut browsers = Vec::new();
    for _ in 0..63 {
        let mut browser = Browser::new(&world);
        let page = first_step(&world, &mut browser, &ada).await;
        browsers.push((browser, page));
    }
    let code = factor.next_code();
    let before = state(&world, &ada).await.epoch;
    world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(Duration::from_millis(20)));
    let fields = [("code", code.as_str()), ("remember_device", "true")];
    let steps = browsers.iter_mut().map(|(browser, page)| Box::pin(browser.press(page, "#submit", &fields)));
    let new_password = [("code", mailed.as_str()), ("password", NEW_PASSWORD)];
    let (_, (_, answer)) =
        futures_util::join!(futures_util::future::join_all(steps), reset.press(&recover, "#submit", &new_password));
    world.faults.clear();
    assert!(answer.status().as_u16() < 400, "{}", answer.status());
    assert_eq!(state(&world, &ada).await.epoch, before + 1);
    assert_eq!(remembered_count(&world, &ada).await, 0);
    let ada = Customer { password: NEW_PASSWORD.to_owned(), ..ada };
    for (browser, _) in &browsers[..8] {
        assert!(asks(&world, browser, &ada).await);
    }
}

#[tokio::test]
async fn a_remembered_device_costs_no_more_than_a_password_and_the_choice_no_more_than_a_code() {
    let (world, ada, factor) = allowed().await;
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    warm(&world).await;
    let code = factor.next_code();
    drop(world.meter.take());
    browser.press(&page, "#submit", &[("code", &code), ("remember_device", "true")]).await;
    assert_eq!(world.meter.take_cost(), cost(4, 4.0, 3.0), "the choice");
    let mut browser = signed_out(&browser);
    let page = browser.open("/login").await;
    warm(&world).await;
    drop(world.meter.take());
    browser.press(&page, "#submit", &[("identifier", &ada.email), ("password", &ada.password)]).await;
    assert!(is_signed_in(&browser));
    assert_eq!(world.meter.take_cost(), cost(4, 4.0, 2.0), "the password");
}

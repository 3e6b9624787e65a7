//! The mail about a sign-in on a device that the account did not know: by every method, not twice, within its limit, and with its link.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::delivery::Mail;
use latchkey::domain::mail_limit::{NOTICES_A_DAY, NOTICES_AN_HOUR};
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use tests::passkey::use_on;
use tests::{AccountClient, Browser, Customer, OAuthClient, SecondFactor, Site, invariants, passkey, second_factor};

const SUBJECT: &str = "New sign-in to your account at Latchkey Demo";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn world_with(document: &str) -> World {
    let document = format!("{DEFAULT_DOCUMENT}\n{document}\n");
    World::builder().without_source_limits().tenant("default", &document).build().await.expect("a world")
}

/// A user with one known device, and the browser of it.
async fn owner(world: &World) -> (Customer, Browser) {
    let ada = Customer::registered(world, "Ada").await;
    let mut browser = Browser::new(world);
    sign_in(&mut browser, &ada).await;
    world.advance(Span::hours(2));
    (ada, browser)
}

async fn sign_in(browser: &mut Browser, customer: &Customer) {
    let page = browser.open("/account/security").await;
    let page = customer.sign_in(browser, &page).await;
    assert_eq!(page.path(), "/account/security", "{}", page.text());
}

fn firefox(world: &World) -> Browser {
    let mut browser = Browser::new(world);
    browser.headers.push(("user-agent".to_owned(), FIREFOX.to_owned()));
    browser
}

/// The mails about new devices, newest first.
async fn told(world: &World, customer: &Customer) -> Vec<Mail> {
    let mut mails = world.mails_to(&customer.email).await.expect("mails");
    mails.retain(|mail| mail.subject == SUBJECT);
    mails
}

#[tokio::test]
async fn a_password_on_a_new_device_is_mailed_with_time_and_browser_and_a_known_device_is_not() {
    let world = world_with("").await;
    let (ada, mut known) = owner(&world).await;
    assert!(told(&world, &ada).await.is_empty(), "the first sign-in belongs to the registration");
    known.cookies.remove("lk-session");
    sign_in(&mut known, &ada).await;
    assert!(told(&world, &ada).await.is_empty(), "the device is known");

    let mut other = firefox(&world);
    sign_in(&mut other, &ada).await;
    let mails = told(&world, &ada).await;
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    for words in ["Firefox on Linux", "UTC", "It was not you?"] {
        assert!(mail.text.contains(words) && mail.html.contains(words), "{words}: {}", mail.text);
    }
    assert_eq!(mail.codes.len(), 1);
    let page = other.open("/account/security").await;
    assert!(page.text().contains("Signed in on a new device"), "{}", page.text());
    // The same event again, and the same device again: no second mail.
    world.pump().await.expect("pumped");
    other.cookies.remove("lk-session");
    sign_in(&mut other, &ada).await;
    assert_eq!(told(&world, &ada).await.len(), 1);
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn every_other_method_is_mailed_too() {
    let world = world_with("[sign_in]\nmail_code = true").await;
    let (ada, mut known) = owner(&world).await;
    known.cookies.remove("lk-session");
    sign_in(&mut known, &ada).await;
    let mut key = passkey::add(&mut known).await;
    let mut count = 0;

    world.advance(Span::seconds(1));
    let mut by_passkey = Browser::new(&world);
    let page = by_passkey.open("/login").await;
    assert_eq!(use_on(&mut by_passkey, &page, &mut key).await.1.status(), StatusCode::SEE_OTHER);
    count += 1;
    assert_eq!(told(&world, &ada).await.len(), count, "a passkey");

    let mut by_code = Browser::new(&world);
    let page = by_code.open("/login").await;
    let page = by_code.submit(&page, "#mail-code", &[("identifier", &ada.email)]).await;
    let code = Site::from(&world).mail_to(&ada.email).await.codes.remove(0);
    by_code.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(by_code.cookies.contains_key("lk-session"));
    count += 1;
    assert_eq!(told(&world, &ada).await.len(), count, "a mailed code");

    let grace = Customer::registered(&world, "Grace").await;
    let factor = SecondFactor::give(&world, &grace).await;
    let mut by_app = Browser::new(&world);
    let page = by_app.open("/account/security").await;
    let page = grace.sign_in(&mut by_app, &page).await;
    assert!(page.path().ends_with("/login/second-step"), "{}", page.url);
    assert!(told(&world, &grace).await.is_empty(), "the right password alone opens nothing");
    by_app.submit(&page, "#submit", &[("code", &factor.next_code())]).await;
    assert_eq!(told(&world, &grace).await.len(), 1, "the second step");
    let mut by_recovery_code = Browser::new(&world);
    let page = by_recovery_code.open("/account/security").await;
    let page = grace.sign_in(&mut by_recovery_code, &page).await;
    by_recovery_code.submit(&page, "#use-recovery-code", &[("recovery_code", &factor.recovery_codes[0])]).await;
    assert_eq!(told(&world, &grace).await.len(), 2, "a recovery code");
}

#[tokio::test]
async fn a_registration_in_the_browser_and_a_token_exchange_are_not_mailed_and_the_tenant_can_switch_it_off() {
    let world = world_with("[sign_in]\nnew_device_mail = false").await;
    let (ada, _) = owner(&world).await;
    sign_in(&mut firefox(&world), &ada).await;
    assert!(told(&world, &ada).await.is_empty());

    let world = world_with("").await;
    let bob = Customer::new("Bob");
    let mut browser = Browser::new(&world);
    let page = browser.open("/register").await;
    let page = browser.submit(&page, "#submit", &bob.form_fields()).await;
    let code = Site::from(&world).mail_to(&bob.email).await.codes.remove(0);
    browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(browser.cookies.contains_key("lk-session"));
    assert!(told(&world, &bob).await.is_empty());
    // Minutes after it, the account knows its device: any other one is new.
    sign_in(&mut Browser::new(&world), &bob).await;
    assert_eq!(told(&world, &bob).await.len(), 1);
}

/// A thief with the password deletes cookies again and again: a few mails, the rest merged, and no mail of another kind is late.
#[tokio::test]
async fn security_116_145_mails_of_new_devices_have_a_limit_of_their_own() {
    let world = world_with("").await;
    let (ada, mut known) = owner(&world).await;
    for _ in 0..NOTICES_A_DAY * 2 {
        sign_in(&mut Browser::new(&world), &ada).await;
    }
    assert_eq!(told(&world, &ada).await.len(), NOTICES_AN_HOUR as usize);
    // The owner changes the password meanwhile, and resets it: both are mailed at once.
    let before = world.mails_to(&ada.email).await.expect("mails").len();
    known.cookies.remove("lk-session");
    sign_in(&mut known, &ada).await;
    let page = known.open("/account/password").await;
    let fields = [("password", ada.password.as_str()), ("new_password", "seven Green bicycles sing")];
    known.submit(&page, "#submit", &fields).await;
    world.advance(Span::seconds(1));
    let page = known.open("/recover").await;
    known.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before + 2);
    // One of those over the limit comes in the next hour, and its link reports its own event.
    world.advance(Span::hours(1));
    world.pump().await.expect("pumped");
    assert_eq!(told(&world, &ada).await.len(), NOTICES_AN_HOUR as usize + 1);
}

/// The link ends the thief's session and the password, and removes what was added since. The link alone does nothing.
#[tokio::test]
async fn security_94_156_the_mail_of_a_new_device_takes_back_what_was_done_there() {
    let world = world_with("").await;
    let (ada, mut known) = owner(&world).await;
    let mut thief = firefox(&world);
    sign_in(&mut thief, &ada).await;
    let mail = told(&world, &ada).await.remove(0);
    world.advance(Span::minutes(1));
    // With the mailbox, too: the thief adds a passkey.
    let mut key = passkey::add(&mut thief).await;
    assert_eq!(second_factor::state(&world, &ada).await.factors.passkeys, 1);
    // The thief signs out: the mail works all the same.
    world.advance(Span::minutes(1));
    let link = mail.links.iter().find(|link| link.contains("/account/not-me?token=")).expect("a link");
    let mut reader = Browser::new(&world);
    let page = reader.open(link).await.expect(StatusCode::OK);
    let wrong = reader.submit(&page, "#confirm", &[("code", "AAAAAAAAAA")]).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(thief.open("/account/sessions").await.path(), "/account/sessions", "nothing has happened yet");
    let done = reader.submit(&page, "#confirm", &[("code", &mail.codes[0])]).await.expect(StatusCode::OK);
    assert!(done.text().contains("Your account is secured"), "{}", done.text());
    assert_eq!(second_factor::state(&world, &ada).await.factors.passkeys, 0);
    for browser in [&mut thief, &mut known] {
        assert_eq!(browser.open("/account/sessions").await.path(), "/login");
    }
    world.advance(Span::seconds(1));
    let mut again = Browser::new(&world);
    let page = again.open("/login").await;
    assert_ne!(use_on(&mut again, &page, &mut key).await.1.status(), StatusCode::SEE_OTHER, "the passkey of the thief");
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// A thief who signs out at once, and a lost reply of the write: one mail, which names the browser.
#[tokio::test]
async fn a_session_that_has_ended_and_a_repeated_write_make_one_mail() {
    let world = world_with("").await;
    let (ada, _) = owner(&world).await;
    let mut thief = firefox(&world);
    let page = thief.open("/account/security").await;
    world.faults.add(Calls::Named("PutItem"), Trigger::Nth(2), Fault::TimeoutAfter);
    ada.sign_in(&mut thief, &page).await;
    let page = thief.open("/oauth2/logout").await;
    thief.submit(&page, "#confirm", &[]).await;
    assert_eq!(thief.open("/account/sessions").await.path(), "/login");
    let mails = told(&world, &ada).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("Firefox on Linux"), "{}", mails[0].text);
}

/// The mail goes to the present address alone: the mails to former addresses have no limit.
#[tokio::test]
async fn security_116_a_former_address_gets_no_mail_of_new_devices() {
    let world = world_with("").await;
    let (ada, _) = owner(&world).await;
    let me = AccountClient::new(&world, &ada).await;
    let moved = Customer { email: "ada@example.net".to_owned(), ..ada.clone() };
    let asked = me.post("/v1/me/email", &serde_json::json!({ "email": moved.email })).await;
    assert_eq!(asked.status(), 202, "{}", asked.text());
    let code = Site::from(&world).mail_to(&moved.email).await.codes.remove(0);
    let proven = me.post("/v1/me/email/verification", &serde_json::json!({ "code": code })).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    let before = world.mails_to(&ada.email).await.expect("mails").len();
    sign_in(&mut Browser::new(&world), &moved).await;
    assert_eq!(told(&world, &moved).await.len(), 1);
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before);
}

/// An application that registers its users, and the sign-in that follows.
#[tokio::test]
async fn the_first_sign_in_within_an_hour_of_the_creation_is_not_mailed_and_a_later_one_is() {
    let world = world_with("").await;
    for (name, after, expected) in [("Ada", Span::minutes(59), 0), ("Grace", Span::minutes(61), 1)] {
        let user = Customer::registered(&world, name).await;
        world.advance(after);
        OAuthClient::demo_app(&world).sign_in(&mut Browser::new(&world), &user).await;
        assert_eq!(told(&world, &user).await.len(), expected, "{name}");
    }
}

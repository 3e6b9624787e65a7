//! "This wasn't me" (security 156): on the page of an event, and behind the link of a mail.
#![expect(clippy::expect_used, reason = "a broken expectation ends the test")]

use http::StatusCode;
use latchkey::delivery::Mail;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::{Authenticator, Browser, Customer, OAuthClient, Page, Site, World, invariants, second_factor};

const NEW_PASSWORD: &str = "seven Green bicycles sing";

async fn world() -> World {
    World::new().await.expect("a world")
}

/// A browser that has just signed in, at its security page.
async fn signed_in(world: &World, customer: &Customer) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    let page = browser.open("/account/security").await;
    let page = customer.sign_in(&mut browser, &page).await;
    assert_eq!(page.path(), "/account/security", "{}", page.text());
    world.pump().await.expect("pumped");
    let page = browser.open("/account/security").await;
    (browser, page)
}

/// The address where the newest event of the history is reported.
fn newest(page: &Page) -> String {
    page.links().into_iter().find(|link| link.contains("/account/not-me?event=")).expect("a link")
}

async fn opens(world: &World, email: &str, password: &str) -> bool {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    !browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await.has_field("password")
}

/// The newest mail with a link that reports its event.
async fn reporting(world: &World, email: &str) -> Mail {
    let mails = world.mails_to(email).await.expect("mails");
    mails.into_iter().find(|mail| mail.links.iter().any(|link| link.contains("/account/not-me?token="))).expect("a mail")
}

fn link_of(mail: &Mail) -> &str {
    mail.links.iter().find(|link| link.contains("/account/not-me?token=")).expect("a link")
}

#[tokio::test]
async fn security_156_an_event_of_the_history_ends_all_sessions_and_the_password() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let client = OAuthClient::demo_app(&world);
    let (mut thief, _) = signed_in(&world, &customer).await;
    let code = client.sign_in(&mut Browser::new(&world), &customer).await.query("code").expect("a code");
    let tokens = client.redeem(&code).await.tokens();
    // The newest event is the next sign-in.
    world.advance(Span::seconds(1));
    let (mut browser, page) = signed_in(&world, &customer).await;
    let page = browser.open(&newest(&page)).await.expect(StatusCode::OK);
    let text = page.text();
    assert!(text.contains("Signed in") && text.contains("signed out") && text.contains(&customer.email), "{text}");
    assert_eq!(thief.open("/account/sessions").await.path(), "/account/sessions", "the page alone does nothing");
    let done = browser.submit(&page, "#confirm", &[]).await.expect(StatusCode::OK);
    assert!(done.text().contains("Your account is secured"), "{}", done.text());
    for other in [&mut thief, &mut browser] {
        assert_eq!(other.open("/account/sessions").await.path(), "/login");
    }
    assert_eq!(client.refresh(tokens.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert!(!opens(&world, &customer.email, &customer.password).await, "the password that the thief knows");
    let mail = world.mails_to(&customer.email).await.expect("mails").remove(0);
    assert_eq!(mail.subject, "Your account at Latchkey Demo is secured");
    // The page leads to a new password. A request of the same millisecond would count as older than the report.
    world.advance(Span::seconds(1));
    let recover = done.links().into_iter().find(|link| link.ends_with("/recover")).expect("a link");
    let page = browser.open(&recover).await;
    let (page, mail) = Site::from(&world)
        .mail_after(&customer.email, browser.submit(&page, "#submit", &[("identifier", &customer.email)]))
        .await;
    browser.submit(&page, "#submit", &[("code", &mail.codes[0]), ("password", NEW_PASSWORD)]).await;
    assert!(opens(&world, &customer.email, NEW_PASSWORD).await);
    // No success comes from an address.
    let mut stranger = Browser::new(&world);
    assert_eq!(stranger.open("/account/not-me?done=reported&check=x").await.path(), "/login");
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_156_an_old_session_or_another_account_reports_nothing() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut old, page) = signed_in(&world, &customer).await;
    let address = newest(&page);
    let form = old.open(&address).await;
    // A copied cookie of a session that signed in six minutes ago.
    world.advance(Span::minutes(6));
    assert_eq!(old.open(&address).await.path(), "/login");
    assert_eq!(old.submit(&form, "#confirm", &[]).await.path(), "/login");
    let other = Customer::registered(&world, "Mallory").await;
    let (mut theirs, _) = signed_in(&world, &other).await;
    assert_eq!(theirs.open(&address).await.path(), "/account/security", "an event of another account");
    assert!(opens(&world, &customer.email, &customer.password).await);
}

#[tokio::test]
async fn security_77_156_the_password_alone_removes_no_factor_of_the_owner() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut owner, page) = signed_in(&world, &customer).await;
    let before = newest(&page);
    tests::passkey::add(&mut owner).await;
    world.advance(Span::minutes(20));
    let (mut thief, _) = signed_in(&world, &customer).await;
    let asked = thief.open(&before).await;
    assert_eq!(asked.path(), "/account/confirm-address", "{}", asked.text());
    let page = tests::passkey::prove_address(&mut thief, asked).await;
    assert_eq!(page.path(), "/account/not-me", "with the mailbox it is the owner: {}", page.text());
}

/// A thief with the password and the mailbox has added an app. Its mail takes it back, in a browser that never signed in.
#[tokio::test]
async fn security_94_156_the_link_alone_does_nothing_and_the_code_removes_what_was_added() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut thief, _) = signed_in(&world, &customer).await;
    let (_, _) = Authenticator::set_up(&world, &mut thief).await;
    let mail = reporting(&world, &customer.email).await;
    assert!(!link_of(&mail).contains(&mail.codes[0]));
    let mut scanner = Browser::new(&world);
    let page = scanner.open(link_of(&mail)).await.expect(StatusCode::OK);
    for code in ["", "AAAAAAAAAA"] {
        let refused = scanner.submit(&page, "#confirm", &[("code", code)]).await.expect(StatusCode::BAD_REQUEST);
        assert!(refused.text().contains("Nothing was changed"), "{}", refused.text());
    }
    assert_eq!(thief.open("/account/sessions").await.path(), "/account/sessions");
    let mut browser = Browser::new(&world);
    let page = browser.open(link_of(&mail)).await;
    let done = browser.submit(&page, "#confirm", &[("code", &mail.codes[0].to_lowercase())]).await.expect(StatusCode::OK);
    assert!(done.text().contains("Your account is secured"), "{}", done.text());
    assert!(!browser.cookies.contains_key("lk-session"), "it signs in no one");
    assert_eq!(thief.open("/account/sessions").await.path(), "/login");
    let state = second_factor::state(&world, &customer).await;
    assert!(!state.protected && state.factors.totp.is_none() && state.factors.recovery_codes == 0);
    // A second use, in any browser, changes nothing more.
    let again = Browser::new(&world).open(link_of(&mail)).await;
    assert!(again.text().contains("Your account is secured"), "{}", again.text());
    assert_eq!(second_factor::state(&world, &customer).await.version, state.version);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_156_a_removed_app_comes_back_and_the_link_ends_after_a_week() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, _) = signed_in(&world, &customer).await;
    let (app, _) = Authenticator::set_up(&world, &mut browser).await;
    world.advance(Span::days(8));
    let mut thief = Browser::new(&world);
    let page = thief.open("/account/two-step/remove").await;
    let page = customer.sign_in(&mut thief, &page).await;
    let page = thief.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    thief.submit(&page, "#submit", &[]).await;
    assert!(second_factor::state(&world, &customer).await.factors.totp.is_none());
    let mail = reporting(&world, &customer.email).await;
    let mut late = Browser::new(&world);
    let page = late.open(link_of(&mail)).await;
    let mut owner = Browser::new(&world);
    let form = owner.open(link_of(&mail)).await;
    // A lost reply: the form is sent again, and says that it is done.
    world.faults.add(Calls::Named("TransactWriteItems"), Trigger::Nth(1), Fault::TimeoutAfter);
    owner.submit(&form, "#confirm", &[("code", &mail.codes[0])]).await;
    let done = owner.submit(&form, "#confirm", &[("code", &mail.codes[0])]).await;
    assert!(done.text().contains("Your account is secured"), "{}", done.text());
    let state = second_factor::state(&world, &customer).await;
    assert!(state.protected && state.factors.totp.is_some() && state.factors.recovery_codes == 10);
    let reported = reporting(&world, &customer.email).await;
    world.advance(Span::days(7));
    let over = late.submit(&page, "#confirm", &[("code", &mail.codes[0])]).await;
    assert_eq!(over.status(), 410, "{}", over.text());
    assert_eq!(Browser::new(&world).open(link_of(&reported)).await.status(), 410);
}

/// Both reports are of the same moment: one is made, and the other one finds it done.
#[tokio::test]
async fn security_156_two_reports_at_once_change_the_account_once() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut thief, _) = signed_in(&world, &customer).await;
    let (_, _) = Authenticator::set_up(&world, &mut thief).await;
    let mail = reporting(&world, &customer.email).await;
    let epoch = second_factor::state(&world, &customer).await.epoch;
    let send = async || {
        let mut browser = Browser::new(&world);
        let page = browser.open(link_of(&mail)).await;
        browser.submit(&page, "#confirm", &[("code", &mail.codes[0])]).await.status()
    };
    let statuses = tokio::join!(send(), send(), send(), send());
    assert_eq!(statuses, (200, 200, 200, 200));
    assert_eq!(second_factor::state(&world, &customer).await.epoch, epoch + 1);
}

/// A new phone: the owner removes the app and sets it up again. Until a week later the mail about it is worth nothing to a thief of the mailbox.
#[tokio::test]
async fn security_156_a_thief_of_the_mailbox_gets_in_by_no_mail_about_a_new_phone() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, _) = signed_in(&world, &customer).await;
    let (app, _) = Authenticator::set_up(&world, &mut browser).await;
    world.advance(Span::days(300));
    let mut owner = Browser::new(&world);
    let page = owner.open("/account/two-step/remove").await;
    let page = customer.sign_in(&mut owner, &page).await;
    let page = owner.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    owner.submit(&page, "#submit", &[]).await;
    world.advance(Span::seconds(40));
    let (_, _) = Authenticator::set_up(&world, &mut owner).await;
    world.advance(Span::days(6));
    let mail = reporting(&world, &customer.email).await;
    let mut thief = Browser::new(&world);
    let page = thief.open(link_of(&mail)).await;
    let done = thief.submit(&page, "#confirm", &[("code", &mail.codes[0])]).await;
    assert!(done.text().contains("Your account is secured"), "{}", done.text());
    let state = second_factor::state(&world, &customer).await;
    assert!(state.protected && state.factors.totp.is_some(), "the password ends, the second step stays");
}

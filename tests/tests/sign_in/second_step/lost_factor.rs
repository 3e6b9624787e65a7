//! A user who has lost the app and all codes (security 157): the wait, and a thief with the password and the mailbox.

use super::{enter_code, first_step, is_signed_in, protected};
use latchkey::delivery::Mail;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use tests::second_factor::state;
use tests::{Browser, Customer, Page, SecondFactor, Site, invariants, passkey};

/// A world that allows the removal. Ada's account has been protected for eight days.
async fn allowed() -> (World, Customer, SecondFactor) {
    let document = format!("{DEFAULT_DOCUMENT}\n[sign_in]\nlost_factor = \"delay\"\n");
    let world = World::builder().tenant("default", &document).build().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let factor = SecondFactor::give(&world, &ada).await;
    world.advance(Span::days(8));
    (world, ada, factor)
}

/// The page after the right password and the link "I have lost …".
async fn lost(world: &World, browser: &mut Browser, customer: &Customer) -> Page {
    let page = first_step(world, browser, customer).await;
    let link = page.links().into_iter().find(|link| link.contains("/login/lost-factor")).expect("a link");
    browser.open(&link).await
}

/// Asks, with the password and the mailed code.
async fn ask(world: &World, browser: &mut Browser, customer: &Customer) -> Page {
    let page = lost(world, browser, customer).await;
    let (page, mail) = Site::from(world).mail_after(&customer.email, browser.submit(&page, "#send", &[])).await;
    let page = browser.submit(&page, "#submit", &[("mail_code", &mail.codes[0])]).await;
    assert!(page.text().contains("Sign in here again from"), "{}", page.text());
    page
}

async fn cancelling(world: &World, email: &str) -> Mail {
    let mails = world.mails_to(email).await.expect("mails");
    mails.into_iter().find(|mail| mail.links.iter().any(|link| link.contains("/account/lost-factor"))).expect("a mail")
}

/// Whether this browser can remove the factors now.
async fn can_remove(world: &World, browser: &mut Browser, customer: &Customer) -> bool {
    lost(world, browser, customer).await.has_button("#remove")
}

#[tokio::test]
async fn security_157_without_the_policy_the_page_names_support_and_takes_nothing() {
    let (world, ada, _) = protected().await;
    world.advance(Span::days(8));
    let mut browser = Browser::new(&world);
    let page = lost(&world, &mut browser, &ada).await;
    assert!(page.text().contains("only our support can help you") && !page.has_button("#send"), "{}", page.text());
}

#[tokio::test]
async fn security_157_a_sign_in_that_began_with_a_mailed_code_starts_no_removal() {
    let document = format!("{DEFAULT_DOCUMENT}\n[sign_in]\nlost_factor = \"delay\"\nmail_code = true\n");
    let world = World::builder().tenant("default", &document).build().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    SecondFactor::give(&world, &ada).await;
    world.advance(Span::days(8));
    let mut thief = Browser::new(&world);
    let page = thief.open("/login").await;
    let page = thief.submit(&page, "#mail-code", &[("identifier", &ada.email)]).await;
    let code = Site::from(&world).mail_to(&ada.email).await.codes[0].clone();
    let page = enter_code(&mut thief, &page, &code).await;
    assert!(page.path().ends_with("/login/second-step"), "{}", page.url);
    let link = page.links().into_iter().find(|link| link.contains("/login/lost-factor")).expect("a link");
    let page = thief.open(&link).await;
    assert!(page.text().contains("begin again with your password") && !page.has_button("#send"), "{}", page.text());
}

/// The thief reads the mailbox that the owner is about to leave.
#[tokio::test]
async fn security_157_a_change_of_address_ends_a_request_of_the_former_mailbox() {
    let (world, ada, factor) = allowed().await;
    let mut owner = Browser::new(&world);
    let page = owner.open("/account/email").await;
    let page = ada.sign_in(&mut owner, &page).await;
    let page = enter_code(&mut owner, &page, &factor.next_code()).await;
    let verify = owner.submit(&page, "#submit", &[("email", "ada2@example.org")]).await;
    world.advance(Span::minutes(10));
    let mut thief = Browser::new(&world);
    ask(&world, &mut thief, &ada).await;
    world.advance(Span::minutes(5));
    let code = world.mails_to("ada2@example.org").await.expect("mails").remove(0).codes[0].clone();
    owner.submit(&verify, "#submit", &[("code", &code)]).await;
    let moved = Customer { email: "ada2@example.org".to_owned(), ..ada };
    assert!(state(&world, &moved).await.factors.removal.is_some_and(|request| request.device.is_none()));
    world.advance(Span::hours(72));
    assert!(!can_remove(&world, &mut thief, &moved).await);
}

#[tokio::test]
async fn a_lost_reply_of_the_form_that_starts_the_delay_changes_nothing_for_its_browser() {
    let (world, ada, _) = allowed().await;
    let mut browser = Browser::new(&world);
    let page = lost(&world, &mut browser, &ada).await;
    let (page, mail) = Site::from(&world).mail_after(&ada.email, browser.submit(&page, "#send", &[])).await;
    let code = [("mail_code", mail.codes[0].as_str())];
    browser.clone().press(&page, "#submit", &code).await;
    let again = browser.submit(&page, "#submit", &code).await;
    assert!(again.text().contains("Sign in here again from"), "{}", again.text());
    world.advance(Span::hours(72));
    assert!(can_remove(&world, &mut browser, &ada).await);
}

#[tokio::test]
async fn security_157_after_72_hours_the_browser_that_asked_removes_the_factors() {
    let (world, ada, _) = allowed().await;
    let mut browser = Browser::new(&world);
    ask(&world, &mut browser, &ada).await;
    assert!(!is_signed_in(&browser));
    assert!(cancelling(&world, &ada.email).await.text.contains("possible on"));
    world.advance(Span::minutes(71 * 60 + 58));
    assert!(!can_remove(&world, &mut browser, &ada).await);
    world.advance(Span::minutes(2));
    let mut other = Browser::new(&world);
    assert!(!can_remove(&world, &mut other, &ada).await, "another browser with the password");
    let page = lost(&world, &mut browser, &ada).await;
    // A browser forgets the cookie of its session when it is closed. That of the device stays.
    let done = browser.submit(&page, "#remove", &[]).await;
    assert!(done.text().contains("Your second step is removed") && !is_signed_in(&browser), "{}", done.text());
    let account = state(&world, &ada).await;
    assert!(!account.protected && !account.factors.has_second_step());
    let page = browser.open("/login").await;
    ada.sign_in(&mut browser, &page).await;
    assert!(is_signed_in(&browser), "the password alone opens the account");
    // The owner takes it back with the mail.
    let mail = world.mails_to(&ada.email).await.expect("mails").remove(0);
    let link = mail.links.iter().find(|link| link.contains("/account/not-me")).expect("a link").clone();
    let mut owner = Browser::new(&world);
    let page = owner.open(&link).await;
    owner.submit(&page, "#confirm", &[("code", &mail.codes[0])]).await;
    let account = state(&world, &ada).await;
    assert!(account.protected && account.factors.totp.is_some(), "{:?}", account.factors);
    assert_eq!(browser.open("/account").await.path(), "/login");
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_157_a_closed_browser_still_is_the_one_that_asked() {
    let (world, ada, _) = allowed().await;
    let mut browser = Browser::new(&world);
    ask(&world, &mut browser, &ada).await;
    browser.cookies.remove("lk-browser");
    world.advance(Span::hours(72));
    assert!(can_remove(&world, &mut browser, &ada).await);
    browser.cookies.clear();
    assert!(!can_remove(&world, &mut browser, &ada).await);
}

#[tokio::test]
async fn security_157_a_code_a_touch_or_the_mail_cancels_it() {
    for way in ["code", "touch", "mail"] {
        let (world, ada, factor) = allowed().await;
        let mut owner = Browser::new(&world);
        let page = first_step(&world, &mut owner, &ada).await;
        enter_code(&mut owner, &page, &factor.next_code()).await;
        assert!(is_signed_in(&owner));
        let mut thief = Browser::new(&world);
        ask(&world, &mut thief, &ada).await;
        world.advance(Span::hours(1));
        match way {
            "code" => {
                let mut browser = Browser::new(&world);
                let page = first_step(&world, &mut browser, &ada).await;
                enter_code(&mut browser, &page, &factor.next_code()).await;
            }
            "touch" => {
                let page = owner.open("/account/sessions").await;
                assert!(page.text().contains("the removal of your app"), "{}", page.text());
                let page = owner.submit(&page, "#cancel-removal", &[]).await;
                assert!(page.text().contains("The removal is cancelled"), "{}", page.text());
                assert!(!owner.open("/account").await.has_button("#cancel-removal"));
            }
            _ => {
                let mail = cancelling(&world, &ada.email).await;
                let mut browser = Browser::new(&world);
                let page = browser.open(&mail.links[0]).await;
                let refused = browser.submit(&page, "#confirm", &[("code", "AAAAAAAAAA")]).await;
                assert_eq!(refused.status(), 400, "{}", refused.text());
                let done = browser.submit(&page, "#confirm", &[("code", &mail.codes[0])]).await;
                assert!(done.text().contains("No removal is waiting") && !is_signed_in(&browser), "{}", done.text());
            }
        }
        world.advance(Span::hours(80));
        assert!(!can_remove(&world, &mut thief, &ada).await, "{way}");
        assert!(state(&world, &ada).await.protected);
        // Nor a second time within thirty days.
        let page = lost(&world, &mut thief, &ada).await;
        assert!(page.text().contains("once in 30 days") && !page.has_button("#send"), "{}", page.text());
    }
}

#[tokio::test]
async fn security_157_a_passkey_cancels_it() {
    let (world, ada, factor) = allowed().await;
    let mut owner = Browser::new(&world);
    let page = owner.open("/login").await;
    let page = ada.sign_in(&mut owner, &page).await;
    enter_code(&mut owner, &page, &factor.next_code()).await;
    let mut key = passkey::add_beside(&mut owner, |_| {}).await;
    world.advance(Span::days(8));
    let mut thief = Browser::new(&world);
    ask(&world, &mut thief, &ada).await;
    // On the device that it knows best, nothing else of the account changes.
    owner.cookies.remove("lk-session");
    let page = owner.open("/login").await;
    passkey::use_on(&mut owner, &page, &mut key).await;
    world.advance(Span::hours(72));
    assert!(!can_remove(&world, &mut thief, &ada).await);
}

/// A thief who has reset the password by the mailbox waits a week, and then three days more.
#[tokio::test]
async fn security_157_not_within_a_week_after_a_recovery() {
    let (world, ada, _) = allowed().await;
    let mut thief = Browser::new(&world);
    let page = thief.open("/recover").await;
    let (page, mail) =
        Site::from(&world).mail_after(&ada.email, thief.submit(&page, "#submit", &[("identifier", &ada.email)])).await;
    let password = "a quite different 9 umbrellas";
    thief.submit(&page, "#submit", &[("code", &mail.codes[0]), ("password", password)]).await;
    let ada = Customer { password: password.to_owned(), ..ada };
    world.advance(Span::days(6));
    let page = lost(&world, &mut thief, &ada).await;
    assert!(page.text().contains("can be requested from") && !page.has_button("#send"), "{}", page.text());
    world.advance(Span::days(1));
    assert!(lost(&world, &mut thief, &ada).await.has_button("#send"));
}

#[tokio::test]
async fn security_157_of_a_cancellation_and_a_removal_at_once_one_wins() {
    for _ in 0..3 {
        let (world, ada, factor) = allowed().await;
        let mut owner = Browser::new(&world);
        let page = first_step(&world, &mut owner, &ada).await;
        enter_code(&mut owner, &page, &factor.next_code()).await;
        let mut asker = Browser::new(&world);
        ask(&world, &mut asker, &ada).await;
        world.advance(Span::hours(72));
        let removal = lost(&world, &mut asker, &ada).await;
        // The session of the owner has ended meanwhile: the mail cancels.
        let mail = cancelling(&world, &ada.email).await;
        let mut other = Browser::new(&world);
        let form = other.open(&mail.links[0]).await;
        let code = [("code", mail.codes[0].as_str())];
        let (removed, _) = tokio::join!(asker.submit(&removal, "#remove", &[]), other.submit(&form, "#confirm", &code));
        let is_removed = removed.text().contains("Your second step is removed");
        assert_eq!(state(&world, &ada).await.protected, !is_removed, "{}", removed.text());
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

//! A thief at the second step: with the password, with the address of the page, with an old code (security 17, 60, 72–74).

use super::{enter_code, first_step, is_signed_in, protected};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use tests::second_factor::state;
use tests::{Browser, Customer, OAuthClient, SecondFactor, passkey};

#[tokio::test]
async fn security_60_after_the_password_alone_no_route_knows_the_user() {
    let (world, ada, _) = protected().await;
    let mut thief = Browser::new(&world);
    let page = first_step(&world, &mut thief, &ada).await;
    assert!(!is_signed_in(&thief) && !thief.cookies.contains_key("lk-device"), "{:?}", thief.cookies.keys());
    let silent = OAuthClient::demo_app(&world).authorize_url(&[("prompt", "none")]);
    assert_eq!(thief.open(&silent).await.query("error").as_deref(), Some("login_required"));
    for path in ["/account", "/account/security", "/account/export", "/account/password", "/complete", "/consent"] {
        let attempt = page.query("lk_attempt").expect("an attempt");
        let shown = thief.open(&format!("{path}?lk_attempt={attempt}")).await;
        assert!(shown.has_field("password") || shown.status() >= 400, "{path}: {} {}", shown.status(), shown.url);
    }
    assert!(!is_signed_in(&thief));
}

#[tokio::test]
async fn security_17_the_step_belongs_to_its_browser_its_request_and_its_time() {
    let (world, ada, factor) = protected().await;
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    // Another browser has the address, and even the right code.
    let mut other = Browser::new(&world);
    let shown = other.open(&page.url).await;
    assert!(shown.status() == 400 && shown.text().contains("sign in again"), "{}", shown.text());
    // The attempt of one request names nothing in another.
    let attempt = page.query("lk_attempt").expect("an attempt");
    let moved = browser.open(&format!("/login/second-step?return_to=%2Faccount&lk_attempt={attempt}")).await;
    assert!(moved.has_field("password"), "{}", moved.url);
    // A form of another page.
    let account = browser.open("/login").await;
    let form = account.form("#submit");
    let anti_forgery = form.fields.iter().find(|(name, _)| name == "anti_forgery").expect("a value").1.clone();
    let forged = browser.submit(&page, "#submit", &[("code", &factor.next_code()), ("anti_forgery", &anti_forgery)]).await;
    assert_eq!(forged.status(), 403, "{}", forged.text());
    world.advance(Span::minutes(15));
    let late = enter_code(&mut browser, &page, &factor.next_code()).await;
    assert!(late.status() == 400 && late.text().contains("took too long"), "{}", late.text());
    assert!(!is_signed_in(&browser) && !is_signed_in(&other));
}

#[tokio::test]
async fn security_59_a_new_password_ends_a_step_that_waits() {
    let (world, ada, factor) = protected().await;
    let mut thief = Browser::new(&world);
    let page = first_step(&world, &mut thief, &ada).await;
    let mut browser = Browser::new(&world);
    let recover = browser.open("/recover").await;
    let recover = browser.submit(&recover, "#submit", &[("identifier", &ada.email)]).await;
    let code = world.mails_to(&ada.email).await.expect("mails")[0].codes[0].clone();
    browser
        .submit(&recover, "#submit", &[("code", &code), ("password", "a quite different 9 umbrellas")])
        .await
        .expect(StatusCode::OK);
    let ended = enter_code(&mut thief, &page, &factor.next_code()).await;
    assert!(ended.status() == 400 && !is_signed_in(&thief), "{}", ended.text());
}

#[tokio::test]
async fn security_72_a_code_works_once_and_only_near_its_time() {
    let (world, ada, factor) = protected().await;
    let code = factor.next_code();
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    assert!(enter_code(&mut browser, &page, &code).await.query("code").is_some());
    let mut thief = Browser::new(&world);
    let page = first_step(&world, &mut thief, &ada).await;
    let again = enter_code(&mut thief, &page, &code).await;
    assert!(again.status() == 400 && again.text().contains("used before"), "{}", again.text());
    // The code of two steps ago was never used.
    let old = factor.next_code();
    world.advance(Span::seconds(60));
    assert_eq!(enter_code(&mut thief, &page, &old).await.status(), 400);
    assert!(!is_signed_in(&thief));
    // The next one works, with spaces.
    let code = factor.next_code();
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    assert!(enter_code(&mut thief, &page, &spaced).await.query("code").is_some());
    assert_eq!(state(&world, &ada).await.factors.failures.count, 0, "a completed step resets the count");
}

#[tokio::test]
async fn security_76_a_recovery_code_works_once() {
    let (world, ada, factor) = protected().await;
    let code = factor.recovery_codes[0].to_lowercase().replace('-', " ");
    for (number, expected) in [(1, true), (2, false)] {
        let mut browser = Browser::new(&world);
        let page = first_step(&world, &mut browser, &ada).await;
        let page = browser.submit(&page, "#use-recovery-code", &[("recovery_code", &code)]).await;
        assert_eq!(page.query("code").is_some(), expected, "use {number}: {}", page.text());
    }
    assert_eq!(state(&world, &ada).await.factors.recovery_codes, 9);
}

/// The right password again and again, and wrong codes: five are evaluated, then one for each wait, and none after fifty.
#[tokio::test]
async fn security_74_wrong_codes_count_for_the_account_and_waiting_ends_after_fifty() {
    let (world, ada, factor) = protected().await;
    let evaluated = async |rounds: usize, wait: Span| {
        let mut evaluated = 0;
        for _ in 0..rounds {
            world.advance(wait);
            let mut thief = Browser::new(&world);
            let page = first_step(&world, &mut thief, &ada).await;
            let shown = enter_code(&mut thief, &page, &factor.wrong_code()).await;
            evaluated += usize::from(shown.status() == 400);
            assert!(matches!(shown.status(), 400 | 429), "{}", shown.text());
        }
        evaluated
    };
    assert_eq!(evaluated(20, Span::ZERO).await, 5);
    // Once: the person knows that the password is known.
    let told = world.mails_to(&ada.email).await.expect("mails");
    assert_eq!(told.iter().filter(|mail| mail.subject.starts_with("Wrong codes after your password")).count(), 1, "{told:?}");
    // The owner waits, too, and the right code is refused until then.
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    assert_eq!(enter_code(&mut browser, &page, &factor.code()).await.status(), 429);
    assert_eq!(evaluated(60, Span::minutes(16)).await, 45);
    world.advance(Span::days(400));
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    let locked = enter_code(&mut browser, &page, &factor.code()).await;
    assert!(locked.status() == 429 && locked.text().contains("passkey"), "{}", locked.text());
    assert_eq!(state(&world, &ada).await.failures.count, 0, "the password was always right");
}

/// The right password of a protected account resets no window and makes no device known.
#[tokio::test]
async fn security_114_a_right_password_with_a_step_due_changes_nothing_but_the_version() {
    let (world, ada, _) = protected().await;
    let mut thief = Browser::new(&world);
    let page = thief.open("/login").await;
    for _ in 0..3 {
        thief.submit(&page, "#submit", &[("identifier", &ada.email), ("password", "wrong")]).await;
    }
    let before = state(&world, &ada).await;
    assert_eq!(before.failures.count, 3);
    first_step(&world, &mut thief, &ada).await;
    let after = state(&world, &ada).await;
    assert_eq!((after.failures, &after.devices, after.version), (before.failures, &before.devices, before.version + 1));
}

#[tokio::test]
async fn a_form_that_was_sent_twice_continues() {
    let (world, ada, factor) = protected().await;
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    let code = factor.next_code();
    assert!(enter_code(&mut browser, &page, &code).await.query("code").is_some());
    let count = state(&world, &ada).await.version;
    let again = enter_code(&mut browser, &page, &code).await;
    assert!(again.query("code").is_some(), "{}: {}", again.url, again.text());
    assert_eq!(state(&world, &ada).await.version, count, "nothing was evaluated");
    // A request that forces a sign-in is satisfied by the same form, too: the password was part of this sign-in.
    world.advance(Span::minutes(1));
    let forced = OAuthClient::demo_app(&world).authorize_url(&[("prompt", "login")]);
    let password = browser.open(&forced).await;
    let step = ada.sign_in(&mut browser, &password).await;
    world.advance(Span::seconds(30));
    let code = factor.next_code();
    assert!(enter_code(&mut browser, &step, &code).await.query("code").is_some());
    let again = enter_code(&mut browser, &step, &code).await;
    assert!(again.query("code").is_some(), "{}: {}", again.url, again.text());
    let page = step;
    // Signed out, the same form opens nothing.
    browser.cookies.remove("lk-session");
    let over = enter_code(&mut browser, &page, &factor.next_code()).await;
    assert!(over.status() == 400 && !is_signed_in(&browser), "{}", over.text());
}

#[tokio::test]
async fn a_wished_step_is_asked_for_once_and_can_be_declined() {
    let (world, _, _) = protected().await;
    let bob = Customer::registered(&world, "Bob").await;
    let mut browser = Browser::new(&world);
    OAuthClient::demo_app(&world).sign_in(&mut browser, &bob).await;
    SecondFactor::give(&world, &bob).await;
    unprotect(&world, &bob).await;
    let url = OAuthClient::demo_app(&world).authorize_url(&[("acr_values", "urn:latchkey:acr:2")]);
    let page = browser.open(&url).await;
    assert!(page.path() == "/login/second-step" && page.has_button("#without"), "{}", page.url);
    let callback = browser.submit(&page, "#without", &[]).await;
    let claims = OAuthClient::demo_app(&world).redeem(&callback.query("code").expect("a code")).await.tokens().id_claims();
    assert_eq!(claims["acr"], "urn:latchkey:acr:1");
    // With `prompt=none` a wish is no reason to refuse.
    let silent = browser.open(&format!("{url}&prompt=none")).await;
    assert!(silent.query("code").is_some(), "{}", silent.url);
}

/// Another user's passkey completes nothing, and the page says so. The step stays open.
#[tokio::test]
async fn security_78_after_a_refused_passkey_the_step_continues() {
    let (world, ada, factor) = protected().await;
    let bob = Customer::registered(&world, "Bob").await;
    let mut own = Browser::new(&world);
    let page = own.open("/login").await;
    bob.sign_in(&mut own, &page).await;
    let mut of_bob = passkey::add(&mut own).await;
    let mut of_ada = Browser::new(&world);
    let page = first_step(&world, &mut of_ada, &ada).await;
    enter_code(&mut of_ada, &page, &factor.next_code()).await;
    passkey::add(&mut of_ada).await;
    world.advance(Span::minutes(1));
    let mut browser = Browser::new(&world);
    let page = first_step(&world, &mut browser, &ada).await;
    let sent = passkey::use_on(&mut browser, &page, &mut of_bob).await;
    let refused = browser.follow_answer(sent).await;
    assert!(refused.status() == 400 && refused.text().contains("could not be verified"), "{}", refused.text());
    assert!(!is_signed_in(&browser));
    for link in refused.links().into_iter().filter(|link| link.contains("ui_locales=")) {
        assert!(link.contains("/login/second-step?") && link.contains("lk_attempt="), "{link}");
    }
    assert!(enter_code(&mut browser, &refused, &factor.next_code()).await.query("code").is_some());
}

/// The account keeps its app, but opens by its password alone.
async fn unprotect(world: &World, customer: &Customer) {
    use latchkey::domain::account::AccountState;
    use latchkey::domain::change::Change;
    let now = state(world, customer).await;
    let next = AccountState { protected: false, version: now.version + 1, ..now };
    tests::second_factor::commit(world, Change::record_sign_in(next)).await;
}

/// A stolen phone has the app and a session. A code alone is no sign-in for a request that forces one.
#[tokio::test]
async fn security_11_a_code_alone_satisfies_no_forced_sign_in() {
    let (world, ada, factor) = protected().await;
    let client = OAuthClient::demo_app(&world);
    let mut phone = Browser::new(&world);
    let page = first_step(&world, &mut phone, &ada).await;
    assert!(enter_code(&mut phone, &page, &factor.next_code()).await.query("code").is_some());
    world.advance(Span::minutes(20));
    for forced in [("prompt", "login"), ("max_age", "0"), ("max_age", "60"), ("prompt", "select_account")] {
        for wish in [&[][..], &[("acr_values", "phr")]] {
            let url = client.authorize_url(&[&[forced], wish].concat());
            let shown = phone.open(&url).await;
            assert!(shown.has_field("password"), "{forced:?}: {}", shown.url);
            let direct = phone.open(&url.replace("/oauth2/authorize", "/login/second-step")).await;
            assert!(direct.has_field("password"), "{forced:?}: {}", direct.url);
        }
    }
}

//! Sign-in with a mailed code: what works, what is refused, and that the answers do not depend on the address.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use crate::login::cost::{cost, warm};
use http::StatusCode;
use latchkey::domain::mail_limit::{SHORT_CODES_A_DAY, STARTS_A_DAY};
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use tests::second_factor::{commit, state};
use tests::{AccountClient, Browser, Customer, OAuthClient, Page, SecondFactor, Site};

/// A world of a tenant with mailed codes, and Ada.
async fn world() -> (World, Customer) {
    let document = format!("{DEFAULT_DOCUMENT}\n[sign_in]\nmail_code = true\n");
    let world = World::builder().without_source_limits().tenant("default", &document).build().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    (world, ada)
}

/// The page for the code, for a request of the demo application.
async fn ask(browser: &mut Browser, world: &World, email: &str) -> Page {
    let page = browser.open(&OAuthClient::demo_app(world).authorize_url(&[])).await;
    let page = browser.submit(&page, "#mail-code", &[("identifier", email)]).await;
    assert!(page.path().ends_with("/login/code") && page.status() == 200, "{}: {}", page.url, page.text());
    page
}

async fn enter(browser: &mut Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, "#submit", &[("code", code)]).await
}

async fn mailed(world: &World, email: &str) -> String {
    Site::from(world).mail_to(email).await.codes.first().expect("a code").clone()
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.cookies.contains_key("lk-session")
}

#[tokio::test]
async fn a_mailed_code_signs_in_without_a_password_and_the_application_learns_level_1() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &format!(" {} ", ada.email)).await;
    assert!(page.text().contains(&ada.email), "{}", page.text());
    let code = mailed(&world, &ada.email).await;
    assert_eq!(code.len(), 6);
    let page = enter(&mut browser, &page, &format!("{} {}", &code[..3], &code[3..])).await;
    let page = if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page };
    let tokens = OAuthClient::demo_app(&world).redeem(&page.query("code").expect("a code")).await.tokens();
    let claims = tokens.id_claims();
    assert_eq!(claims["acr"], "urn:latchkey:acr:1");
    assert!(claims.get("amr").is_none_or(|amr| amr.as_array().is_some_and(Vec::is_empty)), "{claims}");
}

#[tokio::test]
async fn security_71_page_answer_and_cost_are_the_same_for_an_address_without_an_account() {
    let (world, ada) = world().await;
    let mut seen = Vec::new();
    for email in [ada.email.as_str(), "absent@example.com"] {
        let mut browser = Browser::new(&world);
        let page = browser.open("/login").await;
        warm(&world).await;
        let (_, answer) = browser.press(&page, "#mail-code", &[("identifier", email)]).await;
        let started = (answer.status(), world.meter.take_cost());
        let location = answer.headers()["location"].to_str().expect("ASCII").to_owned();
        let page = browser.open(&location).await;
        let shown = (page.status(), page.text().replace(email, "…"), world.meter.take_cost());
        let wrong = enter(&mut browser, &page, "000000x").await;
        seen.push((started, shown, (wrong.status(), wrong.text().replace(email, "…"), world.meter.take_cost())));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0, (StatusCode::SEE_OTHER, cost(2, 0.0, 2.0)));
    assert!(world.mails_to("absent@example.com").await.expect("mails").is_empty());
}

#[tokio::test]
async fn a_start_reads_nothing_and_a_used_code_costs_four_reads_and_three_writes() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    warm(&world).await;
    let page = browser.submit(&page, "#mail-code", &[("identifier", &ada.email)]).await;
    assert_eq!(world.meter.take_cost(), cost(3, 1.0, 2.0), "the start, and the page of its flow");
    let code = mailed(&world, &ada.email).await;
    drop(world.meter.take());
    browser.press(&page, "#submit", &[("code", &code)]).await;
    assert_eq!(world.meter.take_cost(), cost(6, 4.0, 3.0));
}

#[tokio::test]
async fn security_79_five_wrong_codes_end_it_and_the_right_one_is_too_late() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let mut page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    for left in (1..5).rev() {
        page = enter(&mut browser, &page, other_than(&code)).await;
        assert_eq!(page.status(), 400);
        let words = if left == 1 { "one more try".to_owned() } else { format!("{left} more tries") };
        assert!(page.text().contains(&words), "{}", page.text());
    }
    let over = enter(&mut browser, &page, other_than(&code)).await;
    assert!(over.status() == 400 && over.text().contains("ask for a new code"), "{}", over.text());
    let late = enter(&mut browser, &page, &code).await;
    assert_eq!(late.status(), 400);
    assert!(!is_signed_in(&browser));
    assert!(over.links().iter().any(|link| link.contains("/login?")), "the request goes on");
}

#[tokio::test]
async fn security_79_a_code_is_worthless_in_another_browser_after_ten_minutes_and_a_second_time() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    // A thief who saw the address of the page and the code.
    let mut thief = Browser::new(&world);
    let stolen = thief.open(&page.url).await;
    assert!(stolen.status() == 400 && !stolen.has_field("code"), "{}", stolen.text());
    assert!(!stolen.text().contains(&ada.email), "{}", stolen.text());
    let (_, answer) = thief.press(&page, "#submit", &[("code", &code)]).await;
    assert!(answer.status().is_client_error());
    // Another sign-in of the thief's own does not take it either.
    let own = ask(&mut thief, &world, &ada.email).await;
    assert_eq!(enter(&mut thief, &own, &code).await.status(), 400);
    assert!(!is_signed_in(&thief));

    world.advance(Span::minutes(10));
    assert_eq!(enter(&mut browser, &page, &code).await.status(), 400);
    assert!(!is_signed_in(&browser));

    let page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    enter(&mut browser, &page, &code).await;
    assert!(is_signed_in(&browser));
    // The same form again in the same browser continues. Without its session the code is used.
    let again = enter(&mut browser, &page, &code).await;
    assert!(again.query("code").is_some() || again.has_button("#allow"), "{}", again.text());
    browser.cookies.remove("lk-session");
    assert_eq!(enter(&mut browser, &page, &code).await.status(), 400);
    assert!(!is_signed_in(&browser));
}

#[tokio::test]
async fn security_54_a_protected_account_still_needs_its_second_step() {
    let (world, ada) = world().await;
    let factor = SecondFactor::give(&world, &ada).await;
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    let page = enter(&mut browser, &page, &code).await;
    assert!(page.path().ends_with("/login/second-step") && !is_signed_in(&browser), "{}", page.url);
    let page = browser.submit(&page, "#submit", &[("code", &factor.next_code())]).await;
    let page = if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page };
    let tokens = OAuthClient::demo_app(&world).redeem(&page.query("code").expect("a code")).await.tokens();
    assert_eq!(tokens.id_claims()["acr"], "urn:latchkey:acr:2");
    assert_eq!(tokens.id_claims()["amr"], serde_json::json!(["otp", "mfa"]));
}

#[tokio::test]
async fn security_94_a_code_from_before_a_new_password_is_void() {
    let (world, ada) = world().await;
    let mut thief = Browser::new(&world);
    let page = ask(&mut thief, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    let me = AccountClient::new(&world, &ada).await;
    let body = serde_json::json!({ "current_password": ada.password, "new_password": "a quite different 9 umbrellas" });
    assert!((200..300).contains(&me.post("/v1/me/password", &body).await.status()));
    let refused = enter(&mut thief, &page, &code).await;
    assert!(refused.status() == 400 && !is_signed_in(&thief), "{}", refused.text());
}

#[tokio::test]
async fn of_many_uses_of_one_code_at_once_exactly_one_opens_a_session() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    let before = state(&world, &ada).await.account;
    let count = async || tests::second_factor::tenant(&world).await.store.find_sessions(before).await.expect("sessions").len();
    let earlier = count().await;
    let uses = (0..64).map(|_| {
        let (mut browser, page, code) = (browser.clone(), page.clone(), code.clone());
        async move {
            browser.press(&page, "#submit", &[("code", &code)]).await;
            usize::from(is_signed_in(&browser))
        }
    });
    let signed_in: usize = futures_util::future::join_all(uses).await.into_iter().sum();
    assert_eq!((signed_in, count().await - earlier), (1, 1));
}

#[tokio::test]
async fn a_resent_code_replaces_the_first_and_codes_get_long_when_many_are_asked_for() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &ada.email).await;
    let first = mailed(&world, &ada.email).await;
    let page = browser.submit(&page, "#resend", &[]).await;
    assert!(page.text().contains("A new code is on its way"), "{}", page.text());
    let second = mailed(&world, &ada.email).await;
    assert_ne!(first, second);
    let page = enter(&mut browser, &page, &first).await;
    assert_eq!(page.status(), 400);
    enter(&mut browser, &page, &second).await;
    assert!(is_signed_in(&browser));

    // A stranger who asks for many makes them long, and stops no sign-in: the owner's network has a limit of its own.
    let other_network = world.seen_from("203.0.113.9".parse().expect("an address"));
    let mut stranger = Browser::new(&other_network);
    let mut asked = 1;
    loop {
        let page = stranger.open("/login").await;
        let page = stranger.submit(&page, "#mail-code", &[("identifier", &ada.email)]).await;
        if page.status() == 429 {
            assert!(page.text().contains("many codes today") && page.has_field("password"), "{}", page.text());
            break;
        }
        asked += 1;
        let code = mailed(&world, &ada.email).await;
        // The registration took one of the short ones.
        assert_eq!(code.len(), if asked < SHORT_CODES_A_DAY { 6 } else { 10 });
    }
    assert_eq!(asked, SHORT_CODES_A_DAY - 1 + STARTS_A_DAY);
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    enter(&mut browser, &page, &code.to_lowercase()).await;
    assert!(is_signed_in(&browser));
}

#[tokio::test]
async fn a_closed_account_is_named_to_its_owner_only() {
    let (world, ada) = world().await;
    let mut browser = Browser::new(&world);
    let page = ask(&mut browser, &world, &ada.email).await;
    let code = mailed(&world, &ada.email).await;
    let disabled = state(&world, &ada).await;
    let since = world.services.clock.now();
    let disabled = latchkey::domain::account::AccountState {
        status: latchkey::domain::account::AccountStatus::Disabled { since },
        version: disabled.version + 1,
        ..disabled
    };
    commit(&world, latchkey::domain::change::Change::record_sign_in(disabled)).await;
    let wrong = enter(&mut browser, &page, other_than(&code)).await;
    assert!(wrong.text().contains("more tries") && !wrong.text().contains("disabled"), "{}", wrong.text());
    let right = enter(&mut browser, &page, &code).await;
    assert!(right.status() == 400 && right.text().contains("disabled"), "{}", right.text());
    assert!(!is_signed_in(&browser));
    // A new one is answered by a mail that says so, not by a code.
    ask(&mut browser, &world, &ada.email).await;
    let mail = Site::from(&world).mail_to(&ada.email).await;
    assert!(mail.codes.is_empty(), "{mail:?}");
}

#[tokio::test]
async fn without_the_setting_there_is_no_button_and_the_address_leads_to_the_sign_in_page() {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    assert!(!page.has_button("#mail-code"));
    let mails = world.mails_to(&ada.email).await.expect("mails").len();
    let form = page.form("#submit");
    let (_, anti_forgery) = form.fields.iter().find(|(name, _)| name == "anti_forgery").expect("a token");
    let body = format!("anti_forgery={anti_forgery}&identifier={}", ada.email);
    let answer = browser.request(http::Method::POST, "/login/code", Some(&page.url), body).await;
    assert_eq!((answer.status(), answer.headers()["location"].to_str().ok()), (StatusCode::SEE_OTHER, Some("/login")));
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), mails);
}

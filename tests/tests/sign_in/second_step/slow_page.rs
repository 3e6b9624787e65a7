//! A page of a second step that is read for longer than two minutes after a forced sign-in, and the source of a code that is typed on it.

use crate::sources::{exhaust, sign_in};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use tests::{Browser, Customer, OAuthClient, SecondFactor, passkey, second_factor};

#[tokio::test]
async fn security_11_a_forced_sign_in_continues_after_its_second_step_was_read_for_five_minutes() {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    ada.sign_in(&mut browser, &page).await;
    passkey::add(&mut browser).await;
    world.advance(Span::minutes(30));
    let app = OAuthClient::demo_app(&world);
    let page = browser.open(&app.authorize_url(&[("prompt", "login"), ("acr_values", "phr")])).await;
    let page = ada.sign_in(&mut browser, &page).await;
    assert!(page.path().ends_with("/login/second-step"), "{}: {}", page.url, page.text());
    world.advance(Span::minutes(5));
    let again = browser.open(&page.url).await;
    assert!(again.path().ends_with("/login/second-step"), "{}", again.url);
    world.advance(Span::minutes(5));
    let page = browser.submit(&page, "#without", &[]).await;
    let page = if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page };
    let claims =
        app.redeem(&page.query("code").unwrap_or_else(|| panic!("{}: {}", page.url, page.text()))).await.tokens().id_claims();
    assert_eq!(claims["acr"], "urn:latchkey:acr:1");
    // It is as old as the password.
    let now = world.services.clock.now().seconds();
    assert_eq!(claims["auth_time"].as_i64(), Some(now - 600));
    // After the lifetime of a sign-in between its steps the user signs in again.
    let page = browser.open(&app.authorize_url(&[("prompt", "login"), ("acr_values", "phr")])).await;
    let page = ada.sign_in(&mut browser, &page).await;
    world.advance(Span::minutes(16));
    assert!(browser.open(&page.url).await.path().ends_with("/login"));
}

/// The browser of another account is no source of its own, and the owner's known device is.
#[tokio::test]
async fn security_147_at_a_second_step_only_a_device_of_its_account_is_a_source() {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let mut own = Browser::new(&world);
    sign_in(&mut own, &ada.email, &ada.password).await;
    let factor = SecondFactor::give(&world, &ada).await;
    let mallory = Customer::registered(&world, "Mallory").await;
    let mut thief = Browser::new(&world);
    sign_in(&mut thief, &mallory.email, &mallory.password).await;
    own.cookies.remove("lk-session");
    thief.cookies.remove("lk-session");
    let mut steps = Vec::new();
    for browser in [&mut own, &mut thief] {
        let page = sign_in(browser, &ada.email, &ada.password).await;
        assert!(page.path().ends_with("/login/second-step"), "{}", page.url);
        steps.push(page);
    }
    // The network has no permit left. The device that signed in as Ada has its own.
    exhaust(&world).await;
    let wrong = factor.wrong_code();
    let (_, refused) = thief.press(&steps[1], "#submit", &[("code", &wrong)]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(second_factor::state(&world, &ada).await.factors.failures.count, 0, "nothing was evaluated");
    let (_, answer) = own.press(&steps[0], "#submit", &[("code", &factor.code())]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
}

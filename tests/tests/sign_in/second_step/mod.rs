//! The second step: the table of paths, attacks on it, races, and what it costs.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod attacks;
mod cost;
mod lost_factor;
mod races;
mod remembered;
mod required;
mod slow_page;
mod table;

use latchkey_local::world::World;
use tests::{Browser, Customer, OAuthClient, Page, SecondFactor};

/// A world with Ada and her protected account.
async fn protected() -> (World, Customer, SecondFactor) {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let factor = SecondFactor::give(&world, &ada).await;
    (world, ada, factor)
}

/// The page after the right password, for a request of the demo application.
async fn first_step(world: &World, browser: &mut Browser, customer: &Customer) -> Page {
    let page = browser.open(&OAuthClient::demo_app(world).authorize_url(&[])).await;
    let page = customer.sign_in(browser, &page).await;
    assert!(page.path().ends_with("/login/second-step"), "{}: {}", page.url, page.text());
    page
}

async fn enter_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, "#submit", &[("code", code)]).await
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.cookies.contains_key("lk-session")
}

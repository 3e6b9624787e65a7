//! The exact cost of sign-in and authorization (`ReturnConsumedCapacity` and our own arithmetic).

use crate::login::{signed_in, world};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use tests::{Browser, Customer, OAuthClient};

pub(crate) fn cost(requests: usize, read: f64, write: f64) -> Cost {
    let units = Units { read, write };
    Cost { requests, engine: units, own: units }
}

/// Loads keys and configuration before the measurement.
pub(crate) async fn warm(world: &World) {
    world.pump().await.expect("pumped");
    Browser::new(world).open("/login").await;
    drop(world.meter.take());
}

#[tokio::test]
async fn a_sign_in_reads_four_units_and_writes_two() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    warm(&world).await;
    // After a failure the counter of the source is read, too (`sources` has the sign-in of a quiet source).
    for (password, expected) in [("wrong", cost(4, 4.0, 2.0)), (customer.password.as_str(), cost(5, 5.0, 2.0))] {
        browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", password)]).await;
        assert_eq!(world.meter.take_cost(), expected, "{password}");
    }
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    drop(world.meter.take());
    browser.press(&page, "#submit", &[("identifier", "unknown@example.com"), ("password", "wrong")]).await;
    assert_eq!(world.meter.take_cost(), cost(5, 5.0, 2.0), "unknown, from a source that has failed");
}

#[tokio::test]
async fn authorize_with_a_session_reads_three_units_and_writes_one() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = signed_in(&world, &customer).await;
    client.sign_in(&mut browser, &customer).await;
    warm(&world).await;
    let page = browser.open(&client.authorize_url(&[])).await;
    assert!(page.query("code").is_some());
    assert_eq!(world.meter.take_cost(), cost(2, 3.0, 1.0));
}

#[tokio::test]
async fn public_pages_cost_nothing() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    warm(&world).await;
    browser.open(&client.authorize_url(&[])).await;
    browser.open("/login").await;
    browser.open("/recover").await;
    browser.open("/oauth2/logout").await;
    assert_eq!(world.meter.take_cost(), cost(0, 0.0, 0.0));
}

#[tokio::test]
async fn the_start_of_a_recovery_is_two_writes_for_every_address() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    warm(&world).await;
    for (email, caller) in [(customer.email.as_str(), "198.51.100.1"), ("unknown@example.com", "198.51.100.2")] {
        let mut browser = Browser::new(world.seen_from(caller.parse().expect("an address")));
        let page = browser.open("/recover").await;
        drop(world.meter.take());
        browser.press(&page, "#submit", &[("identifier", email)]).await;
        assert_eq!(world.meter.take_cost(), cost(2, 0.0, 2.0), "{email}");
    }
}

//! The exact cost of an import at sign-in and at recovery (`ReturnConsumedCapacity` and our own arithmetic).

use crate::cognito::{pool_and_world, try_password};
use http::StatusCode;
use latchkey_local::meter::{Cost, Units};
use tests::{Browser, Customer, Site};

fn cost(requests: usize, read: f64, write: f64) -> Cost {
    let units = Units { read, write };
    Cost { requests, engine: units, own: units }
}

#[tokio::test]
async fn the_first_sign_in_reads_six_units_and_writes_sixteen() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    drop(world.meter.take());
    let table = [
        // The same as for any account: the reads and the counter. The pool is not a table.
        ("not the 9 right one", cost(3, 4.0, 1.0)),
        // And then: the items of subject and address, seven items in one transaction, the session.
        (&*customer.password, cost(7, 6.0, 16.0)),
        (&*customer.password, cost(4, 4.0, 2.0)),
    ];
    for (password, expected) in table {
        let mut browser = browser.clone();
        browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", password)]).await;
        assert_eq!(world.meter.take_cost(), expected, "{password}");
    }
    assert_eq!((pool.take_call_count("AdminInitiateAuth"), pool.take_call_count("AdminGetUser")), (2, 1));
}

/// The start counts its trigger, and stores the address and its key, for every address.
#[tokio::test]
async fn a_recovery_starts_with_three_writes_and_creates_the_account() {
    let (_, world, customer) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    for email in [&*customer.email, &*here.email, "unknown@example.com"] {
        let mut browser = Browser::new(&world);
        let page = browser.open("/recover").await;
        drop(world.meter.take());
        browser.press(&page, "#submit", &[("identifier", email)]).await;
        assert_eq!(world.meter.take_cost(), cost(3, 0.0, 3.0), "{email}");
    }
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &customer.email)]).await.expect(StatusCode::OK);
    let code = Site::from(&world).mail_to(&customer.email).await.codes.first().expect("a code").clone();
    let fields = [("code", &*code), ("password", "a quite different 9 umbrellas")];
    drop(world.meter.take());
    browser.press(&page, "#submit", &fields).await;
    // The flow twice (the language of the page, the decision), the address, the subject; eight items in one transaction.
    assert_eq!(world.meter.take_cost(), cost(6, 8.0, 16.0));
    try_password(&mut browser, &customer.email, "a quite different 9 umbrellas").await.expect(StatusCode::OK);
}

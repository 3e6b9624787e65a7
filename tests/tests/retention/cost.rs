//! What deletion and erasure cost, exactly.

use crate::world;
use latchkey::domain::time::Span;
use latchkey_local::meter::{Cost, Units, size_of_item};
use latchkey_local::world::World;
use tests::{Browser, Customer, Me};

async fn settle(world: &World) {
    world.pump().await.expect("pumped");
    drop(world.meter.take());
}

#[tokio::test]
async fn closing_an_account_reads_two_units_and_writes_four() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let me = Me::of(&world, &customer).await;
    settle(&world).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let units = Units { read: 2.0, write: 4.0 };
    assert_eq!(world.meter.take_cost(), Cost { requests: 2, engine: units, own: units });
}

/// Against a tick that finds nothing: what one account of 20 items adds. The checkpoint of its page is shared by up to 100 accounts.
#[tokio::test]
async fn erasing_an_account_of_twenty_items_reads_what_it_weighs_and_writes_twenty_five() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let me = Me::of(&world, &customer).await;
    // AUTHN, PROFILE, TERMS, CONSENT, a grant and 15 sessions.
    for _ in 0..14 {
        let mut browser = Browser::new(&world);
        let page = browser.open("/login").await;
        customer.sign_in(&mut browser, &page).await;
    }
    let account = crate::account_of(&world, &me).await;
    let raw = tests::invariants::read(&world.engine);
    let of_account = |item: &&serde_json::Value| item["pk"]["S"] == format!("A#default#{account}");
    let items: Vec<_> = raw.tables["identities"].iter().filter(of_account).collect();
    assert_eq!(items.len(), 20);
    // One Query: a unit for each 4 KB. Sessions keep their sealed device, so that 15 of them take the third.
    let bytes: usize = items.iter().map(|item| size_of_item(item)).sum();
    assert!(bytes > 8 * 1024 && bytes < 12 * 1024, "{bytes}");
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let ticked = async || {
        world.pump().await.expect("pumped");
        drop(world.meter.take());
        crate::tick(&world).await;
        world.meter.take_cost().engine
    };
    // Three ticks of one day: the first walks the month, the second finds nothing, the third the account.
    world.advance(Span::hours(29 * 24 + 23));
    ticked().await;
    world.advance(Span::minutes(10));
    let empty = ticked().await;
    world.advance(Span::hours(1));
    let full = ticked().await;
    const CHECKPOINT: f64 = 1.0;
    assert_eq!((full.read - empty.read, full.write - empty.write - CHECKPOINT), (3.0, 25.0), "{empty:?} {full:?}");
}

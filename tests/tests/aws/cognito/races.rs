//! One user signs in from many browsers at once: one account. The same race without the conditions must break (T1).

use crate::cognito::{is_signed_in, pool_and_world, try_password, user};
use futures_util::future::join_all;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use std::collections::BTreeSet;
use std::time::Duration;
use tests::user_pool::UserPool;
use tests::{Browser, Customer, invariants};

/// The number of accounts in the raw tables.
fn accounts(world: &World) -> usize {
    let raw = invariants::read(&world.engine);
    raw.tables["identities"].iter().filter(|item| item["kind"]["S"] == "authentication").count()
}

/// How often a user retries when the injected faults outlast our own retries (a 503 asks for a retry).
const MAX_ATTEMPTS: usize = 5;

/// All sign in at once: each is signed in, or gets a 429.
async fn all_sign_in(world: &World, customer: &Customer, actors: usize) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    let tries = (0..actors).map(|_| async {
        let mut browser = Browser::new(world);
        let mut page = try_password(&mut browser, &customer.email, &customer.password).await;
        for _ in 0..MAX_ATTEMPTS {
            if page.status() == 503 {
                page = try_password(&mut browser, &customer.email, &customer.password).await;
            }
        }
        page
    });
    for page in join_all(tries).await {
        statuses.insert(page.status());
        assert!(page.status() == 429 || is_signed_in(&page), "{}: {}", page.status(), page.text());
    }
    statuses
}

async fn race(reads_take: Duration) -> (UserPool, World, Customer) {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    // Passwords are hashed one after the other. Still, many callers have read before the first one writes.
    world.faults.add(Calls::Reads, Trigger::Always, Fault::SlowAfter(reads_take));
    (pool, world, customer)
}

#[tokio::test]
async fn sixty_four_sign_ins_of_one_user_make_one_account() {
    let (_, world, customer) = race(Duration::from_millis(200)).await;
    world.faults.add(Calls::Writes, Trigger::Chance(0.05), Fault::Conflict);
    world.faults.add(Calls::Writes, Trigger::Chance(0.10), Fault::TimeoutAfter);
    let statuses = all_sign_in(&world, &customer, 64).await;
    world.faults.clear();
    assert!(statuses.contains(&200), "{statuses:?}");
    assert_eq!(accounts(&world), 1);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// Two users of a case-sensitive pool have one address and sign in at once: one gets the address, the other is skipped.
#[tokio::test]
async fn an_address_belongs_to_one_user() {
    let (pool, world, customer) = race(Duration::from_millis(500)).await;
    pool.set_case_sensitive();
    let other = tests::user_pool::PoolUser { sub: "0cc175b9-c0f1-46b6-a831-c399e269772a".to_owned(), ..user(&customer) };
    pool.put_as("ADA@EXAMPLE.COM", other);
    let attempt = async |typed: &str| try_password(&mut Browser::new(&world), typed, &customer.password).await;
    let (one, other) = tokio::join!(attempt(&customer.email), attempt("ADA@EXAMPLE.COM"));
    assert!(is_signed_in(&one) || is_signed_in(&other), "{} {}", one.status(), other.status());
    world.faults.clear();
    assert_eq!(accounts(&world), 1);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// The mutant: without its conditions, the import creates an account for each fast caller.
#[tokio::test]
async fn without_conditions_the_race_makes_two_accounts() {
    let (_, world, customer) = race(Duration::from_secs(1)).await;
    world.faults.add(Calls::Named("TransactWriteItems"), Trigger::Always, Fault::Unconditional);
    world.faults.add(Calls::Named("PutItem"), Trigger::Always, Fault::Unconditional);
    all_sign_in(&world, &customer, 16).await;
    world.faults.clear();
    assert!(accounts(&world) > 1, "no race happened");
}

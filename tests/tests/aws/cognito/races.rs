//! One person, many browsers at once: one account; and the same race without the conditions, which must break (T1).

use crate::cognito::{is_signed_in, pool_and_world, try_password, user};
use futures_util::future::join_all;
use latchkey_local::fault::{Calls, Fault, When};
use latchkey_local::world::World;
use std::collections::BTreeSet;
use std::time::Duration;
use tests::user_pool::UserPool;
use tests::{Browser, Customer, invariants};

/// How many accounts there are in the raw tables.
fn accounts(world: &World) -> usize {
    let raw = invariants::read(&world.engine);
    raw.tables["identities"].iter().filter(|item| item["kind"]["S"] == "authentication").count()
}

/// How often a person tries again where the injected faults outlast our own retries (a 503, which asks for just that).
const PATIENCE: usize = 5;

/// All at once: each is signed in, or asked to wait.
async fn all_sign_in(world: &World, customer: &Customer, actors: usize) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    let tries = (0..actors).map(|_| async {
        let mut browser = Browser::new(world);
        let mut page = try_password(&mut browser, &customer.email, &customer.password).await;
        for _ in 0..PATIENCE {
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
    // Passwords are hashed one after the other: many have read before the first one writes, though.
    world.faults.add(Calls::Reads, When::Always, Fault::SlowAfter(reads_take));
    (pool, world, customer)
}

#[tokio::test]
async fn sixty_four_sign_ins_of_one_person_make_one_account() {
    let (_, world, customer) = race(Duration::from_millis(200)).await;
    world.faults.add(Calls::Writes, When::Chance(0.05), Fault::Conflict);
    world.faults.add(Calls::Writes, When::Chance(0.10), Fault::TimeoutAfter);
    let statuses = all_sign_in(&world, &customer, 64).await;
    world.faults.clear();
    assert!(statuses.contains(&200), "{statuses:?}");
    assert_eq!(accounts(&world), 1);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// Two users of a pool with one address, told apart by case there, come at once: one has it, the other stays.
#[tokio::test]
async fn an_address_is_one_persons() {
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

/// The mutant: without its conditions the import makes an account for each who was fast enough.
#[tokio::test]
async fn without_conditions_the_race_is_lost() {
    let (_, world, customer) = race(Duration::from_secs(1)).await;
    world.faults.add(Calls::Named("TransactWriteItems"), When::Always, Fault::Unconditional);
    world.faults.add(Calls::Named("PutItem"), When::Always, Fault::Unconditional);
    all_sign_in(&world, &customer, 16).await;
    world.faults.clear();
    assert!(accounts(&world) > 1, "the race does not race");
}

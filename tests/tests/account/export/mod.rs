//! The export: what is in it, whose it is, when it is stale, and that it verifies.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod calls;
mod canaries;
mod package;
mod verify;

use latchkey_local::world::World;
use tests::{AccountClient, Customer};

/// A fresh world.
async fn world() -> World {
    World::new().await.expect("a world")
}

/// A person with an account, and the storefront acting for them.
async fn person(world: &World, name: &str) -> (Customer, AccountClient) {
    let customer = Customer::registered(world, name).await;
    let me = AccountClient::new(world, &customer).await;
    (customer, me)
}

//! The export: its content, its access, when it is stale, and its verification.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod calls;
mod canaries;
mod package;
mod verify;

use latchkey_local::world::World;
use tests::{AccountClient, Customer};

/// A new world.
async fn world() -> World {
    World::new().await.expect("a world")
}

/// A user with an account, and a client for it.
async fn register_user(world: &World, name: &str) -> (Customer, AccountClient) {
    let customer = Customer::registered(world, name).await;
    let me = AccountClient::new(world, &customer).await;
    (customer, me)
}

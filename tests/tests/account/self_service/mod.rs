//! Self-service by JSON calls: what users see and change of their own account.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod address;
mod closed;
mod cost;
mod password;
mod profile;
mod sessions;
mod undo;

use latchkey::domain::time::Span;
use latchkey_local::world::World;
use tests::{AccountClient, Customer};

/// A new world.
async fn world() -> World {
    World::new().await.expect("a world")
}

/// A user with an account, and a client for it.
async fn register_ada(world: &World) -> (Customer, AccountClient) {
    let customer = Customer::registered(world, "Ada").await;
    let me = AccountClient::new(world, &customer).await;
    (customer, me)
}

/// The challenge of RFC 9470, which `answer` must have.
#[track_caller]
fn assert_step_up(answer: &tests::anonymous::Answer) {
    assert_eq!(answer.refusal(), (401, "insufficient_user_authentication".to_owned()), "{}", answer.text());
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
    assert!(challenge.ends_with("max_age=300"), "{challenge}");
}

/// Older than a fresh sign-in, younger than an access token's lifetime.
const STALE: Span = Span::minutes(6);

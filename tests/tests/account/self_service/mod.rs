//! Self-service by its JSON calls: what people see and change about themselves.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

mod address;
mod cost;
mod password;
mod profile;
mod sessions;

use latchkey::domain::time::Span;
use latchkey_local::world::World;
use tests::{AccountClient, Customer};

/// A fresh world.
async fn world() -> World {
    World::new().await.expect("a world")
}

/// A person with an account, and the storefront acting for them.
async fn ada(world: &World) -> (Customer, AccountClient) {
    let customer = Customer::registered(world, "Ada").await;
    let me = AccountClient::new(world, &customer).await;
    (customer, me)
}

/// The challenge of RFC 9470, which `answer` must carry.
#[track_caller]
fn assert_step_up(answer: &tests::anonymous::Answer) {
    assert_eq!(answer.refusal(), (401, "insufficient_user_authentication".to_owned()), "{}", answer.text());
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
    assert!(challenge.ends_with("max_age=300"), "{challenge}");
}

/// Longer than a sign-in is fresh, shorter than an access token lives.
const STALE: Span = Span::minutes(6);

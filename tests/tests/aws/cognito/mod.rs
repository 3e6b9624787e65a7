//! People who come from a Cognito user pool: at their first sign-in, by recovery, in races, and when the pool fails.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod brought;
mod cost;
mod deployed;
mod exchange;
mod journeys;
mod moto;
mod outages;
mod races;
mod recovery;
mod refusals;
mod registration;
mod roles;

use http::StatusCode;
use latchkey::directory::Directory;
use latchkey::domain::failure_window::UnknownIdentifierFailures;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::store::account::SignInSnapshot;
use latchkey_local::world::World;
use tests::user_pool::{CLIENT_ID, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Customer, Page};

/// The pool's own number of somebody.
const SUB: &str = "8f14e45f-ceea-467f-a3c1-0d2a4d6f1b7e";

/// A world whose people come from this directory.
async fn world_with(directory: Directory, document: &str) -> World {
    World::builder().tenant("default", document).directory(directory).build().await.expect("a world")
}

/// A pool with one confirmed user, and a world where nobody knows them.
async fn pool_and_world(name: &str, more: &str) -> (UserPool, World, Customer) {
    let (pool, customer) = (UserPool::default(), Customer::new(name));
    pool.put(user(&customer));
    let world = world_with(pool.directory(), &document(POOL_ID, CLIENT_ID, more)).await;
    (pool, world, customer)
}

/// This person as the pool knows them.
fn user(customer: &Customer) -> PoolUser {
    PoolUser::confirmed(&customer.email, &customer.password, SUB)
        .with("given_name", &customer.given_name)
        .with("family_name", &customer.family_name)
        .with("custom:customer_type", "private")
        .with("custom:tier", "gold")
}

/// Opens the sign-in page by itself and sends identifier and password.
async fn try_password(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/login").await.expect(StatusCode::OK);
    browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await
}

/// Whether the page says that somebody is signed in.
fn is_signed_in(page: &Page) -> bool {
    page.status() == 200 && page.text().contains("You are signed in")
}

/// What a sign-in would find under an address.
async fn snapshot(world: &World, email: &str) -> SignInSnapshot {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let email = EmailAddress::parse(email).expect("an address");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&email);
    tenant.store.find_sign_in(&identifier).await.expect("a snapshot")
}

/// The failures counted for an address that nobody here has.
async fn failures(world: &World, email: &str) -> u32 {
    match snapshot(world, email).await {
        SignInSnapshot::Unknown { failures } => failures.map_or(0, |UnknownIdentifierFailures { failures, .. }| failures.count),
        SignInSnapshot::Known { .. } => panic!("{email} has an account"),
    }
}

async fn is_known(world: &World, email: &str) -> bool {
    matches!(snapshot(world, email).await, SignInSnapshot::Known { .. })
}

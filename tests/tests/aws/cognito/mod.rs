//! Users of a legacy Cognito user pool: import at the first sign-in and by recovery, races, and failures of the pool.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod cost;
mod deployed;
mod exchange;
mod exchange_keys;
mod imported;
mod journeys;
mod moto;
mod outages;
mod races;
mod recovery;
mod refusals;
mod registration;
mod roles;

use http::StatusCode;
use latchkey::domain::failure_window::UnknownIdentifierFailures;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::legacy_directory::LegacyDirectory;
use latchkey::store::account::SignInSnapshot;
use latchkey_local::world::World;
use tests::user_pool::{CLIENT_ID, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Customer, Page};

/// The pool's `sub` of the user.
const SUB: &str = "8f14e45f-ceea-467f-a3c1-0d2a4d6f1b7e";

/// A world with this legacy directory.
/// Limits per source have tests of their own.
async fn world_with(legacy_directory: LegacyDirectory, document: &str) -> World {
    World::builder()
        .tenant("default", document)
        .legacy_directory(legacy_directory)
        .without_source_limits()
        .build()
        .await
        .expect("a world")
}

/// A pool with one confirmed user, and a world that does not know them.
async fn pool_and_world(name: &str, more: &str) -> (UserPool, World, Customer) {
    let (pool, customer) = (UserPool::default(), Customer::new(name));
    pool.put(user(&customer));
    let world = world_with(pool.legacy_directory(), &document(POOL_ID, CLIENT_ID, more)).await;
    (pool, world, customer)
}

/// This user as a user of the pool.
fn user(customer: &Customer) -> PoolUser {
    PoolUser::confirmed(&customer.email, &customer.password, SUB)
        .with_attribute("given_name", &customer.given_name)
        .with_attribute("family_name", &customer.family_name)
        .with_attribute("custom:customer_type", "private")
        .with_attribute("custom:tier", "gold")
}

/// Opens the sign-in page and sends identifier and password.
async fn try_password(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/login").await.expect(StatusCode::OK);
    browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await
}

/// Whether a user is signed in: the page says so, or asks for the terms, which a migrated user has not accepted here.
fn is_signed_in(page: &Page) -> bool {
    page.status() == 200 && (page.text().contains("You are signed in") || page.path() == "/complete")
}

/// The state that a sign-in finds under an address.
async fn snapshot(world: &World, email: &str) -> SignInSnapshot {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let email = EmailAddress::parse(email).expect("an address");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&email);
    tenant.store.find_sign_in(&identifier).await.expect("a snapshot")
}

/// The failures counted for an address without an account.
async fn failures(world: &World, email: &str) -> u32 {
    match snapshot(world, email).await {
        SignInSnapshot::Unknown { failures } => failures.map_or(0, |UnknownIdentifierFailures { failures, .. }| failures.count),
        SignInSnapshot::Known { .. } => panic!("{email} has an account"),
    }
}

async fn is_known(world: &World, email: &str) -> bool {
    matches!(snapshot(world, email).await, SignInSnapshot::Known { .. })
}

//! The login function through its routes: authorization requests, sign-in, consent, recovery, sign-out.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

mod authorize;
mod cookies;
pub(crate) mod cost;
mod interaction;
mod logout;
mod mutants;
mod password;
mod recover;
mod stored_request;
mod walk;

use http::StatusCode;
use latchkey::domain::account::AccountState;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::{EmailAddress, IdentifierHash};
use latchkey::store::account::SignInSnapshot;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use tests::{Browser, Customer, OAuthClient, Page};

/// The shipped document with more clients.
fn document(more: &str) -> String {
    format!("{DEFAULT_DOCUMENT}\n{more}")
}

/// A copy of a client with changes.
fn client_with(mut client: OAuthClient, change: impl FnOnce(&mut OAuthClient)) -> OAuthClient {
    change(&mut client);
    client
}

/// A new world.
async fn world() -> World {
    World::new().await.expect("a world")
}

/// The hash of an address.
async fn identifier(world: &World, email: &str) -> IdentifierHash {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    tenant.keys.identifier().expect("the key").hash_email(&EmailAddress::parse(email).expect("an address"))
}

/// The stored authentication item of an account.
async fn authentication(world: &World, email: &str) -> AccountState {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    match tenant.store.find_sign_in(&identifier(world, email).await).await.expect("a snapshot") {
        SignInSnapshot::Known { authentication, .. } => *authentication,
        SignInSnapshot::Unknown { .. } => panic!("{email} has no account"),
    }
}

/// Opens the sign-in page and sends identifier and password.
async fn try_password(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/login").await.expect(StatusCode::OK);
    browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await
}

/// A browser in which this user has just signed in on the sign-in page.
async fn signed_in(world: &World, customer: &Customer) -> Browser {
    let mut browser = Browser::new(world);
    let page = try_password(&mut browser, &customer.email, &customer.password).await.expect(StatusCode::OK);
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    browser
}

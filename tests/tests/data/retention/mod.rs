//! Closed accounts: restored, held, erased, and erased again after a restored backup.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

mod erase;
mod job;
mod many;

use http::Method;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::invariants::{self, RawData};
use tests::{AccountClient, Browser, Customer, OAuthClient};

/// One day more than the grace period of the shipped document.
const AFTER_GRACE: Span = Span::days(31);

async fn world() -> World {
    World::new().await.expect("a world")
}

/// A tick of the schedule, now.
async fn tick(world: &World) -> Value {
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary")
}

/// The number of erased accounts in a summary.
fn erased(summary: &Value) -> u64 {
    summary["rules"]["erasure"]["erased"].as_u64().expect("a number")
}

/// Unique words, one for each kind of personal data.
const CANARIES: [&str; 5] = ["canarygivenname", "canaryfamilyname", "canarycompany", "canaryaddress", "canarynewaddress"];

/// Creates a user with personal data of every kind.
async fn create_user_with_canaries(world: &World, name: &str) -> (Customer, AccountClient) {
    let customer = Customer {
        email: format!("canaryaddress.{}@example.com", name.to_lowercase()),
        given_name: format!("canarygivenname {name}"),
        family_name: "canaryfamilyname".to_owned(),
        ..Customer::new(name)
    };
    customer.register(world).await;
    let me = AccountClient::new(world, &customer).await;
    let edit = json!({ "customer_type": "business", "company": "canarycompany", "phone_number": "+4930123456" });
    assert_eq!(me.patch("/v1/me", &edit).await.status(), 200);
    assert_eq!(me.post("/v1/me/email", &json!({ "email": "canarynewaddress@example.com" })).await.status(), 202);
    OAuthClient::demo_web(world).sign_in(&mut Browser::new(world), &customer).await;
    (customer, me)
}

/// Closes the account. Its erasure is due after [`AFTER_GRACE`].
async fn close(me: &AccountClient) {
    let closed = me.delete("/v1/me").await;
    assert_eq!(closed.status(), 202, "{}", closed.text());
}

/// The account of a token.
async fn account_of(world: &World, me: &AccountClient) -> String {
    let tenant = world.services.tenant(&"default".parse().expect("a tenant")).await.expect("the tenant");
    let claims = me.tokens.access_claims();
    let jti = claims["jti"].as_str().expect("a jti").parse().expect("a jti");
    let locator = tenant.keys.locator().expect("the key");
    let at = locator.open_access_token_claim(claims["lk"].as_str().expect("a locator"), &jti).expect("ours");
    at.account.to_string()
}

/// The items that are left of an account, by kind, read from the raw tables.
fn remaining_kinds(raw: &RawData, account: &str) -> Vec<String> {
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    let names_it = |item: &&Value| item.to_string().contains(account);
    let mut kinds: Vec<String> = raw.tables.values().flatten().filter(names_it).map(|item| text(item, "kind")).collect();
    // A completed flow keeps the id of its account until its TTL, and no personal data.
    kinds.retain(|kind| !["audit", "flow"].contains(&kind.as_str()));
    kinds.sort();
    kinds
}

/// Asserts that the user's data is erased: access ended, no item, no word in any table.
async fn assert_erased(world: &World, customer: &Customer, me: &AccountClient, account: &str) {
    world.pump().await.expect("pumped");
    let raw = invariants::read(&world.engine);
    assert_eq!(remaining_kinds(&raw, account), ["authentication", "tombstone"], "the state, which expires, and the tombstone");
    for item in raw.tables.values().flatten() {
        let text = item.to_string().to_lowercase();
        assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{text}");
    }
    assert_eq!(me.get("/v1/me").await.status(), 401);
    assert_eq!(me.client.refresh(me.tokens.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    assert_eq!(customer.sign_in(&mut browser, &page).await.status(), 400);
    assert_invariants(world).await;
}

/// Checks the invariants after the stream was read to its end.
async fn assert_invariants(world: &World) {
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// A call that must not restore data.
async fn patch(me: &AccountClient) -> u16 {
    me.call(Method::PATCH, "/v1/me", &[], Some(&json!({ "given_name": "Revenant" }))).await.status()
}

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

/// The grace of the shipped document, and a little.
const OVER: Span = Span::days(31);

async fn world() -> World {
    World::new().await.expect("a world")
}

/// A tick of the schedule, now.
async fn tick(world: &World) -> Value {
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary")
}

/// How many accounts a summary says were erased.
fn erased(summary: &Value) -> u64 {
    summary["rules"]["erasure"]["erased"].as_u64().expect("a number")
}

/// Words that stand nowhere else, one for each thing that a person leaves behind.
const CANARIES: [&str; 5] = ["canarygivenname", "canaryfamilyname", "canarycompany", "canaryaddress", "canarynewaddress"];

/// A person who left a mark wherever one can be left.
async fn marked(world: &World, name: &str) -> (Customer, AccountClient) {
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

/// Closes the account; its erasure is due after [`OVER`].
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

/// What stands of an account, by kind; the raw tables, read by an independent reader.
fn remains(raw: &RawData, account: &str) -> Vec<String> {
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    let names_it = |item: &&Value| item.to_string().contains(account);
    let mut kinds: Vec<String> = raw.tables.values().flatten().filter(names_it).map(|item| text(item, "kind")).collect();
    // A flow that is over names the account it made until its TTL, and nothing of the person.
    kinds.retain(|kind| !["audit", "flow"].contains(&kind.as_str()));
    kinds.sort();
    kinds
}

/// Asserts that nothing of a person is left: access dead, no item, no word in any table.
async fn assert_gone(world: &World, customer: &Customer, me: &AccountClient, account: &str) {
    world.pump().await.expect("pumped");
    let raw = invariants::read(&world.engine);
    assert_eq!(remains(&raw, account), ["authentication", "tombstone"], "the state that ends by itself, and the tombstone");
    for item in raw.tables.values().flatten() {
        let text = item.to_string().to_lowercase();
        assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{text}");
    }
    assert_eq!(me.get("/v1/me").await.status(), 401);
    assert_eq!(me.client.refresh(me.tokens.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    assert_eq!(customer.sign_in(&mut browser, &page).await.status(), 400);
    assert_sound(world).await;
}

/// The invariants, once the stream has been read to its end.
async fn assert_sound(world: &World) {
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// Any call that must not bring anything back.
async fn patch(me: &AccountClient) -> u16 {
    me.call(Method::PATCH, "/v1/me", &[], Some(&json!({ "given_name": "Revenant" }))).await.status()
}

//! The exact cost of self-service (`ReturnConsumedCapacity` and our own arithmetic).

use crate::self_service::{register_ada, world};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use serde_json::json;
use tests::{AccountClient, OAuthClient};

fn cost(requests: usize, read: f64, write: f64) -> Cost {
    let units = Units { read, write };
    Cost { requests, engine: units, own: units }
}

/// Processes the stream so far and resets the meter.
async fn reset_meter(world: &World) {
    world.pump().await.expect("pumped");
    drop(world.meter.take());
}

#[tokio::test]
async fn a_profile_is_read_for_four_units_and_edited_for_one_more() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    reset_meter(&world).await;
    me.get("/v1/me").await;
    assert_eq!(world.meter.take_cost(), cost(1, 4.0, 0.0), "GET /v1/me");
    let patched = me.patch("/v1/me", &json!({ "given_name": "Augusta" })).await;
    assert_eq!(patched.status(), 200, "{}", patched.text());
    assert_eq!(world.meter.take_cost(), cost(2, 4.0, 1.0), "PATCH /v1/me");
    world.pump().await.expect("pumped");
    assert_eq!(world.meter.take_cost(), cost(1, 0.0, 1.0), "its audit record");
    me.patch("/v1/me", &json!({ "given_name": "Augusta" })).await;
    assert_eq!(world.meter.take_cost(), cost(1, 4.0, 0.0), "no change, no write");
}

#[tokio::test]
async fn a_verification_of_an_address_reads_five_units_and_writes_eight() {
    let world = world().await;
    let (customer, _) = register_ada(&world).await;
    // Without `offline_access` the grant depends on its session: one more read.
    let client = OAuthClient { scope: "openid account".to_owned(), ..AccountClient::client(&world) };
    let tokens = client.tokens_for(&customer).await;
    let headers = [("authorization", format!("Bearer {}", tokens.access())), ("content-type", "application/json".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let post = |path: &'static str, body: serde_json::Value| {
        let api = client.api.clone();
        async move { api.send(http::Method::POST, path, &headers, body.to_string()).await }
    };
    reset_meter(&world).await;
    let begun = post("/v1/me/email", json!({ "email": "countess@example.org" })).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    assert_eq!(world.meter.take_cost(), cost(2, 5.0, 1.0), "the request");
    let code = world.mails_to("countess@example.org").await.expect("mails").remove(0).codes.remove(0);
    drop(world.meter.take());
    assert_eq!(post("/v1/me/email/verification", json!({ "code": "0000000000" })).await.status(), 400);
    assert_eq!(world.meter.take_cost(), cost(3, 5.0, 2.0), "a wrong code, counted by its source");
    world.pump().await.expect("pumped");
    drop(world.meter.take());
    let proven = post("/v1/me/email/verification", json!({ "code": code })).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    assert_eq!(world.meter.take_cost(), cost(3, 6.0, 8.0), "the verification, of a source that has failed");
}

#[tokio::test]
async fn a_password_is_changed_in_one_transaction_of_four_items() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    reset_meter(&world).await;
    let body = json!({ "current_password": customer.password, "new_password": "another 9 purple bicycles" });
    assert_eq!(me.post("/v1/me/password", &body).await.status(), 204);
    // GRANT, AUTHN, PROFILE, key, password; then the session of the grant.
    assert_eq!(world.meter.take_cost(), cost(3, 6.0, 8.0));
}

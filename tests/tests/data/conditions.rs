//! Checks every request of every command, mail and job to the tables: each write has a condition, each read is strongly consistent,
//! and no decision uses an index (security 133, 135, 136; T7). `layers.rs` checks the sources for the same rules.

use latchkey::context::Deadline;
use latchkey::domain::time::Span;
use retention::{Continuation, Retention};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::command::Command;
use tests::watch::{ObservedRequest, Watch};
use tests::{AccountClient, Customer};

/// The faults of a request.
fn faults(seen: &ObservedRequest) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |fits: bool, words: &str| {
        if !fits {
            faults.push(format!("{words}: {} {}", seen.operation, seen.body));
        }
    };
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let is_strong = |of: &Value| of["ConsistentRead"] == true && of.get("IndexName").is_none();
    let is_conditional = |of: &Value| !text(of, "ConditionExpression").is_empty();
    // Without the old item, a lost reply looks like a replay (security 135).
    let returns_old_item = |of: &Value| text(of, "ReturnValuesOnConditionCheckFailure") == "ALL_OLD";
    match seen.operation.as_str() {
        "PutItem" | "UpdateItem" | "DeleteItem" => {
            check(is_conditional(&seen.body), "a write without a condition");
            // A removal of what must be stored: a failed condition says that it is gone.
            let is_removal_of_anything =
                seen.operation == "DeleteItem" && text(&seen.body, "ConditionExpression") == "attribute_exists(#pk)";
            let returned = returns_old_item(&seen.body);
            check(returned != is_removal_of_anything, "a write that does not return the stored item, or a removal that does");
        }
        "TransactWriteItems" => {
            let token = text(&seen.body, "ClientRequestToken");
            check((1..=36).contains(&token.len()), "a transaction without its own token");
            let writes = seen.body["TransactItems"].as_array().cloned().unwrap_or_default();
            check((1..=100).contains(&writes.len()), "a transaction with too many items for DynamoDB");
            let mut keys = BTreeSet::new();
            for write in writes.iter().flat_map(|write| write.as_object().into_iter().flatten()).map(|(_, write)| write) {
                check(is_conditional(write), "a write without a condition");
                check(returns_old_item(write), "a write that does not return the stored item");
                let key = if write["Item"].is_object() { &write["Item"] } else { &write["Key"] };
                let name = format!("{} {} {}", write["TableName"], key["pk"], key["sk"]);
                check(keys.insert(name), "an item twice");
            }
        }
        "GetItem" | "Query" => check(is_strong(&seen.body), "a read that is not strongly consistent"),
        "BatchGetItem" => {
            let tables: Vec<&Value> = seen.body["RequestItems"].as_object().into_iter().flat_map(|all| all.values()).collect();
            check(tables.iter().all(|table| is_strong(table)), "a read that is not strongly consistent");
            let keys: usize = tables.iter().map(|table| table["Keys"].as_array().map_or(0, Vec::len)).sum();
            check((1..=100).contains(&keys), "a batch with too many keys for DynamoDB");
        }
        _ => check(false, "an operation that no code needs"),
    }
    faults
}

#[tokio::test]
async fn security_133_every_write_is_conditional_and_every_read_is_strong() {
    let (world, watch, services) = Watch::world().await;
    for command in Command::ALL {
        // All these users register from one network.
        world.advance(Span::hours(1));
        let mut ready = command.prepare(&world, &format!("{command:?}")).await;
        let outcome = ready.run().await;
        assert!(outcome.expected, "{command:?}: {}", outcome.words);
    }
    let leaver = Customer::registered(&world, "Leaver").await;
    assert_eq!(AccountClient::new(&world, &leaver).await.delete("/v1/me").await.status(), 202);
    let before = services.clock.now();
    let retention = Retention::new(services, Continuation::Caller);
    for (wait, job) in [
        (0, json!({ "job": "hold", "email": leaver.email })),
        (0, json!({ "job": "release", "email": leaver.email })),
        (40, json!({ "job": "retention" })),
        (0, json!({ "job": "replay_erasures", "since": before.to_string() })),
    ] {
        world.advance(Span::days(wait));
        assert!(retention.handle(&job, Deadline::default()).await.is_ok(), "{job}");
    }
    assert!(world.pump().await.is_ok());

    let seen = watch.take();
    let wrong: Vec<String> = seen.iter().flat_map(faults).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let mut by_operation = BTreeMap::<&str, usize>::new();
    for request in &seen {
        *by_operation.entry(&request.operation).or_default() += 1;
    }
    for operation in ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "GetItem", "BatchGetItem", "Query"] {
        assert!(by_operation.get(operation).is_some_and(|count| *count > 0), "{operation}: {by_operation:?}");
    }
}

#[test]
fn each_broken_rule_is_found() {
    let seen = |operation: &str, body: Value| ObservedRequest {
        operation: operation.to_owned(),
        body,
        left: Some(Duration::ZERO),
        applied: None,
    };
    let put = json!({ "TableName": "t", "Item": { "pk": 1 }, "ConditionExpression": "x", "ReturnValuesOnConditionCheckFailure": "ALL_OLD" });
    let without = |of: &Value, name: &str| {
        let mut of = of.clone();
        of.as_object_mut().map(|of| of.remove(name));
        of
    };
    let writes = |writes: Vec<Value>| json!({ "ClientRequestToken": "x", "TransactItems": writes });
    assert!(faults(&seen("PutItem", put.clone())).is_empty());
    for (operation, broken) in [
        ("PutItem", without(&put, "ConditionExpression")),
        ("DeleteItem", without(&put, "ReturnValuesOnConditionCheckFailure")),
        ("GetItem", json!({ "Key": {} })),
        ("Query", json!({ "ConsistentRead": true, "IndexName": "x" })),
        ("BatchGetItem", json!({ "RequestItems": { "t": { "Keys": [{}], "ConsistentRead": false } } })),
        ("Scan", json!({})),
        ("BatchWriteItem", json!({})),
        ("TransactWriteItems", writes(vec![json!({ "Put": put }), json!({ "Put": put })])),
        ("TransactWriteItems", writes(vec![json!({ "Put": without(&put, "ConditionExpression") })])),
        ("TransactWriteItems", without(&writes(vec![json!({ "Put": put })]), "ClientRequestToken")),
    ] {
        assert_eq!(faults(&seen(operation, broken.clone())).len(), 1, "{operation} {broken}");
    }
}

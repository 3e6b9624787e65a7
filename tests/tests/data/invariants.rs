//! The invariant scan finds every kind of damage. A scan that can't fail proves nothing.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed setup fails the test")]

use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use serde_json::{Value, json};
use tests::{Customer, OAuthClient, World, invariants};

async fn world_with_ada() -> World {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    OAuthClient::demo_app(&world).tokens_for(&ada).await;
    world.pump().await.expect("pumped");
    world
}

fn find(world: &World, table: &'static str, kind: &str) -> Value {
    let raw = invariants::read(&world.engine);
    raw.tables[table].iter().find(|item| item["kind"]["S"] == kind).unwrap_or_else(|| panic!("no {kind}")).clone()
}

fn delete(world: &World, table: &str, item: &Value) {
    let key = json!({ "pk": item["pk"], "sk": item["sk"] });
    let request = DeleteItemRequest {
        table_name: table.to_owned(),
        key: serde_json::from_value(key).expect("a key"),
        ..Default::default()
    };
    world.engine.database().delete_item(request).expect("deleted");
}

fn put(world: &World, table: &str, item: Value) {
    let item = serde_json::from_value(item).expect("an item");
    let request = PutItemRequest { table_name: table.to_owned(), item, ..Default::default() };
    world.engine.database().put_item(request).expect("put");
}

#[tokio::test]
async fn each_kind_of_damage_is_found() {
    let clean = world_with_ada().await;
    invariants::assert_hold(&clean.engine);
    for (table, kind, expected) in [
        ("identities", "identifier", "I1"),
        ("identities", "authentication", "I2"),
        ("identities", "password", "I2"),
        ("identities", "profile", "I2"),
        ("keys", "data_key", "I2"),
        ("audit", "audit", "I6"),
    ] {
        let world = world_with_ada().await;
        delete(&world, table, &find(&world, table, kind));
        let found = invariants::scan_all(&invariants::read(&world.engine));
        assert!(found.iter().any(|violation| violation.starts_with(expected)), "{kind} deleted: {found:?}");
    }
    type Change = (&'static str, &'static str, fn(&mut Value), &'static str);
    let changes: [Change; 6] = [
        ("identities", "identifier", |item| item["pk"] = json!({ "S": format!("I#default#1#{}", "A".repeat(43)) }), "I1"),
        ("identities", "authentication", |item| item["pk"] = json!({ "S": "A#default#AAAAAAAAAAAAAAAAAAAAAA" }), "I1"),
        ("identities", "session", |item| item["ep"] = json!({ "N": "99" }), "I2"),
        ("identities", "session", |item| drop(item.as_object_mut().and_then(|item| item.remove("ttl"))), "I9"),
        ("identities", "grant", |item| item["kind"] = json!({ "S": "grand" }), "I9"),
        ("identities", "flow", |item| item["st"] = json!({ "S": "open" }), "I5"),
    ];
    for (table, kind, change, expected) in changes {
        let world = world_with_ada().await;
        let mut item = find(&world, table, kind);
        change(&mut item);
        put(&world, table, item);
        let found = invariants::scan_all(&invariants::read(&world.engine));
        assert!(found.iter().any(|violation| violation.starts_with(expected)), "{kind} changed: {found:?}");
    }
}

#[tokio::test]
async fn a_plaintext_word_is_found_as_text_as_bytes_and_in_the_stream() {
    for value in
        [json!({ "S": "to ADA@example.com" }), json!({ "B": data_encoding::BASE64.encode(b"{\"email\":\"ada@example.com\"}") })]
    {
        let world = world_with_ada().await;
        assert_eq!(invariants::find_plaintext(&invariants::read(&world.engine), &["ada@example.com"]), Vec::<String>::new());
        put(&world, "identities", json!({ "pk": { "S": "A#x" }, "sk": { "S": "y" }, "leak": value }));
        let item = json!({ "pk": { "S": "A#x" }, "sk": { "S": "y" } });
        assert!(!invariants::find_plaintext(&invariants::read(&world.engine), &["ada@example.com"]).is_empty());
        delete(&world, "identities", &item);
        assert!(
            !invariants::find_plaintext(&invariants::read(&world.engine), &["ada@example.com"]).is_empty(),
            "the stream contains it"
        );
    }
}

//! A second opinion on our requests to AWS: all journeys run over the embedded engine, and each request to DynamoDB also goes to
//! another implementation, which must give the same answer. KMS is the other implementation alone. It is Python's moto.
//! `LATCHKEY_SECOND_OPINION` is the address of its server (`.ci/run moto` starts one).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use latchkey::context::Deadline;
use latchkey::domain::time::Span;
use latchkey::keys::{KeyVault, Keys};
use latchkey::purpose::Purpose;
use latchkey::services::{Services, Tenants};
use latchkey::store::{Store, Tables};
use latchkey::web::mount;
use latchkey_local::assemble::{TABLES, routes};
use latchkey_local::engine::{client, operation, response};
use latchkey_local::world::World;
use retention::{Continuation, Retention};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tests::remote::Remote;
use tests::{AccountClient, Customer, Site, invariants, journeys, kms};

/// Every purpose that a function declares.
const PURPOSES: [Purpose; 6] =
    [Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator, Purpose::Refresh, Purpose::Signing];

/// The engine, which gives the answer, and the other implementation, which gets the same request.
#[derive(Debug, Clone)]
struct ComparingConnector {
    engine: SharedHttpConnector,
    other: Remote,
    comparison: Arc<Mutex<Comparison>>,
}

#[derive(Debug, Default)]
struct Comparison {
    /// Requests by operation, with the status of the engine's answer.
    asked: BTreeMap<(String, u16), usize>,
    /// The differences between the two.
    differences: Vec<String>,
}

impl HttpConnector for ComparingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let both = self.clone();
        HttpConnectorFuture::new(async move {
            let copy = request.try_clone().expect("a request with a buffered body");
            let operation = operation(&request).unwrap_or_default().to_owned();
            let answer: HttpResponse = both.engine.call(request).await?;
            let text = answer.body().bytes().unwrap_or_default();
            let ours = comparable_answer(answer.status().as_u16(), &serde_json::from_slice(text).unwrap_or_default());
            let (status, theirs) = both.other.ask(&copy).await?;
            let theirs = comparable_answer(status, &theirs);
            let mut comparison = both.comparison.lock().expect("no test panicked");
            *comparison.asked.entry((operation.clone(), answer.status().as_u16())).or_default() += 1;
            if ours != theirs {
                let question = String::from_utf8_lossy(copy.body().bytes().unwrap_or_default()).into_owned();
                comparison.differences.push(format!("{operation} {question}\n  engine: {ours}\n  other:  {theirs}"));
            }
            let (status, body) = (answer.status(), SdkBody::from(text.to_vec()));
            response(status.as_u16(), body)
        })
    }
}

/// The comparable part of an answer: the error type, each reason, the returned items. DynamoDB leaves open whether a page that is
/// full to its limit has a next page.
fn comparable_answer(status: u16, answer: &Value) -> Value {
    let kind = |text: &Value| text.as_str().map(|text| text.rsplit('#').next().unwrap_or_default().to_owned());
    let reason = |reason: &Value| json!({ "code": reason["Code"].as_str().unwrap_or("None"), "item": reason["Item"] });
    let reasons: Vec<Value> = answer["CancellationReasons"].as_array().into_iter().flatten().map(reason).collect();
    json!({
        "status": status,
        "error": kind(&answer["__type"]),
        "reasons": reasons,
        "item": answer["Item"],
        "attributes": answer["Attributes"],
        "items": answer["Items"],
        "responses": sorted(&answer["Responses"]),
    })
}

/// The answers of a batch have no order.
fn sorted(responses: &Value) -> Value {
    let Some(tables) = responses.as_object() else { return responses.clone() };
    let order = |items: &Value| {
        let mut items: Vec<Value> = items.as_array().cloned().unwrap_or_default();
        items.sort_by_key(ToString::to_string);
        items
    };
    tables.iter().map(|(table, items)| (table.clone(), json!(order(items)))).collect::<serde_json::Map<_, _>>().into()
}

/// A vault with a key of the other implementation. (It does not sign: it hashes a digest once more.)
async fn vault(remote: &Remote) -> KeyVault {
    let kms = kms::client(SharedHttpConnector::new(remote.clone()), TimeoutConfig::disabled());
    let made = kms.create_key().send().await.unwrap();
    KeyVault::kms(kms, made.key_metadata.unwrap().arn.unwrap())
}

/// Copies the items of the world into tables of the other implementation.
async fn copy(world: &World, remote: &Remote) {
    let dynamodb = client(SharedHttpConnector::new(remote.clone()));
    let held = invariants::read(&world.engine).tables;
    for table in TABLES {
        let mut made = dynamodb.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let kind = KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
            let text = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
            made = made.key_schema(kind).attribute_definitions(text.unwrap());
        }
        made.send().await.unwrap();
        for item in &held[table] {
            let mut request = HttpRequest::new(SdkBody::from(json!({ "TableName": table, "Item": item }).to_string()));
            request.headers_mut().insert("x-amz-target", "DynamoDB_20120810.PutItem");
            // The access key and the service, in the format of SigV4. The server does not check the signature.
            let credential =
                "AWS4-HMAC-SHA256 Credential=local/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
            request.headers_mut().insert("authorization", credential);
            assert_eq!(remote.ask(&request).await.unwrap().0, 200);
        }
    }
}

#[tokio::test]
#[ignore = "needs a moto server, which .ci/run moto starts"]
async fn another_implementation_of_aws_agrees_with_the_engine() {
    let remote = Remote::from_env();
    let vault = vault(&remote).await;
    let world = World::builder().vault(vault.clone()).build().await.unwrap();
    copy(&world, &remote).await;
    let both = ComparingConnector { engine: world.engine.connector(), other: remote.clone(), comparison: Arc::default() };
    let [identities, keys, audit] = TABLES.map(str::to_owned);
    let services = Services {
        store: Store::new(client(SharedHttpConnector::new(both.clone())), Tables { identities, keys, audit }),
        keys: Keys::new(vault, &PURPOSES),
        tenants: Tenants::default(),
        ..world.services.clone()
    };
    let world = world.served_by(mount(services.clone(), routes()), services.clone()).unwrap();

    journeys::run_all_journeys(&Site::from(&world), "").await;
    let leaver = Customer::registered(&world, "Leaver").await;
    assert_eq!(AccountClient::new(&world, &leaver).await.delete("/v1/me").await.status(), 202);
    world.pump().await.unwrap();
    world.advance(Span::days(31));
    let retention = Retention::new(services.clone(), Continuation::Caller);
    let done = retention.handle(&json!({ "job": "retention" }), Deadline::default()).await.unwrap();
    assert_eq!(done["rules"]["erasure"]["erased"], 1, "{done}");
    world.pump().await.unwrap();

    let comparison = both.comparison.lock().unwrap();
    assert!(
        comparison.differences.is_empty(),
        "{} differences:\n{}",
        comparison.differences.len(),
        comparison.differences.join("\n")
    );
    // The requests covered every operation of the store, and some conditions failed.
    let operations: BTreeSet<&str> = comparison.asked.keys().map(|(operation, _)| operation.as_str()).collect();
    let all = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems"];
    assert!(all.iter().all(|operation| operations.contains(operation)), "{operations:?}");
    assert!(comparison.asked.keys().any(|(_, status)| *status == 400), "no condition failed");
}

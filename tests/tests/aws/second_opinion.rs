//! A second opinion on what we ask of AWS: while everybody's journeys run over the embedded engine, each request to DynamoDB is put to
//! another implementation as well, which must say the same; KMS is another implementation altogether. It is Python's moto, a server of
//! which `LATCHKEY_SECOND_OPINION` names (`.ci/run moto` starts one).
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
use retention::{GoOn, Retention};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tests::remote::Remote;
use tests::{Customer, Me, Site, invariants, journeys, kms};

/// Every purpose that some function declares.
const PURPOSES: [Purpose; 6] =
    [Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator, Purpose::Refresh, Purpose::Signing];

/// The engine, whose word counts, and the other one, which is asked the same.
#[derive(Debug, Clone)]
struct Both {
    engine: SharedHttpConnector,
    other: Remote,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    /// Questions by operation, and how the engine answered.
    asked: BTreeMap<(String, u16), usize>,
    /// Where the two differ.
    differences: Vec<String>,
}

impl HttpConnector for Both {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let both = self.clone();
        HttpConnectorFuture::new(async move {
            let copy = request.try_clone().expect("a request whose body is at hand");
            let operation = operation(&request).unwrap_or_default().to_owned();
            let answer: HttpResponse = both.engine.call(request).await?;
            let text = answer.body().bytes().unwrap_or_default();
            let ours = verdict(answer.status().as_u16(), &serde_json::from_slice(text).unwrap_or_default());
            let (status, theirs) = both.other.ask(&copy).await?;
            let theirs = verdict(status, &theirs);
            let mut heard = both.heard.lock().expect("no test panicked");
            *heard.asked.entry((operation.clone(), answer.status().as_u16())).or_default() += 1;
            if ours != theirs {
                let question = String::from_utf8_lossy(copy.body().bytes().unwrap_or_default()).into_owned();
                heard.differences.push(format!("{operation} {question}\n  engine: {ours}\n  other:  {theirs}"));
            }
            let (status, body) = (answer.status(), SdkBody::from(text.to_vec()));
            response(status.as_u16(), body)
        })
    }
}

/// What an answer says: the kind of an error and of each reason, the items that were found. Whether a page that is full to its limit has
/// a next one, DynamoDB leaves open.
fn verdict(status: u16, answer: &Value) -> Value {
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

/// A batch's answers have no order.
fn sorted(responses: &Value) -> Value {
    let Some(tables) = responses.as_object() else { return responses.clone() };
    let order = |items: &Value| {
        let mut items: Vec<Value> = items.as_array().cloned().unwrap_or_default();
        items.sort_by_key(ToString::to_string);
        items
    };
    tables.iter().map(|(table, items)| (table.clone(), json!(order(items)))).collect::<serde_json::Map<_, _>>().into()
}

/// A vault whose key the other implementation has made. (It has no say in signatures: it hashes a digest once more.)
async fn vault(remote: &Remote) -> KeyVault {
    let kms = kms::client(SharedHttpConnector::new(remote.clone()), TimeoutConfig::disabled());
    let made = kms.create_key().send().await.unwrap();
    KeyVault::kms(kms, made.key_metadata.unwrap().arn.unwrap())
}

/// What the world holds already, in tables of the other implementation.
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
            // Who asks of which service, in the words of SigV4: nobody checks the signature.
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
    let remote = Remote::named();
    let vault = vault(&remote).await;
    let world = World::builder().vault(vault.clone()).build().await.unwrap();
    copy(&world, &remote).await;
    let both = Both { engine: world.engine.connector(), other: remote.clone(), heard: Arc::default() };
    let [identities, keys, audit] = TABLES.map(str::to_owned);
    let services = Services {
        store: Store::new(client(SharedHttpConnector::new(both.clone())), Tables { identities, keys, audit }),
        keys: Keys::new(vault, &PURPOSES),
        tenants: Tenants::default(),
        ..world.services.clone()
    };
    let world = world.served_by(mount(services.clone(), routes()), services.clone()).unwrap();

    journeys::all_of_it(&Site::from(&world), "").await;
    let leaver = Customer::registered(&world, "Leaver").await;
    assert_eq!(Me::of(&world, &leaver).await.delete("/v1/me").await.status(), 202);
    world.pump().await.unwrap();
    world.advance(Span::days(31));
    let retention = Retention::new(services.clone(), GoOn::Caller);
    let done = retention.handle(&json!({ "job": "retention" }), Deadline::default()).await.unwrap();
    assert_eq!(done["rules"]["erasure"]["erased"], 1, "{done}");
    world.pump().await.unwrap();

    let heard = both.heard.lock().unwrap();
    assert!(heard.differences.is_empty(), "{} differences:\n{}", heard.differences.len(), heard.differences.join("\n"));
    // What was asked: every operation of the store, and conditions that failed.
    let operations: BTreeSet<&str> = heard.asked.keys().map(|(operation, _)| operation.as_str()).collect();
    let all = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems"];
    assert!(all.iter().all(|operation| operations.contains(operation)), "{operations:?}");
    assert!(heard.asked.keys().any(|(_, status)| *status == 400), "no condition failed");
}

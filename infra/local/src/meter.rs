//! Counts DynamoDB calls: requests, request units, and a trace of each call.
//!
//! Units are counted twice: as reported by the engine (the meter adds `ReturnConsumedCapacity` to the request and removes the result from
//! the answer), and computed from the item sizes before and after. A test asserts that both agree.

use crate::engine::{Engine, operation, response};
use crate::fault::is_write;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use dynoxide::actions::get_item::GetItemRequest;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// One request as DynamoDB saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The operation, such as `BatchGetItem`.
    pub operation: String,
    /// The tables, in order.
    pub tables: Vec<String>,
    /// How many items were requested or written.
    pub items: usize,
    /// Size of the request's body.
    pub request_bytes: usize,
    /// Size of the answer's body; 0 without an answer.
    pub response_bytes: usize,
    /// HTTP status; 0 without an answer.
    pub status: u16,
    /// Units as reported by the engine.
    pub engine: Units,
    /// Units as computed by the meter.
    pub own: Units,
}

/// Request units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Units {
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub write: f64,
}

/// The cost of several calls together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// DynamoDB requests.
    pub requests: usize,
    /// Units as reported by the engine.
    pub engine: Units,
    /// Units as computed by the meter.
    pub own: Units,
}

/// The calls so far. Clones are inexpensive.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Vec<Call>>>);

impl Meter {
    /// An empty meter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the calls since the last take.
    #[must_use]
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the calls since the last take and returns their cost.
    #[must_use]
    pub fn take_cost(&self) -> Cost {
        self.take().iter().fold(Cost::default(), |cost, call| Cost {
            requests: cost.requests + 1,
            engine: cost.engine + call.engine,
            own: cost.own + call.own,
        })
    }

    /// Wraps a connector with this meter. The meter asks the engine for item sizes directly.
    #[must_use]
    pub fn around(&self, inner: SharedHttpConnector, engine: Engine) -> SharedHttpConnector {
        SharedHttpConnector::new(MeterConnector { meter: self.clone(), inner, engine })
    }
}

impl std::ops::Add for Units {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { read: self.read + other.read, write: self.write + other.write }
    }
}

/// One item of a call: its table and key, and what is known before the call.
struct Target {
    table: String,
    key: Value,
    strong: bool,
    before: Option<usize>,
}

#[derive(Debug)]
struct MeterConnector {
    meter: Meter,
    inner: SharedHttpConnector,
    engine: Engine,
}

impl HttpConnector for MeterConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request).unwrap_or_default().to_owned();
        let request_bytes = request.body().bytes().map_or(0, <[u8]>::len);
        let mut asked: Value = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let targets = targets(&operation, &asked, &self.engine);
        if is_metered(&operation) {
            asked["ReturnConsumedCapacity"] = "TOTAL".into();
            *request.body_mut() = asked.to_string().into();
        }
        let (meter, engine) = (self.meter.clone(), self.engine.clone());
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            let mut call = Call {
                tables: targets.iter().map(|target| target.table.clone()).collect(),
                items: targets.len(),
                operation,
                request_bytes,
                response_bytes: 0,
                status: 0,
                engine: Units::default(),
                own: Units::default(),
            };
            call.tables.dedup();
            let answer = match answer {
                Ok(answer) => {
                    call.status = answer.status().as_u16();
                    let mut body: Value =
                        answer.body().bytes().and_then(|b| serde_json::from_slice(b).ok()).unwrap_or_default();
                    let consumed = body.as_object_mut().and_then(|body| body.remove("ConsumedCapacity"));
                    call.engine = consumed.map(|consumed| engine_units(&call.operation, &consumed)).unwrap_or_default();
                    call.own = own_units(&call.operation, &targets, &engine);
                    let body = body.to_string();
                    call.response_bytes = body.len();
                    response(call.status, body)
                }
                Err(error) => Err(error),
            };
            meter.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
            answer
        })
    }
}

fn is_metered(operation: &str) -> bool {
    is_write(operation) || matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems")
}

fn engine_units(operation: &str, consumed: &Value) -> Units {
    let tables = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
    let total = tables.iter().filter_map(|table| table.get("CapacityUnits")).filter_map(Value::as_f64).sum();
    if is_write(operation) { Units { read: 0.0, write: total } } else { Units { read: total, write: 0.0 } }
}

fn targets(operation: &str, asked: &Value, engine: &Engine) -> Vec<Target> {
    let table = |of: &Value| of.get("TableName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let strong = |of: &Value| of.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
    let mut targets = Vec::new();
    let mut add = |table: String, key: Value, strong: bool| {
        let before = size_of_stored(engine, &table, &key);
        targets.push(Target { table, key, strong, before });
    };
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => add(table(asked), asked["Key"].clone(), strong(asked)),
        "PutItem" => add(table(asked), key_of(&asked["Item"]), false),
        "BatchGetItem" => {
            for (table, wanted) in asked["RequestItems"].as_object().into_iter().flatten() {
                for key in wanted["Keys"].as_array().into_iter().flatten() {
                    add(table.clone(), key.clone(), strong(wanted));
                }
            }
        }
        "TransactWriteItems" => {
            for item in asked["TransactItems"].as_array().into_iter().flatten() {
                for (kind, action) in item.as_object().into_iter().flatten() {
                    let key = if kind == "Put" { key_of(&action["Item"]) } else { action["Key"].clone() };
                    add(table(action), key, true);
                }
            }
        }
        // Their units depend on the result; only the engine's count applies.
        _ => {}
    }
    targets
}

fn own_units(operation: &str, targets: &[Target], engine: &Engine) -> Units {
    let mut units = Units::default();
    for target in targets {
        if is_write(operation) {
            let after = size_of_stored(engine, &target.table, &target.key);
            let size = target.before.max(after).unwrap_or(0);
            let factor = if operation == "TransactWriteItems" { 2.0 } else { 1.0 };
            units.write += factor * blocks(size, 1024);
        } else {
            units.read += blocks(target.before.unwrap_or(0), 4096) * if target.strong { 1.0 } else { 0.5 };
        }
    }
    units
}

/// Started blocks, at least one.
fn blocks(size: usize, block: usize) -> f64 {
    f64::from(u32::try_from(size.div_ceil(block).max(1)).unwrap_or(u32::MAX))
}

fn key_of(item: &Value) -> Value {
    let part = |name: &str| item.get(name).map(|value| (name.to_owned(), value.clone()));
    Value::Object(["pk", "sk"].into_iter().filter_map(part).collect::<Map<_, _>>())
}

fn size_of_stored(engine: &Engine, table: &str, key: &Value) -> Option<usize> {
    let request = GetItemRequest {
        table_name: table.to_owned(),
        key: serde_json::from_value(key.clone()).ok()?,
        consistent_read: Some(true),
        ..GetItemRequest::default()
    };
    let item = engine.database().get_item(request).ok()?.item?;
    Some(size_of_item(&serde_json::to_value(item).ok()?))
}

/// The billed size of an item: names and values (Developer Guide, "DynamoDB item sizes and formats").
#[must_use]
pub fn size_of_item(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    let text = || value.as_str().map_or(0, str::len);
    let each =
        |size: fn(&str) -> usize| -> usize { value.as_array().into_iter().flatten().filter_map(Value::as_str).map(size).sum() };
    match kind.as_str() {
        "S" => text(),
        "N" => value.as_str().map_or(0, size_of_number),
        "B" => value.as_str().map_or(0, size_of_binary),
        "SS" => each(str::len),
        "NS" => each(size_of_number),
        "BS" => each(size_of_binary),
        "L" => 3 + value.as_array().into_iter().flatten().map(|element| 1 + size_of_value(element)).sum::<usize>(),
        "M" => {
            3 + value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| 1 + name.len() + size_of_value(value))
                .sum::<usize>()
        }
        // BOOL and NULL.
        _ => 1,
    }
}

/// One byte for every two significant digits, plus one.
fn size_of_number(number: &str) -> usize {
    let digits = number.chars().filter(char::is_ascii_digit).collect::<String>();
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
    significant.div_ceil(2) + 1 + usize::from(number.starts_with('-'))
}

/// The number of bytes in padded base64.
fn size_of_binary(text: &str) -> usize {
    text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{client, test_table};
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    #[tokio::test]
    async fn engine_and_own_arithmetic_agree_and_the_caller_sees_no_trace_of_it() {
        let engine = Engine::memory().unwrap();
        test_table(&client(engine.connector())).await;
        let meter = Meter::new();
        let client = client(meter.around(engine.connector(), engine.clone()));
        for (bytes, write, read) in [(10, 1.0, 1.0), (1500, 2.0, 1.0), (5000, 5.0, 2.0), (100, 5.0, 1.0)] {
            let put = client.put_item().table_name("test").item("pk", AttributeValue::S("a".into()));
            let put =
                put.item("body", AttributeValue::B(Blob::new(vec![7; bytes]))).item("n", AttributeValue::N("-1200".into()));
            assert!(put.send().await.unwrap().consumed_capacity().is_none());
            let cost = meter.take_cost();
            assert_eq!((cost.requests, cost.own.write, cost.engine.write), (1, write, write), "{bytes}");
            let get = client.get_item().table_name("test").key("pk", AttributeValue::S("a".into())).consistent_read(true);
            get.send().await.unwrap();
            let call = meter.take().remove(0);
            assert_eq!((call.own.read, call.engine.read, call.items), (read, read, 1), "{bytes}");
        }
    }

    #[test]
    fn sizes_are_those_of_the_developer_guide() {
        let item = serde_json::json!({
            "pk": {"S": "abc"}, "n": {"N": "1234"}, "b": {"B": "AAAA"}, "t": {"BOOL": true}, "l": {"L": [{"S": "x"}]},
            "m": {"M": {"k": {"S": "v"}}},
        });
        assert_eq!(size_of_item(&item), (2 + 3) + (1 + 3) + (1 + 3) + (1 + 1) + (1 + 3 + 1 + 1) + (1 + 3 + 1 + 1 + 1));
    }
}

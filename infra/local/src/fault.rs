//! Fault injection under the SDK: wraps a connector and fails as DynamoDB and networks do, at random by a seed or by a script.
//!
//! The embedded engine never throttles, has no `TransactionConflict` and loses no reply. This module adds these faults, so that tests
//! exercise the real SDK's retries and the real code's decisions. Each [`Rule`] says which calls, when, and what happens. The first
//! matching rule applies.

use crate::engine::{operation, response};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// `ProvisionedThroughputExceededException`; nothing is applied.
    Throttle,
    /// A conflict with another transaction: `TransactionConflict` as the reason of a transaction, `TransactionConflictException` for a
    /// single write. Nothing is applied. Reads pass.
    Conflict,
    /// 500 `InternalServerError`; nothing is applied.
    Internal,
    /// No reply, and nothing is applied.
    TimeoutBefore,
    /// Applied, but the reply is lost.
    TimeoutAfter,
    /// Passes after this delay.
    Slow(Duration),
    /// Applied at once, but the reply is delayed by this long: the data may be outdated when it arrives.
    SlowAfter(Duration),
    /// A `BatchGetItem` leaves about half of its keys unprocessed; other calls pass.
    Partial,
    /// The process dies before the call is applied: the call never returns, and [`Faults::crashed`] resolves.
    CrashBefore,
    /// The process dies after the call was applied, before its reply is seen.
    CrashAfter,
    /// The write is applied without its condition. Every race test must detect this mutant.
    Unconditional,
    /// The caller's own code panics while it waits for the reply. Nothing is applied.
    Panic,
}

/// Which calls a rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// All.
    Any,
    /// Calls that write items.
    Writes,
    /// Calls that read items.
    Reads,
    /// Calls of this operation, such as `TransactWriteItems`.
    Named(&'static str),
}

/// When a rule applies, counted over its calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trigger {
    /// Always.
    Always,
    /// At the call with this number, from 1.
    Nth(u64),
    /// At each call with this probability (0 to 1), from the seeded generator.
    Chance(f64),
}

/// One line of a fault script.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Which calls.
    pub calls: Calls,
    /// When.
    pub trigger: Trigger,
    /// What happens.
    pub fault: Fault,
}

/// A fault script, shared by every connector that it wraps. It can be changed at run time. Clones are inexpensive.
#[derive(Debug, Clone)]
pub struct Faults {
    script: Arc<Mutex<Script>>,
    crashed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Script {
    rules: Vec<(Rule, u64)>,
    random: u64,
    injected: u64,
}

impl Faults {
    /// An empty script: every call passes. The seed determines random faults.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let script = Script { rules: Vec::new(), random: seed, injected: 0 };
        Self { script: Arc::new(Mutex::new(script)), crashed: watch::Sender::new(false) }
    }

    /// Adds a rule. Its count starts now.
    pub fn add(&self, calls: Calls, trigger: Trigger, fault: Fault) {
        self.script().rules.push((Rule { calls, trigger, fault }, 0));
    }

    /// Removes all rules, and a crash.
    pub fn clear(&self) {
        self.script().rules.clear();
        self.crashed.send_replace(false);
    }

    /// How many faults were injected so far. A test that injected none proves nothing.
    #[must_use]
    pub fn injected(&self) -> u64 {
        self.script().injected
    }

    /// Resolves after a crash fault. The caller must then drop its request future, as a dead process would.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Wraps a connector with this script.
    #[must_use]
    pub fn around(&self, inner: SharedHttpConnector) -> SharedHttpConnector {
        SharedHttpConnector::new(FaultConnector { faults: self.clone(), inner })
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strike(&self, operation: &str) -> Option<Fault> {
        let mut script = self.script();
        let Script { rules, random, injected } = &mut *script;
        let mut struck = None;
        for (rule, count) in rules.iter_mut().filter(|(rule, _)| rule.calls.include(operation)) {
            *count += 1;
            let strikes = match rule.trigger {
                Trigger::Always => true,
                Trigger::Nth(n) => *count == n,
                Trigger::Chance(probability) => chance(random) < probability,
            };
            if strikes && struck.is_none() {
                struck = Some(rule.fault);
            }
        }
        *injected += u64::from(struck.is_some());
        struck
    }
}

impl Calls {
    fn include(self, operation: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Writes => is_write(operation),
            Self::Reads => matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems"),
            Self::Named(name) => name == operation,
        }
    }
}

/// Whether an operation writes items.
#[must_use]
pub fn is_write(operation: &str) -> bool {
    matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems")
}

#[derive(Debug)]
struct FaultConnector {
    faults: Faults,
    inner: SharedHttpConnector,
}

impl HttpConnector for FaultConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request).unwrap_or_default().to_owned();
        let Some(fault) = self.faults.strike(&operation) else {
            return self.inner.call(request);
        };
        let (faults, inner) = (self.faults.clone(), self.inner.clone());
        HttpConnectorFuture::new(async move {
            // A failure over a network takes time too: let other tasks run.
            tokio::task::yield_now().await;
            match fault {
                Fault::Throttle => {
                    error(400, "ProvisionedThroughputExceededException", "The level of configured throughput was exceeded")
                }
                Fault::Internal => error(500, "InternalServerError", "The request could not be processed"),
                Fault::Conflict if operation == "TransactWriteItems" => transaction_conflict(&request),
                Fault::Conflict if is_write(&operation) => {
                    error(400, "TransactionConflictException", "Transaction is ongoing for the item")
                }
                Fault::Conflict => inner.call(request).await,
                Fault::TimeoutBefore => Err(ConnectorError::timeout("no reply (injected)".into())),
                Fault::TimeoutAfter => {
                    inner.call(request).await?;
                    Err(ConnectorError::timeout("the reply was lost (injected)".into()))
                }
                Fault::Slow(delay) => {
                    tokio::time::sleep(delay).await;
                    inner.call(request).await
                }
                Fault::SlowAfter(delay) => {
                    let answer = inner.call(request).await;
                    tokio::time::sleep(delay).await;
                    answer
                }
                Fault::Partial if operation == "BatchGetItem" => partial(&inner, request).await,
                Fault::Partial => inner.call(request).await,
                Fault::Unconditional => {
                    *request.body_mut() = unconditional(&request).to_string().into();
                    inner.call(request).await
                }
                Fault::Panic => panic(),
                Fault::CrashBefore => crash(&faults).await,
                Fault::CrashAfter => {
                    inner.call(request).await?;
                    crash(&faults).await
                }
            }
        })
    }
}

#[expect(clippy::panic, reason = "the fault is a panic")]
fn panic() -> Result<HttpResponse, ConnectorError> {
    panic!("injected, with hunter2 in it")
}

async fn crash(faults: &Faults) -> Result<HttpResponse, ConnectorError> {
    faults.crashed.send_replace(true);
    std::future::pending().await
}

fn error(status: u16, kind: &str, message: &str) -> Result<HttpResponse, ConnectorError> {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    response(status, body.to_string())
}

fn transaction_conflict(request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let items = body(request).get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
    let reasons: Vec<Value> = (0..items)
        .map(|index| match index {
            0 => json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" }),
            _ => json!({ "Code": "None" }),
        })
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        "CancellationReasons": reasons,
    });
    response(400, body.to_string())
}

/// The same request without its conditions, and without the names and values that only the conditions used.
fn unconditional(request: &HttpRequest) -> Value {
    let mut body = body(request);
    let items = body.get_mut("TransactItems").and_then(Value::as_array_mut);
    match items {
        Some(items) => items.iter_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()).for_each(strip),
        None => strip(&mut body),
    }
    body
}

fn strip(write: &mut Value) {
    let Some(write) = write.as_object_mut() else { return };
    if write.remove("ConditionExpression").is_none() {
        return;
    }
    let update = write.get("UpdateExpression").and_then(Value::as_str).unwrap_or_default().to_owned();
    for used in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let Some(names) = write.get_mut(used).and_then(Value::as_object_mut) else { continue };
        names.retain(|name, _| update.contains(name.as_str()));
        if names.is_empty() {
            write.remove(used);
        }
    }
}

/// Requests every other key only, and returns the rest as `UnprocessedKeys`.
async fn partial(inner: &SharedHttpConnector, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let mut asked = body(&request);
    let mut unprocessed = json!({});
    if let Some(tables) = asked.get_mut("RequestItems").and_then(Value::as_object_mut) {
        for (table, wanted) in tables.iter_mut() {
            let Some(keys) = wanted.get_mut("Keys").and_then(Value::as_array_mut) else { continue };
            let (left, kept): (Vec<_>, Vec<_>) = keys.drain(..).enumerate().partition(|(index, _)| index % 2 == 1);
            *keys = left.into_iter().map(|(_, key)| key).collect();
            let mut rest = wanted.clone();
            if let Some(rest) = rest.get_mut("Keys") {
                *rest = kept.into_iter().map(|(_, key)| key).collect();
            }
            unprocessed[table] = rest;
        }
        tables.retain(|_, wanted| wanted.get("Keys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty()));
        if tables.is_empty() {
            return response(200, json!({ "Responses": {}, "UnprocessedKeys": unprocessed }).to_string());
        }
    }
    *request.body_mut() = asked.to_string().into();
    let answer = inner.call(request).await?;
    let Some(Ok(mut answered)) = answer.body().bytes().map(serde_json::from_slice::<Value>) else { return Ok(answer) };
    answered["UnprocessedKeys"] = unprocessed;
    response(answer.status().as_u16(), answered.to_string())
}

fn body(request: &HttpRequest) -> Value {
    request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// The next number of SplitMix64, from 0 to 1. Random faults must be reproducible from the seed.
fn chance(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    f64::from(u32::try_from(z >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;

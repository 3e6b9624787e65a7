//! What the stream shows over time: no version is skipped or written twice, no code is used twice, every failed sign-in is counted
//! (I3, I5, I8).

use super::{RawData, Violations, number, state};
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns every violation in the order of changes.
pub(super) fn scan(raw: &RawData) -> Violations {
    let mut violations = Vec::new();
    let mut latest: BTreeMap<String, &Value> = BTreeMap::new();
    for record in &raw.stream {
        let key = record["dynamodb"]["Keys"].to_string();
        let Some(image) = record.pointer("/dynamodb/NewImage") else {
            latest.remove(&key);
            continue;
        };
        if let Some(before) = latest.insert(key, image) {
            violations.extend(check_step(before, image));
        }
    }
    violations
}

fn check_step(before: &Value, after: &Value) -> Violations {
    let mut violations = Vec::new();
    let (from, to) = (number(before, "version"), number(after, "version"));
    if from.is_some() && to != from.map(|version| version + 1) {
        violations.push(format!("I5: {} went from version {from:?} to {to:?}", super::name(after)));
    }
    if super::text(after, "kind") == "grant" && state(after) == "code_issued" {
        violations.push(format!("I3: {} went back to the state code_issued", super::name(after)));
    }
    let kind = after.pointer("/event/M/k/S").and_then(Value::as_str);
    if super::text(after, "kind") == "authentication"
        && kind == Some("sign_in_failed")
        && failures(after) != failures(before) + 1
    {
        violations.push(format!("I8: a failed sign-in of {} was not counted", super::name(after)));
    }
    if number(after, "ep") < number(before, "ep") {
        violations.push(format!("I2: the epoch of {} went back", super::name(after)));
    }
    violations
}

/// The counted failures: of unknown and of known devices.
fn failures(authn: &Value) -> i64 {
    let count = |window: Option<&Value>| window.and_then(|n| n["N"].as_str()).and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
    let devices = authn["dev"]["L"].as_array().into_iter().flatten();
    count(authn.pointer("/fw/M/n")) + devices.map(|device| count(device.pointer("/M/fw/M/n"))).sum::<i64>()
}

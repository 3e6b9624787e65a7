//! The groups of the pool and their members.

use super::{State, attributes};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One group a page, so that a caller must read several pages.
pub(super) fn groups_of(state: &State, body: &Value) -> (u16, Value) {
    let named = body["Username"].as_str().unwrap_or_default();
    let user = state.users.values().find(|user| user.sub == named).or_else(|| state.find(named));
    let Some(user) = user else {
        return (400, json!({ "__type": "UserNotFoundException", "message": "User does not exist." }));
    };
    page_of(user.groups.iter().map(|group| json!({ "GroupName": group })).collect(), "Groups", 1, body)
}

pub(super) fn groups(state: &State) -> (u16, Value) {
    let groups: BTreeSet<&String> = state.users.values().flat_map(|user| &user.groups).collect();
    (200, json!({ "Groups": groups.iter().map(|group| json!({ "GroupName": group })).collect::<Vec<_>>() }))
}

pub(super) fn members(state: &State, body: &Value) -> (u16, Value) {
    let group = body["GroupName"].as_str().unwrap_or_default();
    let members = state.users.iter().filter(|(_, user)| user.groups.iter().any(|of| of == group));
    let members = members.map(|(username, user)| {
        json!({ "Username": username, "Attributes": attributes(user), "Enabled": user.enabled, "UserStatus": user.status })
    });
    page_of(members.collect(), "Users", 60, body)
}

/// The token is the index of the next entry.
fn page_of(all: Vec<Value>, name: &str, limit: usize, body: &Value) -> (u16, Value) {
    let from: usize = body["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or_default();
    let mut answer = json!({ name: all.iter().skip(from).take(limit).collect::<Vec<_>>() });
    if from + limit < all.len() {
        answer["NextToken"] = json!((from + limit).to_string());
    }
    (200, answer)
}

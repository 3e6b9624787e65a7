//! `AdminGetUser`, and its failures.

use super::{State, UserPool, attributes};
use serde_json::{Value, json};

impl UserPool {
    /// Answers lookups of these users with this error from now on. Other lookups work.
    ///
    /// # Panics
    /// Panics if a test panicked during a call.
    pub fn fail_lookups_of(&self, usernames: impl IntoIterator<Item = String>, error: &'static str) {
        self.state.lock().expect("the state").failing_lookups =
            usernames.into_iter().map(|username| (username, error)).collect();
    }
    /// Hides which second factor each user has.
    ///
    /// # Panics
    /// Like [`Self::fail_lookups_of`].
    pub fn hide_second_factors(&self) {
        self.state.lock().expect("the state").mfa = None;
    }
}

pub(super) fn get_user(state: &State, body: &Value) -> (u16, Value) {
    let username = body["Username"].as_str().unwrap_or_default();
    if let Some(error) = state.failing_lookups.get(username) {
        return (400, json!({ "__type": error }));
    }
    let Some(user) = state.find(username).or_else(|| state.users.values().find(|user| user.sub == username)) else {
        return (400, json!({ "__type": "UserNotFoundException", "message": "User does not exist." }));
    };
    let factors: Vec<&str> = user.second_factor.into_iter().collect();
    let answer = json!({
        "Username": user.sub, "UserAttributes": attributes(user), "Enabled": user.enabled, "UserStatus": user.status,
        "UserMFASettingList": factors, "UserCreateDate": 1_600_000_000.0, "UserLastModifiedDate": 1_600_000_000.0,
    });
    (200, answer)
}

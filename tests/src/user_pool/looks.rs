//! What it tells of one user, and where it does not.

use super::{State, UserPool, attributes};
use serde_json::{Value, json};

impl UserPool {
    /// Answers looks at these with such an error from now on, and tells of the others.
    ///
    /// # Panics
    /// When a test panicked in the middle of a call.
    pub fn tell_nothing_of(&self, usernames: impl IntoIterator<Item = String>, error: &'static str) {
        self.state.lock().expect("the state").untold = usernames.into_iter().map(|username| (username, error)).collect();
    }
    /// Does not say whom it asks for a second factor.
    ///
    /// # Panics
    /// As [`Self::tell_nothing_of`].
    pub fn tell_nothing_of_second_factors(&self) {
        self.state.lock().expect("the state").mfa = None;
    }
}

pub(super) fn get_user(state: &State, body: &Value) -> (u16, Value) {
    let username = body["Username"].as_str().unwrap_or_default();
    if let Some(error) = state.untold.get(username) {
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

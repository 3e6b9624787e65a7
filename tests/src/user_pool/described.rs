//! What a pool says of itself (`DescribeUserPool`), as far as it matters to whoever goes there.

use super::{State, UserPool};
use serde_json::{Value, json};

/// What a pool was made with.
#[derive(Debug)]
pub(super) struct Described {
    username_attributes: &'static [&'static str],
    alias_attributes: &'static [&'static str],
    auto_verified_attributes: &'static [&'static str],
}

impl Default for Described {
    fn default() -> Self {
        Self { username_attributes: &["email"], alias_attributes: &[], auto_verified_attributes: &["email"] }
    }
}

impl UserPool {
    /// Knows people by a name of their own, their address as an alias.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn sign_in_with_aliases(&self) {
        let mut state = self.state.lock().expect("the state");
        (state.described.username_attributes, state.described.alias_attributes) = (&[], &["email"]);
    }
    /// Knows people by a name of their own only.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn sign_in_with_usernames(&self) {
        let mut state = self.state.lock().expect("the state");
        (state.described.username_attributes, state.described.alias_attributes) = (&[], &[]);
    }
    /// Takes only these as proven by itself.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn verify(&self, attributes: &'static [&'static str]) {
        self.state.lock().expect("the state").described.auto_verified_attributes = attributes;
    }
}

pub(super) fn describe(state: &State) -> (u16, Value) {
    let Described { username_attributes, alias_attributes, auto_verified_attributes } = &state.described;
    let pool = json!({
        "EstimatedNumberOfUsers": state.users.len(), "MfaConfiguration": state.mfa,
        "UsernameAttributes": username_attributes, "AliasAttributes": alias_attributes,
        "AutoVerifiedAttributes": auto_verified_attributes,
    });
    (200, json!({ "UserPool": pool }))
}

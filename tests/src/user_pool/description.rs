//! The pool's configuration (`DescribeUserPool`), as far as the reverse migration needs it.

use super::{State, UserPool};
use serde_json::{Value, json};

/// The configuration of a pool.
#[derive(Debug)]
pub(super) struct PoolDescription {
    username_attributes: &'static [&'static str],
    alias_attributes: &'static [&'static str],
    auto_verified_attributes: &'static [&'static str],
}

impl Default for PoolDescription {
    fn default() -> Self {
        Self { username_attributes: &["email"], alias_attributes: &[], auto_verified_attributes: &["email"] }
    }
}

impl UserPool {
    /// Uses separate usernames, with the address as an alias.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn sign_in_with_aliases(&self) {
        let mut state = self.state.lock().expect("the state");
        (state.description.username_attributes, state.description.alias_attributes) = (&[], &["email"]);
    }
    /// Uses separate usernames only.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn sign_in_with_usernames(&self) {
        let mut state = self.state.lock().expect("the state");
        (state.description.username_attributes, state.description.alias_attributes) = (&[], &[]);
    }
    /// Verifies only these attributes on its own.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn verify(&self, attributes: &'static [&'static str]) {
        self.state.lock().expect("the state").description.auto_verified_attributes = attributes;
    }
}

pub(super) fn describe(state: &State) -> (u16, Value) {
    let PoolDescription { username_attributes, alias_attributes, auto_verified_attributes } = &state.description;
    let pool = json!({
        "EstimatedNumberOfUsers": state.users.len(), "MfaConfiguration": state.mfa,
        "UsernameAttributes": username_attributes, "AliasAttributes": alias_attributes,
        "AutoVerifiedAttributes": auto_verified_attributes,
    });
    (200, json!({ "UserPool": pool }))
}

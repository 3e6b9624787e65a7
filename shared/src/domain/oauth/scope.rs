//! Scopes (RFC 6749 §3.3).

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Requests OpenID Connect: an ID token and userinfo (OpenID Connect Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// Requests claims about the user (OpenID Connect Core §5.4).
pub const PROFILE: &str = "profile";
/// Requests the e-mail address (OpenID Connect Core §5.4).
pub const EMAIL: &str = "email";
/// Requests the phone number (OpenID Connect Core §5.4).
pub const PHONE: &str = "phone";
/// Requests the postal address (OpenID Connect Core §5.4).
pub const ADDRESS: &str = "address";
/// Requests a grant that continues after the end of its session (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// Gives access to the self-service API. For first-party clients only, and never together with a `resource`.
pub const ACCOUNT: &str = "account";
/// Scopes about a user. A client that acts for itself cannot have them.
pub const OF_A_PERSON: [&str; 7] = [OPENID, PROFILE, EMAIL, PHONE, ADDRESS, OFFLINE_ACCESS, ACCOUNT];

/// A set of scope tokens, written space-delimited in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet(BTreeSet<String>);

/// The scope parameter does not match the grammar of RFC 6749 §3.3, has more than 64 tokens, or is larger than 1 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a space-delimited list of scope tokens")]
pub struct InvalidScope;

impl ScopeSet {
    /// The set of one token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(BTreeSet::from([token.to_owned()]))
    }
    /// Returns whether the token is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }
    /// Returns whether every token of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Returns the tokens, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
    /// Returns the union of both sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }
    /// Returns the intersection of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
    /// Returns the set without one token.
    #[must_use]
    pub fn without(&self, token: &str) -> Self {
        Self(self.0.iter().filter(|t| *t != token).cloned().collect())
    }
}
impl FromStr for ScopeSet {
    type Err = InvalidScope;
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let token_ok = |t: &str| t.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
        if text.len() > 1024 {
            return Err(InvalidScope);
        }
        let tokens: BTreeSet<String> = text.split(' ').filter(|t| !t.is_empty()).map(str::to_owned).collect();
        if tokens.len() > 64 || !tokens.iter().all(|t| token_ok(t)) {
            return Err(InvalidScope);
        }
        Ok(Self(tokens))
    }
}
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, token) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}
impl Serialize for ScopeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

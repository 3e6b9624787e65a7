//! Scopes (RFC 6749 §3.3).

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Asks for OpenID Connect: an ID token and userinfo (OpenID Connect Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// Asks for claims about the person (OpenID Connect Core §5.4).
pub const PROFILE: &str = "profile";
/// Asks for the e-mail address (OpenID Connect Core §5.4).
pub const EMAIL: &str = "email";
/// Asks for the phone number (OpenID Connect Core §5.4).
pub const PHONE: &str = "phone";
/// Asks for the postal address (OpenID Connect Core §5.4).
pub const ADDRESS: &str = "address";
/// Asks for a grant that outlives its session (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// Opens the self-service API; first-party clients only, never together with a `resource`.
pub const ACCOUNT: &str = "account";
/// Scopes about a person: a client that acts for itself can't have them.
pub const OF_A_PERSON: [&str; 7] = [OPENID, PROFILE, EMAIL, PHONE, ADDRESS, OFFLINE_ACCESS, ACCOUNT];

/// A set of scope tokens, written space-delimited in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet(BTreeSet<String>);

/// A scope parameter outside the grammar of RFC 6749 §3.3 (or over 64 tokens or 1 KiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a space-delimited list of scope tokens")]
pub struct InvalidScope;

impl ScopeSet {
    /// Whether the token is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }
    /// Whether every token of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
    /// Whether the set has no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The tokens, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
    /// The tokens of both sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }
    /// The tokens that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
    /// The set without one token.
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

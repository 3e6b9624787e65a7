//! Levels of assurance, and their names in `acr`.

use crate::domain::time::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The maximum age of the proof for a credential change or a data export (RFC 9470; ASVS 7.5.1).
pub const RECENT: Span = Span::minutes(5);

/// How strongly a user authenticated, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acr {
    /// Nothing was proven here: a token exchange. It has no `acr`, and satisfies no level.
    None,
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
    /// A factor that no phishing site can use (OpenID EAP `phr`).
    PhishingResistant,
}

impl Acr {
    /// The values that a sign-in can reach (`acr_values_supported`).
    pub const SUPPORTED: [&'static str; 3] = ["urn:latchkey:acr:1", "urn:latchkey:acr:2", "phr"];

    /// The value of `acr` (OpenID Connect Core §2). `None` for [`Acr::None`].
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Aal1 => Some("urn:latchkey:acr:1"),
            Self::Aal2 => Some("urn:latchkey:acr:2"),
            Self::PhishingResistant => Some("phr"),
        }
    }

    /// The level with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Aal1, Self::Aal2, Self::PhishingResistant].into_iter().find(|acr| acr.name() == Some(name))
    }
}

/// The `acr` of a grant and its tokens, as stored. A value of a later release satisfies nothing, and is passed through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcrValue(String);

impl AcrValue {
    /// The value of this level. `None` for [`Acr::None`].
    #[must_use]
    pub fn of(acr: Acr) -> Option<Self> {
        acr.name().map(|name| Self(name.to_owned()))
    }

    /// The level. [`Acr::None`] if this release does not know the value.
    #[must_use]
    pub fn level(&self) -> Acr {
        Acr::named(&self.0).unwrap_or(Acr::None)
    }
}

impl fmt::Display for AcrValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AcrValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AcrValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_their_names_read_back() {
        let all = [Acr::None, Acr::Aal1, Acr::Aal2, Acr::PhishingResistant];
        assert!(all.is_sorted());
        for acr in all {
            assert_eq!(acr.name().map(Acr::named), acr.name().map(|_| Some(acr)));
        }
    }

    #[test]
    fn an_acr_of_a_later_release_satisfies_nothing_and_is_passed_through() {
        let value: AcrValue = serde_json::from_str("\"urn:latchkey:acr:9\"").unwrap();
        assert_eq!(value.level(), Acr::None);
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"urn:latchkey:acr:9\"");
    }
}

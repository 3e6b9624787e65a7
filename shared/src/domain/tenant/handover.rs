//! `[handover]`: the user pool that people go back to, and what goes with them.

use super::cognito::{STANDARD, UserPoolId};
use std::collections::BTreeMap;

/// The user pool that people go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverConfig {
    /// Which.
    pub user_pool_id: UserPoolId,
    /// What its users have as a username.
    pub username: Username,
    /// The attribute that keeps the `sub` that applications knew the person by, if one does: the pool gives everybody a new one.
    pub sub: Option<String>,
    /// Fields of the form whose attribute has another name than theirs: field, attribute.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// What the users of a pool have as a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Username {
    /// Their e-mail address.
    #[default]
    Email,
    /// Their `sub` of here: in a pool where the address is an alias, no username may look like an address.
    Sub,
}

impl Username {
    /// The word that the document has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sub => "sub",
        }
    }
}

impl HandoverConfig {
    /// The attribute that a field of the form becomes: the one that the document names, else the standard attribute of its name. A
    /// custom one has to be named, since a pool refuses people with attributes that it does not have.
    #[must_use]
    pub fn attribute_of(&self, field: &str) -> Option<&str> {
        let named = self.attributes.get(field).map(String::as_str);
        named.or_else(|| STANDARD.iter().copied().find(|standard| *standard == field && !OWN.contains(standard)))
    }
}

/// Attributes that no field becomes: the address goes by itself, and the rest is the pool's.
pub(crate) const OWN: [&str; 2] = ["email", "updated_at"];

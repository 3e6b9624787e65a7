//! `[reverse_migration]`: the user pool of the reverse migration, and its attributes.

use super::legacy_directory::{STANDARD, UserPoolId};
use std::collections::BTreeMap;

/// The user pool of the reverse migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseMigrationConfig {
    /// The pool.
    pub user_pool_id: UserPoolId,
    /// The username of the pool's users.
    pub username: Username,
    /// The attribute for the `sub` that applications know, if there is one: the pool gives every user a new `sub`.
    pub sub: Option<String>,
    /// Fields of the form that have an attribute of another name: field, attribute.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// The username of a pool's users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Username {
    /// Their e-mail address.
    #[default]
    Email,
    /// Their `sub` from here: in a pool with the address as an alias, no username may look like an address.
    Sub,
}

impl Username {
    /// Its name in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sub => "sub",
        }
    }
}

impl ReverseMigrationConfig {
    /// The target attribute of a field: the one in the document, otherwise the standard attribute of its name. A custom attribute
    /// must be in the document, because a pool refuses users with attributes that it does not have.
    #[must_use]
    pub fn attribute_of(&self, field: &str) -> Option<&str> {
        let named = self.attributes.get(field).map(String::as_str);
        named.or_else(|| STANDARD.iter().copied().find(|standard| *standard == field && !OWN.contains(standard)))
    }
}

/// Attributes that no field sets: the address is sent separately, and the pool sets the others.
pub(crate) const OWN: [&str; 2] = ["email", "updated_at"];

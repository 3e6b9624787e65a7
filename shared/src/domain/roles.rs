//! Roles: a user's roles in the company's own applications, sent in their access tokens (RFC 9068 §2.2.3.1, RFC 7643 §4.1.2).
//!
//! They are stored in the account's hot item, so every token refresh gets the current ones. The application decides what a role
//! allows; Latchkey itself requires none.

mod decisions;

pub use decisions::{RolesChanged, change_roles};

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Maximum number of roles of one account: with the longest names its hot item fits one write unit.
pub const MAX_ROLES: usize = 8;
/// Maximum length of a role name, in characters.
const MAX_NAME_LENGTH: usize = 20;

/// The name of a role: 1 to 20 of `A-Z a-z 0-9 . _ : -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

/// A text that is not a valid role name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 20 of A-Z a-z 0-9 . _ : -")]
pub struct InvalidRole;

impl Role {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::try_from(text.to_owned())
    }
}
impl TryFrom<String> for Role {
    type Error = InvalidRole;
    fn try_from(text: String) -> Result<Self, InvalidRole> {
        let is_name = (1..=MAX_NAME_LENGTH).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'));
        if is_name { Ok(Self(text)) } else { Err(InvalidRole) }
    }
}
impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.0
    }
}

/// The roles of one account: at most [`MAX_ROLES`], each once, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Role>")]
pub struct Roles(BTreeSet<Role>);

/// More roles than one account can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {MAX_ROLES} roles")]
pub struct TooManyRoles;

impl Roles {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether this role is one of them.
    #[must_use]
    pub fn contains(&self, role: &Role) -> bool {
        self.0.contains(role)
    }
    /// The union, if an account can have that many; otherwise only these.
    #[must_use]
    pub fn with(&self, those: &Self) -> Self {
        Self::try_from(&self.0 | &those.0).unwrap_or_else(|TooManyRoles| self.clone())
    }
    /// Each, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.0.iter()
    }
}
impl TryFrom<BTreeSet<Role>> for Roles {
    type Error = TooManyRoles;
    fn try_from(roles: BTreeSet<Role>) -> Result<Self, TooManyRoles> {
        if roles.len() <= MAX_ROLES { Ok(Self(roles)) } else { Err(TooManyRoles) }
    }
}
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Role::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountState;
    use crate::domain::account::AccountStatus;
    use crate::domain::change::Change;
    use crate::domain::sign_in::methods::password::tests::authentication;
    use crate::domain::time::Timestamp;

    fn role(name: &str) -> Role {
        name.parse().expect("a role")
    }

    #[test]
    fn a_role_name_is_short_and_has_no_separator() {
        for name in ["gold", "Admins", "shop:editor", "a.b_c-d", "x", &"x".repeat(20)] {
            assert_eq!(name.parse::<Role>().map(String::from), Ok(name.to_owned()));
        }
        for name in ["", " gold", "gold silver", "gold,silver", "Gäste", "a/b", "a\"b", &"x".repeat(21)] {
            assert_eq!(name.parse::<Role>(), Err(InvalidRole), "{name:?}");
        }
        assert!(serde_json::from_str::<Roles>(r#"["b","a"]"#).is_ok_and(|roles| roles.to_string() == "a, b"));
        assert!(serde_json::from_str::<Roles>(r#"["a b"]"#).is_err());
        assert!(serde_json::from_str::<Roles>(r#"["1","2","3","4","5","6","7","8","9"]"#).is_err());
    }

    #[test]
    fn roles_are_added_and_removed_and_an_unchanged_set_writes_nothing() {
        let plain = authentication();
        let decision = change_roles(&plain, &[role("gold"), role("editor")], &[]);
        let golden = decision.changes.only(Change::change_roles);
        assert_eq!(
            (golden.roles.to_string().as_str(), golden.version, golden.epoch),
            ("editor, gold", plain.version + 1, plain.epoch)
        );
        let again = change_roles(&golden, &[role("gold")], &[role("silver")]);
        assert!(again.changes.is_empty() && again.outcome == RolesChanged::Unchanged(golden.roles.clone()));
        let decision = change_roles(&golden, &[role("silver"), role("gold")], &[role("gold")]);
        assert!(matches!(decision.outcome, RolesChanged::Changed(roles) if roles.to_string() == "editor, silver"));
        let nine: Vec<Role> = (0..9).map(|number| role(&number.to_string())).collect();
        let decision = change_roles(&plain, &nine, &[]);
        assert!(decision.changes.is_empty() && decision.outcome == RolesChanged::TooMany);
        let erased = AccountState { status: AccountStatus::Erased { at: Timestamp::from_seconds(1) }, ..plain };
        let decision = change_roles(&erased, &nine[..1], &[]);
        assert!(decision.changes.is_empty() && decision.outcome == RolesChanged::Erased);
    }
}

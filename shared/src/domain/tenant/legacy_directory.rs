//! `[cognito]`: the legacy user pool, and how its users are imported.

use crate::domain::id::ClientId;
use crate::domain::roles::{Role, Roles};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The legacy user pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyDirectoryConfig {
    /// The pool.
    pub user_pool_id: UserPoolId,
    /// The app client that passwords are verified through: without a secret, with `ALLOW_ADMIN_USER_PASSWORD_AUTH`.
    pub client_id: String,
    /// The subject identifier of imported users.
    pub sub: SubPolicy,
    /// App clients of the pool with access tokens that are exchanged, each for tokens of the one client that replaces it (RFC
    /// 8693).
    pub exchange: BTreeMap<String, ClientId>,
    /// Groups of the pool, and the role of each. Other groups give no role.
    pub groups: BTreeMap<String, Role>,
    /// Fields of the form that have an attribute of another name: field, attribute.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl LegacyDirectoryConfig {
    /// The source attribute of a field: the one in the document, otherwise the standard attribute of its name, otherwise the
    /// custom one (`custom:{field}`).
    #[must_use]
    pub fn attribute_of(&self, field: &str) -> Cow<'_, str> {
        match self.attributes.get(field) {
            Some(attribute) => Cow::Borrowed(attribute),
            None if STANDARD.contains(&field) => Cow::Owned(field.to_owned()),
            None => Cow::Owned(format!("custom:{field}")),
        }
    }
    /// The roles for these groups.
    #[must_use]
    pub fn roles_of(&self, groups: &[String]) -> Roles {
        let roles: BTreeSet<Role> = groups.iter().filter_map(|group| self.groups.get(group)).cloned().collect();
        // The document has at most as many roles as an account can have.
        Roles::try_from(roles).unwrap_or_default()
    }
    /// Returns whether the pool made this attribute for itself. It is never mapped, and never reported as unmapped.
    #[must_use]
    pub fn is_internal(attribute: &str) -> bool {
        attribute.starts_with("cognito:")
    }
    /// The issuer identifier of the pool.
    #[must_use]
    pub fn issuer(&self) -> String {
        Self::issuer_of(&self.user_pool_id)
    }
    /// The issuer identifier of a pool.
    #[must_use]
    pub fn issuer_of(pool: &UserPoolId) -> String {
        format!("https://cognito-idp.{}.amazonaws.com/{pool}", pool.region())
    }
}

/// The id of a user pool: its region, `_`, and letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPoolId(String);

/// A text that is not the id of a user pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a user pool, such as \"eu-central-1_AbCdEfGhI\"")]
pub struct InvalidUserPoolId;

impl UserPoolId {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The region of the pool.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split('_').next().unwrap_or_default()
    }
}

impl fmt::Display for UserPoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserPoolId {
    type Err = InvalidUserPoolId;
    fn from_str(text: &str) -> Result<Self, InvalidUserPoolId> {
        let (region, name) = text.split_once('_').ok_or(InvalidUserPoolId)?;
        let is_region = region.split('-').count() >= 3
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !region.split('-').any(str::is_empty);
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_region || !is_name || text.len() > 55 {
            return Err(InvalidUserPoolId);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The subject identifier (`sub`) of an imported user. The pool's own identifier is recognized in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SubPolicy {
    /// A new one.
    #[default]
    Alias,
    /// The pool's own: for applications that identify users by it.
    Keep,
}

/// The standard attributes of a user pool (OpenID Connect Core §5.1).
pub(crate) const STANDARD: [&str; 17] = [
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];

/// Whether a pool may have an attribute of this name.
pub(crate) fn is_attribute(name: &str) -> bool {
    STANDARD.contains(&name) || name.strip_prefix("custom:").is_some_and(|name| !name.is_empty() && name.len() <= 20)
}

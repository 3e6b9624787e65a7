//! `[cognito]`: the user pool that people come from, and what comes with them.

use super::Field;
use super::reader::{Read, Table};
use crate::domain::id::ClientId;
use crate::domain::oauth::client::{Client, GrantType};
use crate::domain::roles::{InvalidRole, MAX_ROLES, Role, Roles};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The user pool that people come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CognitoConfig {
    /// Which.
    pub user_pool_id: UserPoolId,
    /// The app client that passwords are verified through: without a secret, with `ALLOW_ADMIN_USER_PASSWORD_AUTH`.
    pub client_id: String,
    /// Which subject identifier a person has here.
    pub sub: KeptSub,
    /// App clients of the pool whose access tokens are exchanged, each for tokens of the one client that takes its place (RFC 8693).
    pub exchange: BTreeMap<String, ClientId>,
    /// Groups of the pool and the role that each becomes; others become none.
    pub groups: BTreeMap<String, Role>,
    /// Fields of the form whose attribute has another name than theirs: field, attribute.
    attributes: BTreeMap<String, String>,
}

impl CognitoConfig {
    /// The attribute that a field of the form comes from: the one that the document names, else the standard attribute of its name,
    /// else the custom one (`custom:{field}`).
    #[must_use]
    pub fn attribute_of(&self, field: &str) -> Cow<'_, str> {
        match self.attributes.get(field) {
            Some(attribute) => Cow::Borrowed(attribute),
            None if STANDARD.contains(&field) => Cow::Owned(field.to_owned()),
            None => Cow::Owned(format!("custom:{field}")),
        }
    }
    /// The roles of somebody who is in these groups.
    #[must_use]
    pub fn roles_of(&self, groups: &[String]) -> Roles {
        let roles: BTreeSet<Role> = groups.iter().filter_map(|group| self.groups.get(group)).cloned().collect();
        // The document names no more than an account can have.
        Roles::try_from(roles).unwrap_or_default()
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

/// A text that is no id of a user pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a user pool, such as \"eu-central-1_AbCdEfGhI\"")]
pub struct InvalidUserPoolId;

impl UserPoolId {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The region that the pool is in.
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

/// Which subject identifier (`sub`) a person has here who comes from the pool. The pool's own is known as theirs in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeptSub {
    /// A new one.
    #[default]
    Alias,
    /// The pool's own: for applications that know people by it.
    Keep,
}

/// The standard attributes of a user pool (OpenID Connect Core §5.1).
pub(super) const STANDARD: [&str; 17] = [
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

pub(super) fn read(mut table: Table<'_, '_>, fields: &[Field], clients: &BTreeMap<ClientId, Client>) -> Option<CognitoConfig> {
    let user_pool_id = table.required_text("user_pool_id").and_then(|text| read_pool(&table, &text));
    let client_id = table.required_text("client_id").and_then(|text| read_client(&table, &text));
    let sub = table.word("sub", &[("alias", KeptSub::Alias), ("keep", KeptSub::Keep)], KeptSub::Alias);
    let mut attributes = BTreeMap::new();
    for (field, attribute) in table.named_texts("attributes") {
        if !fields.iter().any(|known| known.name == field) {
            table.report.refuse(&attribute.place, "registration has no field of this name");
        } else if !is_attribute(&attribute.value) {
            table.report.refuse(&attribute.place, "must be a standard attribute, or \"custom:…\"");
        } else {
            attributes.insert(field, attribute.value);
        }
    }
    let exchange = read_exchange(&mut table, clients);
    let groups = read_groups(&mut table);
    table.close();
    Some(CognitoConfig { user_pool_id: user_pool_id?, client_id: client_id?, sub, exchange, groups, attributes })
}

/// Whether a pool may have an attribute of this name.
pub(super) fn is_attribute(name: &str) -> bool {
    STANDARD.contains(&name) || name.strip_prefix("custom:").is_some_and(|name| !name.is_empty() && name.len() <= 20)
}

pub(super) fn read_pool(table: &Table<'_, '_>, text: &Read<String>) -> Option<UserPoolId> {
    text.value.parse().map_err(|error: InvalidUserPoolId| table.report.refuse(&text.place, error.to_string())).ok()
}

fn read_exchange(table: &mut Table<'_, '_>, clients: &BTreeMap<ClientId, Client>) -> BTreeMap<String, ClientId> {
    let mut exchange = BTreeMap::new();
    for (app_client, named) in table.named_texts("exchange") {
        let client = clients.values().find(|client| client.client_id.as_str() == named.value);
        match client {
            _ if !is_app_client(&app_client) => {
                table
                    .report
                    .refuse(&named.place, "the name must be the id of an app client of the pool, such as 1example23456789");
            }
            Some(client) if client.allows(GrantType::TokenExchange) => {
                exchange.insert(app_client, client.client_id.clone());
            }
            Some(_) => table.report.refuse(&named.place, "that client lacks the grant type token-exchange"),
            None => table.report.refuse(&named.place, "is not the client_id of a client of this document"),
        }
    }
    exchange
}

fn read_groups(table: &mut Table<'_, '_>) -> BTreeMap<String, Role> {
    let place = table.at("groups");
    let mut groups = BTreeMap::new();
    for (group, role) in table.named_texts("groups") {
        match role.value.parse() {
            Ok(role) => drop(groups.insert(group, role)),
            Err(error) => table.report.refuse(&role.place, InvalidRole::to_string(&error)),
        }
    }
    if groups.values().collect::<BTreeSet<_>>().len() > MAX_ROLES {
        table.report.refuse(&place, format!("at most {MAX_ROLES} roles, which is what one account can have"));
    }
    groups
}

fn is_app_client(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn read_client(table: &Table<'_, '_>, text: &Read<String>) -> Option<String> {
    let is_id = is_app_client(&text.value);
    if !is_id {
        table.report.refuse(&text.place, "must be the id of an app client, such as \"1example23456789\"");
    }
    is_id.then(|| text.value.clone())
}

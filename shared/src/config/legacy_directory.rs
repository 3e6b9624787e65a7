//! Reads `[cognito]`: the legacy user pool, and the attributes and groups that migrated users keep.

use super::reader::{Read, Table};
use crate::domain::id::ClientId;
use crate::domain::oauth::client::{Client, GrantType};
use crate::domain::roles::{InvalidRole, MAX_ROLES, Role};
use crate::domain::tenant::legacy_directory::{InvalidUserPoolId, UserPoolId, is_attribute};
use crate::domain::tenant::{Field, LegacyDirectoryConfig, SubPolicy};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn read(
    root: &mut Table<'_, '_>,
    fields: &[Field],
    clients: &BTreeMap<ClientId, Client>,
) -> Option<LegacyDirectoryConfig> {
    root.optional_table("cognito").and_then(|table| read_section(table, fields, clients))
}

fn read_section(
    mut table: Table<'_, '_>,
    fields: &[Field],
    clients: &BTreeMap<ClientId, Client>,
) -> Option<LegacyDirectoryConfig> {
    let user_pool_id = table.required_text("user_pool_id").and_then(|text| read_pool(&table, &text));
    let client_id = table.required_text("client_id").and_then(|text| read_client(&table, &text));
    let sub = table.word("sub", &[("alias", SubPolicy::Alias), ("keep", SubPolicy::Keep)], SubPolicy::Alias);
    let mut attributes = BTreeMap::new();
    for (field, attribute) in table.named_texts("attributes") {
        if !fields.iter().any(|known| known.name == field) {
            table.report.refuse(&attribute.place, "registration has no field of this name");
        } else if !is_attribute(&attribute.value) {
            table.report.refuse(&attribute.place, "must be a standard attribute of the pool, or \"custom:…\"");
        } else {
            attributes.insert(field, attribute.value);
        }
    }
    let exchange = read_exchange(&mut table, clients);
    let groups = read_groups(&mut table);
    table.close();
    Some(LegacyDirectoryConfig { user_pool_id: user_pool_id?, client_id: client_id?, sub, exchange, groups, attributes })
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
            Some(_) => table.report.refuse(&named.place, "this client lacks the grant type token-exchange"),
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
        table.report.refuse(&place, format!("at most {MAX_ROLES} roles, the limit of one account"));
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

#[cfg(test)]
mod tests;

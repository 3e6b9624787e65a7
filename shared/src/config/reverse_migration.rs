//! Reads `[reverse_migration]`: the user pool that receives users in a reverse migration, and the attributes that they keep.

use super::legacy_directory::read_pool;
use super::reader::Table;
use crate::domain::tenant::legacy_directory::is_attribute;
use crate::domain::tenant::{Field, OWN, ReverseMigrationConfig, Username};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn read(mut table: Table<'_, '_>, fields: &[Field]) -> Option<ReverseMigrationConfig> {
    let user_pool_id = table.required_text("user_pool_id").and_then(|text| read_pool(&table, &text));
    let usernames = [Username::Email, Username::Sub].map(|username| (username.as_str(), username));
    let username = table.word("username", &usernames, Username::Email);
    let sub = table.text("sub").and_then(|text| {
        let is_custom = text.value.starts_with("custom:") && is_attribute(&text.value);
        if !is_custom {
            table.report.refuse(&text.place, "must be a custom attribute of the pool, such as \"custom:former_sub\"");
        }
        is_custom.then_some(text.value)
    });
    let mut attributes: BTreeMap<String, String> = BTreeMap::new();
    let named = table.named_texts("attributes");
    let has_rule: BTreeSet<String> = named.iter().map(|(field, _)| field.clone()).collect();
    for (field, attribute) in named {
        // A field without a rule becomes the attribute of the same name.
        let is_of_another = |other: &Field| other.name == attribute.value && !has_rule.contains(&other.name);
        if !fields.iter().any(|known| known.name == field) {
            table.report.refuse(&attribute.place, "registration has no field of this name");
        } else if !is_attribute(&attribute.value) || OWN.contains(&attribute.value.as_str()) {
            table
                .report
                .refuse(&attribute.place, "must be a standard attribute other than email and updated_at, or \"custom:…\"");
        } else if attributes.values().any(|other| *other == attribute.value)
            || sub.as_ref() == Some(&attribute.value)
            || fields.iter().any(is_of_another)
        {
            table.report.refuse(&attribute.place, "another field, or sub, becomes this attribute, too");
        } else {
            attributes.insert(field, attribute.value);
        }
    }
    table.close();
    Some(ReverseMigrationConfig { user_pool_id: user_pool_id?, username, sub, attributes })
}

//! `[handover]`: the user pool that people go back to, and what goes with them.

use super::Field;
use super::UserPoolId;
use super::cognito::{STANDARD, is_attribute, read_pool};
use super::reader::Table;
use std::collections::{BTreeMap, BTreeSet};

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
    attributes: BTreeMap<String, String>,
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
const OWN: [&str; 2] = ["email", "updated_at"];

pub(super) fn read(mut table: Table<'_, '_>, fields: &[Field]) -> Option<HandoverConfig> {
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
        // A field without a rule becomes the attribute of its name.
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
            table.report.refuse(&attribute.place, "another value becomes this attribute");
        } else {
            attributes.insert(field, attribute.value);
        }
    }
    table.close();
    Some(HandoverConfig { user_pool_id: user_pool_id?, username, sub, attributes })
}

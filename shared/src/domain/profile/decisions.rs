//! Profile edits by the rules of the form.

use crate::domain::form;
use crate::domain::form::{FieldFlaw, Submission};
use crate::domain::profile::Claims;
use crate::domain::tenant::Field;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};
use std::fmt;

/// Claims that Latchkey sets itself. The user sees them and cannot edit them here; some can be changed in other ways
/// (security 108).
const READ_ONLY: [&str; 5] = ["sub", "email", "email_verified", "phone_number_verified", "updated_at"];

/// An edit of the profile by the user.
#[derive(Debug, Clone, Copy)]
pub enum Edit<'a> {
    /// A merge patch (RFC 7396): members that it does not name stay, and `null` removes.
    Patch(&'a Map<String, Value>),
    /// The whole form of a page.
    Form(&'a Map<String, Value>),
}

/// A flaw of one member of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditFlaw {
    /// The user cannot set it here.
    ReadOnly,
    /// A rule of the form is violated.
    Field(FieldFlaw),
}

impl EditFlaw {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Field(flaw) => flaw.code(),
        }
    }
}

impl fmt::Display for EditFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => f.write_str("This value cannot be set here."),
            Self::Field(flaw) => flaw.fmt(f),
        }
    }
}

/// The claims after an edit, by the rules of the current registration form. Claims that are not fields of the form stay
/// unchanged, whatever was sent.
///
/// # Errors
/// Every flaw with the name of its member: fields in the order of the form, the others last.
pub fn edit(fields: &[Field], claims: &Claims, edit: Edit<'_>, now: Timestamp) -> Result<Claims, Vec<(String, EditFlaw)>> {
    let is_field = |name: &str| fields.iter().any(|field| field.name == name);
    let (sent, submission) = match edit {
        Edit::Patch(patch) => (patch, Submission::Api),
        Edit::Form(form) => (form, Submission::Page),
    };
    let values = match edit {
        Edit::Patch(patch) => merge_patch(fields, claims, patch),
        Edit::Form(form) => form.iter().filter(|(name, _)| is_field(name)).map(|(n, v)| (n.clone(), v.clone())).collect(),
    };
    let validated = form::validate(fields, &values, submission, now);
    let mut flaws: Vec<(String, EditFlaw)> = Vec::new();
    if let Err(found) = &validated {
        flaws.extend(found.iter().map(|(name, flaw)| (name.clone(), EditFlaw::Field(flaw.clone()))));
    }
    for name in sent.keys().filter(|name| !is_field(name)) {
        let is_ours = READ_ONLY.contains(&name.as_str()) || claims.0.contains_key(name);
        flaws.push((name.clone(), if is_ours { EditFlaw::ReadOnly } else { EditFlaw::Field(FieldFlaw::Unknown) }));
    }
    match validated {
        Ok(Claims(fresh)) if flaws.is_empty() => Ok(replace_fields(claims, fresh, is_field)),
        Ok(_) | Err(_) => Err(flaws),
    }
}

/// The form's values with a patch applied. Stored values that the new values hide are removed, unless the patch names them.
fn merge_patch(fields: &[Field], claims: &Claims, patch: &Map<String, Value>) -> Map<String, Value> {
    let mut values = Map::new();
    for field in fields {
        let value = match patch.get(&field.name) {
            Some(sent) => Some(sent.clone()).filter(|sent| !sent.is_null()),
            None => claims.0.get(&field.name).filter(|_| form::is_shown(field, &values)).cloned(),
        };
        if let Some(value) = value {
            values.insert(field.name.clone(), value);
        }
    }
    values
}

fn replace_fields(claims: &Claims, fresh: Map<String, Value>, is_field: impl Fn(&str) -> bool) -> Claims {
    const NUMBER: &str = "phone_number";
    let mut next: Map<String, Value> =
        claims.0.iter().filter(|(name, _)| !is_field(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    if fresh.get(NUMBER) != claims.0.get(NUMBER) {
        // The old number was verified, the new one is not.
        next.remove("phone_number_verified");
    }
    next.extend(fresh);
    Claims(next)
}

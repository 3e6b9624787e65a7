//! The form of a tenant: one schema for the page, the API and the stored profile (security 108).
//!
//! 1. Only fields of the form are accepted. Any other member is refused by name.
//! 2. A field that another field hides is refused (API) or dropped (page: without JavaScript it can still be filled).
//! 3. Each value is converted to its single stored form, or refused with a hint.

mod schema;
mod submission;
mod value;

pub use submission::{FieldFlaw, Submission};
pub use value::longest_text;

use super::consent::AcceptedTerms;
use super::profile::Claims;
use super::tenant::{Field, FieldKind, RegistrationConfig, TermsDocument};
use super::time::Timestamp;
use serde_json::{Map, Value};
use std::fmt;

pub use schema::describe;

/// Validates submitted values against the fields and returns the claims to store.
///
/// # Errors
/// All flaws with the names of their fields, in the order of the form, unknown fields last.
pub fn validate(
    fields: &[Field],
    submitted: &Map<String, Value>,
    submission: Submission,
    now: Timestamp,
) -> Result<Claims, Vec<(String, FieldFlaw)>> {
    let mut claims = Map::new();
    let mut flaws = Vec::new();
    for field in fields {
        let given = submitted.get(&field.name).filter(|value| !is_blank(value));
        let shown = is_shown(field, &claims);
        match (given, shown) {
            (None, true) if field.required && !is_answered_by_absence(field, submission) => {
                flaws.push((field.name.clone(), FieldFlaw::Required));
            }
            (None, true) if is_answered_by_absence(field, submission) => {
                claims.insert(field.name.clone(), Value::Bool(false));
            }
            (Some(_), false) if submission == Submission::Api => flaws.push((field.name.clone(), FieldFlaw::NotApplicable)),
            (Some(value), true) => match value::canonical(field, value, submission, now) {
                Ok(value) => {
                    claims.insert(field.name.clone(), value);
                }
                Err(flaw) => flaws.push((field.name.clone(), flaw)),
            },
            (None, _) | (Some(_), false) => {}
        }
    }
    for name in submitted.keys().filter(|name| !fields.iter().any(|field| field.name == **name)) {
        flaws.push((name.clone(), FieldFlaw::Unknown));
    }
    if flaws.is_empty() { Ok(Claims(claims)) } else { Err(flaws) }
}

/// Imports a user's values from another system: each valid value is converted to its stored form. Missing fields stay empty, and
/// invalid values are reported. Neither prevents the import.
#[must_use]
pub fn take_over(fields: &[Field], submitted: &Map<String, Value>, now: Timestamp) -> (Claims, Vec<(String, FieldFlaw)>) {
    let mut claims = Map::new();
    let mut flaws = Vec::new();
    for field in fields {
        let Some(value) = submitted.get(&field.name).filter(|value| !is_blank(value)) else { continue };
        if !is_shown(field, &claims) {
            flaws.push((field.name.clone(), FieldFlaw::NotApplicable));
            continue;
        }
        match value::canonical(field, value, Submission::Page, now) {
            Ok(value) => {
                claims.insert(field.name.clone(), value);
            }
            Err(flaw) => flaws.push((field.name.clone(), flaw)),
        }
    }
    (Claims(claims), flaws)
}

/// An unticked box sends nothing. On a page this means no.
fn is_answered_by_absence(field: &Field, submission: Submission) -> bool {
    submission == Submission::Page && matches!(field.kind, FieldKind::Boolean)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => !value::is_visible(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a field is shown, given the claims of the fields before it.
pub(super) fn is_shown(field: &Field, claims: &Map<String, Value>) -> bool {
    field.show_when.as_ref().is_none_or(|condition| match claims.get(&condition.field) {
        Some(Value::String(value)) => *value == condition.equals,
        Some(Value::Bool(value)) => value.to_string() == condition.equals,
        None => condition.equals == "false",
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
    })
}

/// A flaw of the accepted terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermsFlaw {
    /// This document must be accepted.
    Missing(String),
    /// There is no such document (index into the submitted list).
    Unknown(usize),
    /// Another version is in force (index into the submitted list): show it and ask again.
    Superseded(usize),
}

impl TermsFlaw {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "terms_required",
            Self::Unknown(_) => "unknown",
            Self::Superseded(_) => "terms_superseded",
        }
    }
}

impl fmt::Display for TermsFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(document) => write!(f, "The document “{document}” must be accepted in its present version."),
            Self::Unknown(_) => f.write_str("There is no such document."),
            Self::Superseded(_) => f.write_str("Another version of this document is in force; show it and ask again."),
        }
    }
}

/// Records accepted terms: pairs of document and version, checked against the documents in force.
///
/// # Errors
/// All flaws.
pub fn accept_terms(
    config: &RegistrationConfig,
    accepted: &[(String, String)],
    now: Timestamp,
) -> Result<Vec<AcceptedTerms>, Vec<TermsFlaw>> {
    let mut flaws = Vec::new();
    let mut taken: Vec<AcceptedTerms> = Vec::new();
    for (index, (document, version)) in accepted.iter().enumerate() {
        match config.terms.iter().find(|terms| terms.document == *document) {
            None => flaws.push(TermsFlaw::Unknown(index)),
            Some(terms) if terms.version != *version => flaws.push(TermsFlaw::Superseded(index)),
            Some(_) if taken.iter().any(|terms| terms.document == *document) => {}
            Some(TermsDocument { document, version, .. }) => {
                taken.push(AcceptedTerms { document: document.clone(), version: version.clone(), accepted_at: now });
            }
        }
    }
    for terms in config.terms.iter().filter(|terms| terms.required) {
        if !accepted.iter().any(|(document, _)| *document == terms.document) {
            flaws.push(TermsFlaw::Missing(terms.document.clone()));
        }
    }
    if flaws.is_empty() { Ok(taken) } else { Err(flaws) }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;

//! Whether a field applies, and whether it is filled.

use super::submission::Submission;
use super::value;
use crate::domain::tenant::{Field, FieldKind};
use serde_json::{Map, Value};

/// An unticked box sends nothing. On a page this means no.
pub(super) fn is_answered_by_absence(field: &Field, submission: Submission) -> bool {
    submission == Submission::Page && matches!(field.kind, FieldKind::Boolean)
}

pub(super) fn is_blank(value: &Value) -> bool {
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

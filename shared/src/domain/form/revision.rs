//! A change of stored values: only what is sent is validated.
//!
//! 1. A field that the API does not name, or that is sent as it is stored, stays as it is, even if a later form would refuse it.
//! 2. A required field that was missing before may stay missing: it is asked for at a sign-in. A change can neither empty a required field nor
//!    make another one apply without its value.
//! 3. A stored value that the new values hide is removed.

use super::applicable::{is_answered_by_absence, is_blank, is_shown};
use super::submission::{FieldFlaw, Submission};
use super::value;
use crate::domain::tenant::{Field, FieldKind};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

/// The values of the form after a change of the stored ones. `null` and an empty text remove a value.
///
/// # Errors
/// The flaws of what was sent, with the names of their fields, in the order of the form. Unknown members are the caller's.
pub fn revise(
    fields: &[Field],
    stored: &Map<String, Value>,
    sent: &Map<String, Value>,
    submission: Submission,
    now: Timestamp,
) -> Result<Map<String, Value>, Vec<(String, FieldFlaw)>> {
    let mut next = Map::new();
    let mut flaws = Vec::new();
    for field in fields {
        let change = Change { field, stored: stored.get(&field.name), sent: sent.get(&field.name), submission };
        match change.value(is_shown(field, stored), is_shown(field, &next), now) {
            Ok(Some(value)) => {
                next.insert(field.name.clone(), value);
            }
            Ok(None) => {}
            Err(flaw) => {
                flaws.push((field.name.clone(), flaw));
                // The fields after it are shown as its user meant.
                next.extend(change.sent.map(|sent| (field.name.clone(), sent.clone())));
            }
        }
    }
    if flaws.is_empty() { Ok(next) } else { Err(flaws) }
}

/// The values after missing fields were filled in on a page. A field that the values before it hide is not asked for, and its stored value is
/// removed. Nothing else changes.
///
/// # Errors
/// The flaws, with the names of their fields.
pub fn fill(
    fields: &[Field],
    missing: &[&Field],
    stored: &Map<String, Value>,
    sent: &Map<String, Value>,
    now: Timestamp,
) -> Result<Map<String, Value>, Vec<(String, FieldFlaw)>> {
    let mut next = stored.clone();
    let mut flaws = Vec::new();
    for field in fields {
        if !is_shown(field, &next) {
            next.remove(&field.name);
            continue;
        }
        if !missing.iter().any(|missing| missing.name == field.name) {
            continue;
        }
        let value = match sent.get(&field.name).filter(|sent| !is_blank(sent)) {
            Some(sent) => value::canonical(field, sent, Submission::Page, now),
            None if is_answered_by_absence(field, Submission::Page) => Ok(Value::Bool(false)),
            None => Err(FieldFlaw::Required),
        };
        match value {
            Ok(value) => {
                next.insert(field.name.clone(), value);
            }
            Err(flaw) => flaws.push((field.name.clone(), flaw)),
        }
    }
    if flaws.is_empty() { Ok(next) } else { Err(flaws) }
}

/// Whether a stored value satisfies the present rules of its field.
pub(super) fn is_valid(field: &Field, stored: Option<&Value>, now: Timestamp) -> bool {
    stored.filter(|value| !is_blank(value)).is_some_and(|stored| value::canonical(field, stored, Submission::Api, now).is_ok())
}

struct Change<'a> {
    field: &'a Field,
    stored: Option<&'a Value>,
    sent: Option<&'a Value>,
    submission: Submission,
}

impl Change<'_> {
    fn value(&self, was_shown: bool, shown: bool, now: Timestamp) -> Result<Option<Value>, FieldFlaw> {
        let filled = self.sent.filter(|sent| !is_blank(sent));
        match (filled, shown) {
            (Some(_), false) if self.submission == Submission::Api => Err(FieldFlaw::NotApplicable),
            (_, false) => Ok(None),
            (Some(sent), true) if self.is_stored(sent) => Ok(self.stored.cloned()),
            (Some(sent), true) => value::canonical(self.field, sent, self.submission, now).map(Some),
            (None, true) if is_answered_by_absence(self.field, self.submission) => Ok(Some(Value::Bool(false))),
            (None, true) if self.is_unnamed() && (self.stored.is_some() || was_shown) => Ok(self.stored.cloned()),
            (None, true) if !self.field.required => Ok(None),
            // A page cannot show a value that is no longer valid, such as a retired choice.
            (None, true) if self.submission == Submission::Page && was_shown && !is_valid(self.field, self.stored, now) => {
                Ok(self.stored.cloned())
            }
            (None, true) => Err(FieldFlaw::Required),
        }
    }

    /// Whether the submission says nothing about the field. A page says something about each: an empty input does not arrive.
    fn is_unnamed(&self) -> bool {
        self.submission == Submission::Api && self.sent.is_none()
    }

    /// Whether the sent value is the stored one, as this submission writes it.
    fn is_stored(&self, sent: &Value) -> bool {
        self.stored.is_some_and(|stored| match (stored, sent, self.submission) {
            (Value::Bool(stored), Value::String(sent), Submission::Page) => {
                matches!(self.field.kind, FieldKind::Boolean) && stored.to_string() == *sent
            }
            (_, _, _) => stored == sent,
        })
    }
}

//! People who go back to a user pool, each with their password at their next sign-in there (the pool's user migration trigger).
//!
//! 1. The pool does not know whoever signs in, and asks us. A guess by that way is a guess: the same windows count it, with the device
//!    unknown, and a right password is written before it is told, so that parallel guesses evaluate no more of them.
//! 2. Who has it right, of an account in use, is told as attributes. Nothing of them is changed here: they are in both places until the
//!    stack is gone.
//! 3. Who forgot their password there is told by their address alone; the pool then has them prove it.

use super::account::Authentication;
use super::authentication::{PasswordVerdict, Subject, count_failure, count_unknown};
use super::change::{Change, Decision};
use super::failure_window::FailureWindow;
use super::id::Sub;
use super::identifier::EmailAddress;
use super::profile::Claims;
use super::tenant::{Field, HandoverConfig, Username};
use super::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What comes of a password that the pool passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOver {
    /// It is right, and the account is in use.
    Right,
    /// It is wrong, or nobody's, or of an account that is closed, or whose password is not here.
    Refused,
    /// Nothing was evaluated.
    Blocked,
}

/// Decides on a password that the pool passes on.
pub fn hand_over(subject: Subject<'_>, verdict: &PasswordVerdict, now: Timestamp) -> Decision<HandedOver> {
    if subject.blocked_for(now).is_some() {
        return Decision::unchanged(HandedOver::Blocked);
    }
    match (subject, verdict) {
        (
            Subject::Known { authentication, password: Some(_), .. },
            PasswordVerdict::Right | PasswordVerdict::RightRehashed(_),
        ) if authentication.is_active() => Decision::one(Change::record_sign_in(reset(authentication)), HandedOver::Right),
        (Subject::Known { authentication, device, .. }, _) => {
            Decision::one(Change::count_failed_sign_in(count_failure(authentication, device, now)), HandedOver::Refused)
        }
        (Subject::Unknown { identifier, failures }, _) => {
            Decision::one(Change::count_unknown_sign_in(count_unknown(identifier, failures, now)), HandedOver::Refused)
        }
    }
}

fn reset(authentication: &Authentication) -> Authentication {
    Authentication { failures: FailureWindow::default(), version: authentication.version + 1, ..authentication.clone() }
}

/// A person as attributes of the pool: their proven address, what the form knows, and the `sub` where the pool keeps it. Their
/// `username` where it is not the address: of a pool whose usernames are addresses it would have to be what was typed.
#[must_use]
pub fn attributes(
    config: &HandoverConfig,
    fields: &[Field],
    email: &EmailAddress,
    sub: Sub,
    claims: &Claims,
) -> BTreeMap<String, String> {
    let mut attributes =
        BTreeMap::from([("email".to_owned(), email.as_str().to_owned()), ("email_verified".to_owned(), "true".to_owned())]);
    for field in fields {
        if let (Some(attribute), Some(value)) = (config.attribute_of(&field.name), claims.0.get(&field.name).and_then(text)) {
            attributes.insert(attribute.to_owned(), value);
        }
    }
    if let Some(attribute) = &config.sub {
        attributes.insert(attribute.clone(), sub.to_string());
    }
    if config.username == Username::Sub {
        attributes.insert("username".to_owned(), sub.to_string());
    }
    attributes
}

/// A value as the pool keeps it: a text. What has no such form stays.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;

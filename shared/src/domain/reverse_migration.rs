//! Reverse migration: users return to a user pool, each with their password at their next sign-in there (the pool's user
//! migration trigger).
//!
//! 1. The pool does not know the user, and calls the trigger. A guess on this path is a guess: the same windows count it, as from
//!    an unknown device. A right password is written before it is answered, so parallel guesses get no more evaluations.
//! 2. For the right password of an active account the answer contains the user's attributes. The account is not changed here: it
//!    exists in both places until the stack is removed.
//! 3. A user with two factors stays here: the pool would ask for one. So does a user who needs a second factor by the tenant document. The right
//!    password of such an account resets no window, and is answered like a wrong one.
//! 4. For a forgotten password the answer needs the address alone. The pool then verifies the address.

use super::account::AccountState;
use super::change::{Change, Decision};
use super::failure_window::FailureWindow;
use super::id::Sub;
use super::identifier::EmailAddress;
use super::profile::Claims;
use super::sign_in::assurance::Acr;
use super::sign_in::methods::password::{PasswordVerdict, Subject};
use super::sign_in::policy::is_enough_for_applications;
use super::sign_in::throttle::{count_failure, count_unknown};
use super::tenant::{Field, ReverseMigrationConfig, SecondFactorPolicy, Username};
use super::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// The outcome of a password that the pool passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReverseMigrationOutcome {
    /// It is right, and the account is active.
    Right,
    /// It is wrong, or the account is unknown, closed, or has no password here.
    Refused,
    /// Nothing was evaluated.
    Blocked,
}

/// Decides on a password that the pool passes on.
pub fn check_forwarded_password(
    subject: Subject<'_>,
    verdict: &PasswordVerdict,
    second_factor: SecondFactorPolicy,
    now: Timestamp,
) -> Decision<ReverseMigrationOutcome> {
    if subject.blocked_for(now).is_some() {
        return Decision::unchanged(ReverseMigrationOutcome::Blocked);
    }
    match (subject, verdict) {
        (
            Subject::Known { authentication, password: Some(_), .. },
            PasswordVerdict::Right | PasswordVerdict::RightRehashed(_),
        ) if authentication.is_active() && !opens_by_password(authentication, second_factor, now) => {
            let state = AccountState { version: authentication.version + 1, ..authentication.clone() };
            Decision::one(Change::record_first_step(state), ReverseMigrationOutcome::Refused)
        }
        (
            Subject::Known { authentication, password: Some(_), .. },
            PasswordVerdict::Right | PasswordVerdict::RightRehashed(_),
        ) if authentication.is_active() => {
            Decision::one(Change::record_sign_in(reset_window(authentication)), ReverseMigrationOutcome::Right)
        }
        (Subject::Known { authentication, device, .. }, _) => Decision::one(
            Change::count_failed_sign_in(count_failure(authentication, device, now)),
            ReverseMigrationOutcome::Refused,
        ),
        (Subject::Unknown { identifier, failures }, _) => Decision::one(
            Change::count_unknown_sign_in(count_unknown(identifier, failures, now)),
            ReverseMigrationOutcome::Refused,
        ),
    }
}

/// Whether the password alone is enough to give the account to a pool: it is not protected, and the tenant document does not require a second
/// factor by now.
#[must_use]
pub fn opens_by_password(account: &AccountState, second_factor: SecondFactorPolicy, now: Timestamp) -> bool {
    !account.protected && is_enough_for_applications(second_factor, account, Acr::Aal1, now)
}

fn reset_window(authentication: &AccountState) -> AccountState {
    AccountState { failures: FailureWindow::default(), version: authentication.version + 1, ..authentication.clone() }
}

/// The attributes of a user for the pool: the proven address, the claims of the form, and the `sub` if the pool stores it. The
/// `username` is set if it is not the address: in a pool with addresses as usernames it would have to equal the typed one.
#[must_use]
pub fn attributes(
    config: &ReverseMigrationConfig,
    fields: &[Field],
    email: &EmailAddress,
    sub: Sub,
    claims: &Claims,
) -> BTreeMap<String, String> {
    let mut attributes =
        BTreeMap::from([("email".to_owned(), email.as_str().to_owned()), ("email_verified".to_owned(), "true".to_owned())]);
    for field in fields {
        if let (Some(attribute), Some(value)) =
            (config.attribute_of(&field.name), claims.0.get(&field.name).and_then(attribute_text))
        {
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

/// A value in the pool's form: a text. A value without such a form is omitted.
fn attribute_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;

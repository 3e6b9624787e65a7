//! Compares the registration form, which is also the form of the profile.

use super::effects::{Plan, list, reads_differently, sides};
use super::terms;
use crate::domain::tenant::{Field, FieldKind, Pattern, RegistrationConfig, RegistrationPassword};

pub(super) fn compare(plan: &mut Plan, now: &RegistrationConfig, then: &RegistrationConfig) {
    match (now.enabled, then.enabled) {
        (true, false) => {
            plan.danger("registration.enabled", "no accounts can be created any more; existing users sign in as before")
        }
        (false, true) => plan.danger("registration.enabled", "any visitor can create an account"),
        (true, true) | (false, false) => {}
    }
    match (now.password, then.password) {
        (was, is) if was == is => {}
        (_, RegistrationPassword::Required) => plan.notice("registration.password", "each new user chooses a password"),
        (_, RegistrationPassword::Optional) => {
            plan.danger(
                "registration.password",
                "new users need no password: those without one sign in with a passkey or a mailed code",
            );
        }
        (_, RegistrationPassword::None) => {
            plan.danger(
                "registration.password",
                "new users get no password: they sign in with a passkey or a mailed code; existing passwords stay",
            );
        }
    }
    fields(plan, &now.fields, &then.fields);
    terms::compare(plan, &now.terms, &then.terms);
}

fn fields(plan: &mut Plan, now: &[Field], then: &[Field]) {
    let names = |fields: &'_ [Field]| -> Vec<String> { fields.iter().map(|field| field.name.clone()).collect() };
    let (was, is) = (names(now), names(then));
    let (was, is): (Vec<&str>, Vec<&str>) = (was.iter().map(String::as_str).collect(), is.iter().map(String::as_str).collect());
    let (kept, gone, added) = sides(&was, &is);
    plan.count("field", kept.len(), added.len(), gone.len(), "retired");
    for name in gone {
        let words = "retired: stored values remain stored and in exports; no form shows the field, and users cannot change it";
        plan.danger(&path(name), words);
    }
    for field in then.iter().filter(|field| added.contains(&field.name.as_str())) {
        if field.required {
            let words = "added, and required: a registration without it is refused; existing users are asked for it at their next \
                         sign-in";
            plan.danger(&path(&field.name), words);
        } else {
            plan.notice(&path(&field.name), "added: may be left empty");
        }
    }
    for was in now {
        if let Some(is) = then.iter().find(|field| field.name == was.name) {
            field(plan, was, is);
        }
    }
    let order: Vec<&str> = is.iter().filter(|name| kept.contains(name)).copied().collect();
    if order != kept {
        plan.notice("registration.fields", format!("in another order: {}", list(&is)));
    }
}

fn path(name: &str) -> String {
    format!("registration.fields.{name}")
}

/// The effect of a stricter rule on users with a stored value.
const STORED_VALUE: &str = "a stored value remains, and must be valid when its user next changes it";

fn field(plan: &mut Plan, was: &Field, is: &Field) {
    let path = path(&was.name);
    match (was.required, is.required) {
        (false, true) => {
            plan.danger(&path, "required now: users who left it empty are asked for it at their next sign-in");
        }
        (true, false) => plan.notice(&path, "may be left empty now"),
        (true, true) | (false, false) => {}
    }
    kind(plan, &path, &was.kind, &is.kind);
    if was.show_when != is.show_when && is.required {
        plan.danger(
            &path,
            "is shown under another condition, and required if shown: users who left it empty are asked for it at their next sign-in",
        );
    } else if was.show_when != is.show_when {
        plan.notice(&path, "is shown under another condition; if it is not shown, no value is accepted");
    }
    if reads_differently(&was.label, &is.label) || reads_differently(&was.help, &is.help) {
        plan.notice(&path, "has another label or help");
    }
    if was.autocomplete != is.autocomplete {
        plan.notice(&path, "has another autofill hint for browsers");
    }
}

fn kind(plan: &mut Plan, path: &str, was: &FieldKind, is: &FieldKind) {
    match (was, is) {
        (FieldKind::Text { max_length: was, pattern: old }, FieldKind::Text { max_length: is, pattern: new }) => {
            if is < was {
                plan.danger(path, format!("accepts {is} characters instead of {was}: {STORED_VALUE}"));
            } else if is > was {
                plan.notice(path, format!("accepts {is} characters instead of {was}"));
            }
            let source = |pattern: &'_ Option<Pattern>| pattern.as_ref().map(|pattern| pattern.source.clone());
            match (source(old), source(new)) {
                (_, Some(new)) if source(old).as_ref() != Some(&new) => {
                    plan.danger(path, format!("must match another pattern: {STORED_VALUE}"));
                }
                (Some(_), None) => plan.notice(path, "no longer has to match a pattern"),
                (_, _) => {}
            }
            let message = |pattern: &'_ Option<Pattern>| pattern.as_ref().map(|pattern| pattern.message.clone());
            if source(old) == source(new) && message(old) != message(new) {
                plan.notice(path, "has another error message for an invalid value");
            }
        }
        (FieldKind::Choice(was), FieldKind::Choice(is)) => {
            let gone: Vec<&str> = was
                .iter()
                .filter(|(value, _)| !is.iter().any(|(known, _)| known == value))
                .map(|(value, _)| value.as_str())
                .collect();
            let added: Vec<&str> = is
                .iter()
                .filter(|(value, _)| !was.iter().any(|(known, _)| known == value))
                .map(|(value, _)| value.as_str())
                .collect();
            if !gone.is_empty() {
                plan.danger(path, format!("can no longer be {}: {STORED_VALUE}", list(&gone)));
            }
            if !added.is_empty() {
                plan.notice(path, format!("can be {} too", list(&added)));
            }
            if gone.is_empty() && added.is_empty() && was != is {
                plan.notice(path, "has its choices in another order, or under other names");
            }
        }
        (FieldKind::Date, FieldKind::Date)
        | (FieldKind::Phone, FieldKind::Phone)
        | (FieldKind::Boolean, FieldKind::Boolean) => {}
        (
            FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone | FieldKind::Boolean | FieldKind::Choice(_),
            FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone | FieldKind::Boolean | FieldKind::Choice(_),
        ) => plan.danger(path, format!("has another type: {STORED_VALUE}")),
    }
}

//! The fields of a tenant's form on pages. Registration and profile use the same schema.

use crate::domain::credential::{Advice, PasswordFlaw};
use crate::domain::form::{self, FieldFlaw};
use crate::domain::tenant::{Field, FieldKind, TenantConfig};
use crate::domain::time::Timestamp;
use crate::locale::{self, FluentValue};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One input.
#[derive(Serialize)]
pub struct Input {
    name: String,
    kind: &'static str,
    label: String,
    help: String,
    required: bool,
    /// Whether the browser refuses to send the form without it.
    demanded: bool,
    autocomplete: String,
    max_length: Option<usize>,
    options: Vec<Choice>,
    value: String,
    /// JSON for the script: the field and the value that it must have.
    show_when: String,
    /// The same in words, for browsers without scripts.
    only_when: String,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

/// The inputs of the form, with the typed or stored values.
#[must_use]
pub fn inputs(config: &TenantConfig, locale: &str, values: &Map<String, Value>) -> Vec<Input> {
    config.registration.fields.iter().map(|field| input(config, field, locale, values)).collect()
}

/// The inputs of these fields alone. They apply already, so they have no condition, unless it is about another one of them.
#[must_use]
pub fn inputs_of(config: &TenantConfig, fields: &[&Field], locale: &str, values: &Map<String, Value>) -> Vec<Input> {
    let is_shown_with = |name: &str| fields.iter().any(|other| other.name == name);
    let unconditional = |field: &&Field| {
        let show_when = field.show_when.clone().filter(|condition| is_shown_with(&condition.field));
        Field { show_when, ..(*field).clone() }
    };
    fields.iter().map(|field| input(config, &unconditional(field), locale, values)).collect()
}

/// As [`inputs`], for values that are stored. The browser does not demand a required field that is missing or no longer valid: it must not
/// prevent another change. `missing` names it in words.
#[must_use]
pub fn stored_inputs(
    config: &TenantConfig,
    locale: &str,
    stored: &Map<String, Value>,
    values: &Map<String, Value>,
    now: Timestamp,
) -> Vec<Input> {
    let missing = form::unsatisfied(&config.registration.fields, stored, now);
    let mut inputs = inputs(config, locale, values);
    for input in inputs.iter_mut().filter(|input| missing.iter().any(|field| field.name == input.name)) {
        input.demanded = false;
        let words = locale::message(locale, "field-missing", []);
        input.help = if input.help.is_empty() { words } else { format!("{words} {}", input.help) };
    }
    inputs
}

/// The condition of a field in words: the other field and its value, by their labels.
fn only_when(config: &TenantConfig, field: &Field, locale: &str) -> Option<String> {
    let condition = field.show_when.as_ref()?;
    let other = config.registration.fields.iter().find(|other| other.name == condition.field)?;
    let value = match &other.kind {
        FieldKind::Choice(options) => options.iter().find(|(value, _)| *value == condition.equals)?.1.get(locale).to_owned(),
        FieldKind::Boolean => locale::message(locale, if condition.equals == "true" { "answer-yes" } else { "answer-no" }, []),
        FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone => condition.equals.clone(),
    };
    let label = other.label.get(locale).to_owned();
    let arguments = [("label", FluentValue::from(label)), ("value", FluentValue::from(value))];
    Some(locale::message(locale, "register-only-when", arguments))
}

fn input(config: &TenantConfig, field: &Field, locale: &str, values: &Map<String, Value>) -> Input {
    let value = values.get(&field.name).map(text).unwrap_or_default();
    let (kind, max_length, default_autocomplete) = match &field.kind {
        // A date without a year, or a year alone: the browser's own input would lose it.
        FieldKind::Date if !value.is_empty() && (value.len() != 10 || value.starts_with("0000")) => ("text", Some(10), "bday"),
        // The browser counts UTF-16 units. The limit itself counts what a user sees as one character, and is checked here only.
        FieldKind::Text { max_length, .. } => ("text", Some(crate::domain::form::longest_text(*max_length)), ""),
        FieldKind::Date => ("date", None, if field.name == "birthdate" { "bday" } else { "" }),
        FieldKind::Phone => ("tel", Some(40), "tel"),
        FieldKind::Boolean => ("checkbox", None, ""),
        FieldKind::Choice(_) => ("select", None, ""),
    };
    let options = match &field.kind {
        FieldKind::Choice(options) => {
            options.iter().map(|(value, label)| Choice { value: value.clone(), label: label.get(locale).to_owned() }).collect()
        }
        FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone | FieldKind::Boolean => Vec::new(),
    };
    Input {
        kind,
        label: field.label.get(locale).to_owned(),
        help: field.help.get(locale).to_owned(),
        required: field.required,
        demanded: field.required && field.show_when.is_none(),
        autocomplete: field.autocomplete.clone().unwrap_or_else(|| default_autocomplete.to_owned()),
        max_length,
        options,
        value,
        show_when: field
            .show_when
            .as_ref()
            .map_or_else(String::new, |condition| json!({ "field": condition.field, "equals": condition.equals }).to_string()),
        only_when: only_when(config, field, locale).unwrap_or_default(),
        name: field.name.clone(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(answer) => answer.to_string(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// The fault of a field, in words.
#[must_use]
pub fn field_flaw(config: &TenantConfig, locale: &str, name: &str, flaw: &FieldFlaw) -> String {
    let field = config.registration.fields.iter().find(|field| field.name == name);
    if let (FieldFlaw::Pattern, Some(FieldKind::Text { pattern: Some(pattern), .. })) = (flaw, field.map(|field| &field.kind)) {
        let own = pattern.message.get(locale);
        if !own.is_empty() {
            return own.to_owned();
        }
    }
    let max = match flaw {
        FieldFlaw::TooLong { max } => i64::try_from(*max).unwrap_or_default(),
        FieldFlaw::Required
        | FieldFlaw::Unknown
        | FieldFlaw::NotApplicable
        | FieldFlaw::WrongType { .. }
        | FieldFlaw::ForbiddenCharacter
        | FieldFlaw::Pattern
        | FieldFlaw::Date
        | FieldFlaw::Phone
        | FieldFlaw::Option => 0,
    };
    let label = field.map_or("", |field| field.label.get(locale)).to_owned();
    let arguments = [("max", FluentValue::from(max)), ("label", FluentValue::from(label))];
    locale::message(locale, &format!("field-flaw-{}", flaw.code()), arguments)
}

/// The fault of a chosen password, in words.
#[must_use]
pub fn password_flaw(locale: &str, flaw: &PasswordFlaw) -> String {
    let min = match flaw {
        PasswordFlaw::TooShort { min } => i64::try_from(*min).unwrap_or_default(),
        PasswordFlaw::TooLong | PasswordFlaw::TooCommon | PasswordFlaw::TooWeak(_) => 0,
    };
    let words = locale::message(locale, &format!("password-flaw-{}", flaw.code()), [("min", FluentValue::from(min))]);
    // Without an advice of its own, the general one: each message says what to do.
    let advice = flaw.advice().or_else(|| matches!(flaw, PasswordFlaw::TooWeak(None)).then_some(Advice::AddWords));
    match advice {
        Some(advice) => format!("{words} {}", locale::message(locale, &format!("password-advice-{}", advice.code()), [])),
        None => words,
    }
}

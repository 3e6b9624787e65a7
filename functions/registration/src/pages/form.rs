//! The form as the page shows it: fields with their words and values, and what is wrong with them.

use super::{message, message_with};
use latchkey::config::{Field, FieldKind, TenantConfig, TermsDocument};
use latchkey::domain::form::{FieldFlaw, TermsFlaw};
use latchkey::domain::identifier::InvalidEmail;
use latchkey::domain::registration::{Application, ApplicationFlaw};
use latchkey::locale::{self, FluentValue};
use latchkey::web::params::{Params, ParamsError};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The input of a document to accept is named by this and the document; no field name has a dot.
const TERMS_PREFIX: &str = "terms.";

/// One input.
#[derive(Serialize)]
pub(super) struct Input {
    name: String,
    kind: &'static str,
    label: String,
    help: String,
    required: bool,
    autocomplete: String,
    max_length: Option<usize>,
    options: Vec<Choice>,
    value: String,
    /// JSON for the script: which field must have which value.
    show_when: String,
    /// The same in words, for whoever has no script.
    only_when: String,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

/// One document to accept.
#[derive(Serialize)]
pub(super) struct Terms {
    name: String,
    version: String,
    title: String,
    url: String,
    required: bool,
    accepted: bool,
}

/// The inputs of the form with what was typed so far.
pub(super) fn inputs(config: &TenantConfig, locale: &str, typed: &Map<String, Value>) -> Vec<Input> {
    config.registration.fields.iter().map(|field| input(config, field, locale, typed)).collect()
}

/// The condition of a field in words: the other field and its value, by their labels.
fn only_when(config: &TenantConfig, field: &Field, locale: &str) -> Option<String> {
    let condition = field.show_when.as_ref()?;
    let other = config.registration.fields.iter().find(|other| other.name == condition.field)?;
    let value = match &other.kind {
        FieldKind::Choice(options) => options.iter().find(|(value, _)| *value == condition.equals)?.1.get(locale).to_owned(),
        FieldKind::Boolean => message(locale, if condition.equals == "true" { "answer-yes" } else { "answer-no" }),
        FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone => condition.equals.clone(),
    };
    let label = other.label.get(locale).to_owned();
    let arguments = [("label", FluentValue::from(label)), ("value", FluentValue::from(value))];
    Some(locale::message(locale, "register-only-when", arguments))
}

fn input(config: &TenantConfig, field: &Field, locale: &str, typed: &Map<String, Value>) -> Input {
    let (kind, max_length, default_autocomplete) = match &field.kind {
        FieldKind::Text { max_length, .. } => ("text", Some(*max_length), ""),
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
        autocomplete: field.autocomplete.clone().unwrap_or_else(|| default_autocomplete.to_owned()),
        max_length,
        options,
        value: typed.get(&field.name).and_then(Value::as_str).unwrap_or_default().to_owned(),
        show_when: field
            .show_when
            .as_ref()
            .map_or_else(String::new, |condition| json!({ "field": condition.field, "equals": condition.equals }).to_string()),
        only_when: only_when(config, field, locale).unwrap_or_default(),
        name: field.name.clone(),
    }
}

/// The documents to accept.
pub(super) fn terms(config: &TenantConfig, locale: &str, accepted: &[(String, String)]) -> Vec<Terms> {
    let entry = |terms: &TermsDocument| Terms {
        name: format!("{TERMS_PREFIX}{}", terms.document),
        version: terms.version.clone(),
        title: terms.title.get(locale).to_owned(),
        url: terms.url.clone(),
        required: terms.required,
        accepted: accepted.contains(&(terms.document.clone(), terms.version.clone())),
    };
    config.registration.terms.iter().map(entry).collect()
}

/// What a posted form says. Whatever is not ours goes with the fields, where the unknown is refused (security 108).
pub(super) fn read(params: &Params, anti_forgery: &str) -> Result<Application, ParamsError> {
    params.none_repeated_except(&[])?;
    let one = |name: &str| params.one(name).map(|value| value.unwrap_or_default().to_owned());
    let mut profile = Map::new();
    let mut terms = Vec::new();
    for (name, value) in params.iter() {
        if let Some(document) = name.strip_prefix(TERMS_PREFIX) {
            terms.push((document.to_owned(), value.to_owned()));
        } else if !matches!(name, "identifier" | "password") && name != anti_forgery {
            profile.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    }
    Ok(Application { email: one("identifier")?, password: one("password")?.into(), profile, terms })
}

/// What is wrong, in words, with the name of its input, in the order of the form.
pub(super) fn errors(config: &TenantConfig, locale: &str, flaws: &[ApplicationFlaw]) -> Vec<(String, String)> {
    flaws.iter().map(|flaw| error(config, locale, flaw)).collect()
}

fn error(config: &TenantConfig, locale: &str, flaw: &ApplicationFlaw) -> (String, String) {
    match flaw {
        ApplicationFlaw::Email(flaw) => {
            let id = match flaw {
                InvalidEmail::Empty => "register-email-required",
                InvalidEmail::TooLong
                | InvalidEmail::ForbiddenCharacter
                | InvalidEmail::NotOneAt
                | InvalidEmail::LocalPart
                | InvalidEmail::Domain => "register-email-invalid",
            };
            ("identifier".to_owned(), message(locale, id))
        }
        ApplicationFlaw::Password(flaw) => {
            let min = config.password.min_length;
            let mut words = message_with(locale, &format!("password-flaw-{}", flaw.code()), "min", min);
            if let Some(advice) = flaw.advice() {
                words = format!("{words} {}", message(locale, &format!("password-advice-{}", advice.code())));
            }
            ("password".to_owned(), words)
        }
        ApplicationFlaw::Field(name, flaw) => (name.clone(), field_error(config, locale, name, flaw)),
        ApplicationFlaw::Terms(TermsFlaw::Missing(document)) => {
            (format!("{TERMS_PREFIX}{document}"), message(locale, "register-terms-required"))
        }
        ApplicationFlaw::Terms(TermsFlaw::Unknown(_) | TermsFlaw::Superseded(_)) => {
            let first = config.registration.terms.first().map_or("", |terms| terms.document.as_str());
            (format!("{TERMS_PREFIX}{first}"), message(locale, "register-terms-superseded"))
        }
    }
}

fn field_error(config: &TenantConfig, locale: &str, name: &str, flaw: &FieldFlaw) -> String {
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

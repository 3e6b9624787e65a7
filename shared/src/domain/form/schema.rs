//! The form for the API: JSON Schema of the fields, their order, labels by locale, terms, password rules.

use super::longest_text;
use crate::domain::credential::{MAX_PASSWORD_CHARACTERS, RECOMMENDED_PASSWORD_CHARACTERS};
use crate::domain::tenant::{Field, FieldKind, Localized, RegistrationConfig, RegistrationPassword, TenantConfig};
use serde_json::{Map, Value, json};

/// The form of a tenant: `schema` (JSON Schema 2020-12 of `profile`), `order`, `labels` by locale, `terms`, `password`, `locales`.
#[must_use]
pub fn describe(config: &TenantConfig) -> Value {
    let registration = &config.registration;
    let labels: Map<String, Value> =
        config.locales.iter().map(|locale| (locale.clone(), labels(registration, locale))).collect();
    let terms: Vec<Value> = registration
        .terms
        .iter()
        .map(|terms| {
            json!({
                "document": terms.document,
                "version": terms.version,
                "url": terms.url,
                "required": terms.required,
                "title": text_by_locale(&config.locales, &terms.title),
            })
        })
        .collect();
    json!({
        "schema": schema(&registration.fields),
        "order": registration.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        "labels": labels,
        "terms": terms,
        "password": {
            // A call can create no passkey.
            "required": registration.password == RegistrationPassword::Required || !config.sign_in.mail_code,
            "min_length": config.password.min_length,
            "max_length": MAX_PASSWORD_CHARACTERS,
            "recommended_length": RECOMMENDED_PASSWORD_CHARACTERS,
        },
        "locales": config.locales,
    })
}

fn text_by_locale(locales: &[String], text: &Localized) -> Value {
    locales.iter().map(|locale| (locale.clone(), Value::from(text.get(locale)))).collect::<Map<_, _>>().into()
}

fn labels(registration: &RegistrationConfig, locale: &str) -> Value {
    let of_field = |field: &Field| {
        let mut words = Map::new();
        words.insert("label".to_owned(), field.label.get(locale).into());
        let help = field.help.get(locale);
        if !help.is_empty() {
            words.insert("help".to_owned(), help.into());
        }
        match &field.kind {
            FieldKind::Choice(options) => {
                let options: Map<_, _> =
                    options.iter().map(|(value, label)| (value.clone(), Value::from(label.get(locale)))).collect();
                words.insert("options".to_owned(), options.into());
            }
            FieldKind::Text { pattern: Some(pattern), .. } => {
                let message = pattern.message.get(locale);
                if !message.is_empty() {
                    words.insert("pattern_message".to_owned(), message.into());
                }
            }
            FieldKind::Text { pattern: None, .. } | FieldKind::Date | FieldKind::Phone | FieldKind::Boolean => {}
        }
        (field.name.clone(), Value::from(words))
    };
    registration.fields.iter().map(of_field).collect::<Map<_, _>>().into()
}

/// JSON Schema 2020-12 of the `profile` of a registration.
fn schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|field| (field.name.clone(), property(field))).collect();
    let always = fields.iter().filter(|field| field.required && field.show_when.is_none());
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": always.map(|field| field.name.as_str()).collect::<Vec<_>>(),
        "additionalProperties": false,
    });
    let conditions: Vec<Value> = fields.iter().filter_map(|field| condition(field, fields)).collect();
    if !conditions.is_empty() {
        schema["allOf"] = conditions.into();
    }
    schema
}

fn property(field: &Field) -> Value {
    match &field.kind {
        FieldKind::Text { max_length, pattern } => {
            // JSON Schema counts code points. Here a character is a grapheme cluster, which can have several.
            let mut property =
                json!({ "type": "string", "maxLength": longest_text(*max_length), "x-max-graphemes": max_length });
            if let Some(pattern) = pattern {
                property["pattern"] = format!("^(?:{})$", pattern.source).into();
            }
            property
        }
        // A birthdate may lack its year, or everything but its year (OpenID Connect Core §5.1).
        FieldKind::Date if field.name == "birthdate" => {
            json!({ "type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}-[0-9]{2})?$" })
        }
        FieldKind::Date => json!({ "type": "string", "format": "date" }),
        FieldKind::Phone => json!({ "type": "string", "maxLength": 40, "x-format": "E.164" }),
        FieldKind::Boolean => json!({ "type": "boolean" }),
        FieldKind::Choice(options) => json!({ "enum": options.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>() }),
    }
}

/// The condition of a field that another field shows: if shown it may be required, otherwise it must be absent.
fn condition(field: &Field, fields: &[Field]) -> Option<Value> {
    let show_when = field.show_when.as_ref()?;
    let other = fields.iter().find(|other| other.name == show_when.field)?;
    let value = match other.kind {
        FieldKind::Boolean => Value::Bool(show_when.equals == "true"),
        FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone | FieldKind::Choice(_) => show_when.equals.as_str().into(),
    };
    // A missing boolean counts as no.
    let must_be_there: &[&str] = if value == Value::Bool(false) { &[] } else { &[show_when.field.as_str()] };
    let required: &[&str] = if field.required { &[field.name.as_str()] } else { &[] };
    let (name, other) = (field.name.as_str(), show_when.field.as_str());
    Some(json!({
        "if": { "properties": { other: { "const": value } }, "required": must_be_there },
        "then": { "required": required },
        "else": { "properties": { name: false } },
    }))
}

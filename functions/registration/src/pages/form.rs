//! The registration form of the page: fields with labels, values and errors.

use super::message;
use latchkey::domain::form::TermsFlaw;
use latchkey::domain::identifier::InvalidEmail;
use latchkey::domain::registration::{Application, ApplicationFlaw};
use latchkey::domain::tenant::{TenantConfig, TermsDocument};
use latchkey::web::fields;
use latchkey::web::params::{Params, ParamsError};
use serde::Serialize;
use serde_json::{Map, Value};

/// The prefix of a term's input name. No field name has a dot.
const TERMS_PREFIX: &str = "terms.";

/// One document to accept.
#[derive(Serialize)]
pub(super) struct Terms {
    name: String,
    version: String,
    title: String,
    url: String,
    /// The text, if the tenant document has it.
    text: String,
    required: bool,
    accepted: bool,
}

/// The documents to accept.
pub(super) fn terms(config: &TenantConfig, locale: &str, accepted: &[(String, String)]) -> Vec<Terms> {
    let entry = |terms: &TermsDocument| Terms {
        name: format!("{TERMS_PREFIX}{}", terms.document),
        version: terms.version.clone(),
        title: terms.title.get(locale).to_owned(),
        url: terms.url.clone(),
        text: terms.text.get(locale).to_owned(),
        required: terms.required,
        accepted: accepted.contains(&(terms.document.clone(), terms.version.clone())),
    };
    config.registration.terms.iter().map(entry).collect()
}

/// Reads a submitted form. Unknown inputs count as fields, which are refused (security 108).
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

/// Error messages with the names of their inputs, in the order of the form.
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
        ApplicationFlaw::Password(flaw) => ("password".to_owned(), fields::password_flaw(locale, flaw)),
        ApplicationFlaw::PasswordNotAsked => ("password".to_owned(), flaw.detail()),
        ApplicationFlaw::Field(name, flaw) => (name.clone(), fields::field_flaw(config, locale, name, flaw)),
        ApplicationFlaw::Terms(TermsFlaw::Missing(document)) => {
            (format!("{TERMS_PREFIX}{document}"), message(locale, "register-terms-required"))
        }
        ApplicationFlaw::Terms(TermsFlaw::Unknown(_) | TermsFlaw::Superseded(_)) => {
            let first = config.registration.terms.first().map_or("", |terms| terms.document.as_str());
            (format!("{TERMS_PREFIX}{first}"), message(locale, "register-terms-superseded"))
        }
    }
}

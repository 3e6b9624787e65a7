//! `/account`: the profile, rendered from the tenant's registration form.

use super::draft::{self, Draft, Keep};
use super::messages::{done_message, page_message};
use super::passkeys;
use crate::edit::{self, EditOutcome};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::form::FieldFlaw;
use latchkey::domain::profile::{Edit, EditFlaw};
use latchkey::web::browser::ANTI_FORGERY_FIELD;
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::SCRIPT_PATH;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Problem, Section, fields};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde_json::Map;
use std::collections::BTreeMap;

const PAGE: &str = "account";
const PATH: &str = "/account";
/// The state of the profile when the form was rendered.
const STATE: &str = "state";

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Profile).await?;
    let shown = edit::shown(&page.handle, &admitted.principal)?;
    let success = done_message(page, &["saved", "email"])?;
    let mut view = View { state: shown.etag, values: shown.claims.0, errors: Vec::new(), success, notice: None };
    match draft::open(page, PATH, &admitted)? {
        Draft::None => {}
        Draft::Typed(typed) => {
            view.values.extend(typed);
            view.notice = Some(page_message(page, "account-profile-draft"));
        }
        Draft::Lost => view.notice = Some(page_message(page, "account-draft-lost")),
    }
    view.show(page, &admitted, StatusCode::OK)
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(save(&page, &form).await)
}

async fn save(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    form.none_repeated_except(&[])?;
    let typed: Map<String, serde_json::Value> = form
        .iter()
        .filter(|(name, _)| ![ANTI_FORGERY_FIELD, STATE].contains(name))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let admitted = match page.admit(PrincipalParts::Profile).await {
        // The session ended while the user typed.
        Err(AccountPageError::SignIn) => return draft::keep(page, Keep { path: PATH, typed, confirms: false }, form),
        admitted => admitted?,
    };
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let shown = edit::shown(&page.handle, &admitted.principal)?;
            let mut values = shown.claims.0;
            values.extend(typed);
            let notice = Some(page_message(page, "form-stale"));
            let view = View { state: shown.etag, values, errors: Vec::new(), success: None, notice };
            return Ok(Outcome::Expired.tag(view.show(page, &admitted, StatusCode::FORBIDDEN)?));
        }
        Err(other) => return Err(other),
    }
    let edited = edit::edit(&page.handle, &admitted.presented, Edit::Form(&typed), form.one(STATE)?).await?;
    let shown = edit::shown(&page.handle, &admitted.principal)?;
    // Keep the typed values, and the claims that the form does not have.
    let mut values = shown.claims.0;
    values.extend(typed);
    match edited {
        EditOutcome::Saved(_) => Ok(page.see_done("/account", "saved")),
        EditOutcome::Flawed(flaws) => {
            let errors = error_messages(page, &flaws)?;
            let view = View { state: shown.etag, values, errors, success: None, notice: None };
            view.show(page, &admitted, StatusCode::BAD_REQUEST)
        }
        EditOutcome::Stale => {
            let notice = Some(page_message(page, "account-profile-stale"));
            let view = View { state: shown.etag, values, errors: Vec::new(), success: None, notice };
            view.show(page, &admitted, StatusCode::CONFLICT)
        }
    }
}

/// Each flaw with the name of its input. A field that the form does not have is not a typing error: the request was forged.
fn error_messages(page: &AccountPage, flaws: &[(String, EditFlaw)]) -> Result<Vec<(String, String)>, Problem> {
    let config = &page.handle.tenant.config;
    let word = |(name, flaw): &(String, EditFlaw)| match flaw {
        EditFlaw::ReadOnly | EditFlaw::Field(FieldFlaw::Unknown) => {
            Err(Problem::new(ProblemKind::InvalidRequest, "The form contains unknown fields. Please load the page again."))
        }
        EditFlaw::Field(flaw) => Ok((name.clone(), fields::field_flaw(config, &page.locale, name, flaw))),
    };
    flaws.iter().map(word).collect()
}

struct View {
    state: String,
    values: Map<String, serde_json::Value>,
    errors: Vec<(String, String)>,
    success: Option<String>,
    notice: Option<String>,
}

impl View {
    fn show(self, page: &AccountPage, admitted: &AdmittedUser, status: StatusCode) -> Result<Response, AccountPageError> {
        let (config, locale) = (&page.handle.tenant.config, &page.locale);
        let errors: BTreeMap<String, String> = self.errors.iter().cloned().collect();
        let (stored, _) = admitted.principal.claims(&page.handle)?;
        let text = |name| stored.0.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let signals = self.success.as_ref().and_then(|_| passkeys::user_signal(page, admitted, text("email"), text("name")));
        let values = context! {
            signals,
            passkey_script => SCRIPT_PATH.as_str(),
            email => self.values.get("email").and_then(serde_json::Value::as_str),
            change_email => page.path("/account/email"),
            fields => Value::from(Serde(fields::stored_inputs(config, locale, &stored.0, &self.values, page.handle.now()))),
            errors,
            error_list => self.errors,
            state => self.state,
            success => self.success,
            notice => self.notice,
            anti_forgery => page.anti_forgery(PAGE, admitted),
        };
        Ok(page.show(Section::Profile, "account_profile", status, values))
    }
}

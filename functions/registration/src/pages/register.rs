//! `/register`: shows the form and handles its submission.
//!
//! The query is an authorization request, or names a page of the account (`return_to`), or is empty. It stays in the page's address, a
//! request is stored when the mail is sent, and it continues after the address is verified.

use super::{RETURN_TO, form, message, see_other};
use crate::begin::{self, Origin, StartError, StartedRegistration};
use crate::client::{self, require_open};
use crate::way_in::asked_password;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::credential::RECOMMENDED_PASSWORD_CHARACTERS;
use latchkey::domain::form::{FieldFlaw, Submission};
use latchkey::domain::registration::{Application, ApplicationFlaw};
use latchkey::domain::tenant::RegistrationPassword;
use latchkey::locale::{self, FluentValue};
use latchkey::services::Services;
use latchkey::web::account::is_account_path;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, Browser, FormOrigin};
use latchkey::web::extract::{FormBody, QueryParams};
use latchkey::web::fields;
use latchkey::web::funnel::Outcome;
use latchkey::web::problem::{FieldProblem, ProblemKind};
use latchkey::web::{Page, Problem, TenantHandle, stored_request};
use serde::Serialize;
use serde_json::Map;
use std::collections::BTreeMap;

/// The context of this page's anti-forgery values.
const PAGE: &str = "register";

/// The page's address and language.
struct Continuation<'q> {
    query: &'q str,
    locale: String,
}

#[derive(Serialize)]
struct Values<'v> {
    anti_forgery: String,
    query: &'v str,
    client: &'v str,
    email: &'v str,
    asks_password: bool,
    password_optional: bool,
    min_length: usize,
    recommended_length: usize,
    fields: Vec<fields::Input>,
    terms: Vec<form::Terms>,
    errors: BTreeMap<String, String>,
    /// The same errors in the order of the form.
    error_list: Vec<(String, String)>,
    notice: Option<String>,
}

fn continuation<'q>(
    handle: &TenantHandle,
    browser: &Browser,
    params: &QueryParams,
    query: &'q str,
) -> Result<Continuation<'q>, Problem> {
    let locale = browser.locale(&handle.tenant, params.0.one("ui_locales")?);
    Ok(Continuation { query, locale })
}

pub(crate) async fn show(
    handle: TenantHandle,
    browser: Browser,
    params: QueryParams,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    require_open(&handle)?;
    let continuation = continuation(&handle, &browser, &params, query.as_deref().unwrap_or_default())?;
    let empty = Application { email: String::new(), password: "".into(), profile: Map::new(), terms: Vec::new() };
    let page = page(&handle, &browser, &params, &continuation, &empty, Vec::new(), None).await?;
    Ok(browser.answer(page.into_response()))
}

pub(crate) async fn submit(
    State(services): State<Services>,
    handle: TenantHandle,
    browser: Browser,
    params: QueryParams,
    RawQuery(query): RawQuery,
    FormBody(body): FormBody,
) -> Result<Response, Problem> {
    require_open(&handle)?;
    let continuation = continuation(&handle, &browser, &params, query.as_deref().unwrap_or_default())?;
    let origin = browser.check_kept_form(&handle.tenant, PAGE, continuation.query, body.one(ANTI_FORGERY_FIELD)?)?;
    let mut application = form::read(&body, ANTI_FORGERY_FIELD)?;
    if asked_password(&handle.tenant, Submission::Page) == RegistrationPassword::None {
        // A form from before the tenant document changed.
        application.password = "".into();
    }
    if origin == FormOrigin::Stale {
        let notice = Some(message(&continuation.locale, "form-stale"));
        let page = page(&handle, &browser, &params, &continuation, &application, Vec::new(), notice).await?;
        return Ok(Outcome::Expired.tag(browser.answer(page.status(StatusCode::FORBIDDEN).into_response())));
    }
    let client = client::find(&handle.tenant.config, requested_client(&handle, &params).await?.as_deref())?;
    let continue_to = if is_request(&params) {
        Some(begin::Continuation::Request(continuation.query.to_owned()))
    } else {
        let page = params.0.one(RETURN_TO)?.filter(|page| is_account_path(&handle.tenant, page));
        page.map(|_| begin::Continuation::Page(continuation.query.to_owned()))
    };
    let origin = Origin {
        submission: Submission::Page,
        client_id: client.client_id.clone(),
        locale: continuation.locale.clone(),
        browser: Some(browser.binding()),
        trigger: handle.trigger_of_registration(Some(&browser)),
        continue_to,
    };
    match begin::begin(&services, &handle, &application, origin).await {
        Ok(StartedRegistration { id, .. }) => Ok(browser.answer(see_other(&handle, &format!("/verify?flow={id}"))?)),
        Err(StartError::NoMoreMails { retry_after }) => {
            let hours = (retry_after.as_seconds() + 3599).div_euclid(3600);
            let words = locale::message(&continuation.locale, "register-no-more-mails", [("hours", FluentValue::from(hours))]);
            let errors = vec![("identifier".to_owned(), words)];
            let page = page(&handle, &browser, &params, &continuation, &application, errors, None).await?.blocked(retry_after);
            Ok(browser.answer(page.into_response()))
        }
        Err(StartError::Flawed(flaws)) => {
            refuse_unknown(&flaws)?;
            let errors = form::errors(&handle.tenant.config, &continuation.locale, &flaws);
            let page = page(&handle, &browser, &params, &continuation, &application, errors, None).await?;
            Ok(browser.answer(page.status(StatusCode::BAD_REQUEST).into_response()))
        }
        Err(StartError::Problem(problem)) => Err(problem),
    }
}

/// The client of the request, in the query or stored.
async fn requested_client(handle: &TenantHandle, params: &QueryParams) -> Result<Option<String>, Problem> {
    let stored = match params.0.one(stored_request::PARAMETER)? {
        Some(name) => Some(stored_request::load(handle, name).await?),
        None => None,
    };
    Ok(stored.as_ref().unwrap_or(&params.0).one("client_id")?.map(str::to_owned))
}

/// Whether there is an authorization request to continue: in the query, or a stored POST request.
fn is_request(params: &QueryParams) -> bool {
    ["client_id", stored_request::PARAMETER].iter().any(|name| params.0.all(name).next().is_some())
}

/// A field that the form does not have is not a typing error: the request was forged (security 108).
fn refuse_unknown(flaws: &[ApplicationFlaw]) -> Result<(), Problem> {
    let unknown = flaws.iter().filter(|flaw| matches!(flaw, ApplicationFlaw::Field(_, FieldFlaw::Unknown)));
    let errors: Vec<_> =
        unknown.map(|flaw| FieldProblem { pointer: flaw.pointer(), code: flaw.code(), detail: flaw.detail() }).collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::InvalidRequest, "The form contains unknown fields. Please load the page again.")
        .with_errors(errors))
}

async fn page(
    handle: &TenantHandle,
    browser: &Browser,
    params: &QueryParams,
    continuation: &Continuation<'_>,
    typed: &Application,
    error_list: Vec<(String, String)>,
    notice: Option<String>,
) -> Result<Page, Problem> {
    let (config, locale) = (&handle.tenant.config, continuation.locale.as_str());
    let client = match requested_client(handle, params).await? {
        Some(id) => client::find(config, Some(&id))?.client_name.get(locale),
        None => "",
    };
    let asked = asked_password(&handle.tenant, Submission::Page);
    let values = Values {
        anti_forgery: browser.anti_forgery(&handle.tenant, PAGE, continuation.query),
        query: continuation.query,
        client,
        email: &typed.email,
        asks_password: asked != RegistrationPassword::None,
        password_optional: asked == RegistrationPassword::Optional,
        min_length: config.password.min_length,
        recommended_length: RECOMMENDED_PASSWORD_CHARACTERS,
        fields: fields::inputs(config, locale, &typed.profile),
        terms: form::terms(config, locale, &typed.terms),
        errors: error_list.iter().cloned().collect(),
        error_list,
        notice,
    };
    Ok(Page::new(&handle.tenant, locale, "register", values).languages(continuation.query))
}

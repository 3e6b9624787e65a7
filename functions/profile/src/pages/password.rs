//! `/account/password`: the current password and a new one (security 59, 70).

use super::messages::page_message;
use crate::password::{self, ChangeOutcome, PasswordInput};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::credential::RECOMMENDED_PASSWORD_CHARACTERS;
use latchkey::locale::{self, FluentValue};
use latchkey::services::Services;
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section, fields};
use minijinja::{Value, context};
use std::collections::BTreeMap;

const PAGE: &str = "account/password";

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::ProfileAndPassword).await?;
        if admitted.principal.snapshot.password.is_none() {
            return Ok(show_none(&page));
        }
        show(&page, &admitted, StatusCode::OK, BTreeMap::new(), None)
    };
    page.answer(shown.await)
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(change(&services, &page, &form).await)
}

async fn change(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::Profile).await?;
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let notice = Some(page_message(page, "form-stale"));
            return Ok(Outcome::Expired.tag(show(page, &admitted, StatusCode::FORBIDDEN, BTreeMap::new(), notice)?));
        }
        Err(other) => return Err(other),
    }
    let text = |name| form.one(name).map(|value| value.unwrap_or_default().into());
    let account = admitted.presented.account();
    let device = page.browser.device_of(account);
    let typed = PasswordInput { current: text("password")?, new: text("new_password")?, device };
    let refuse = |status, field, words| show(page, &admitted, status, BTreeMap::from([(field, words)]), None);
    match password::change(services, &page.handle, &admitted.presented, &typed).await? {
        ChangeOutcome::Changed => Ok(page.see_done("/account/security", "password")),
        ChangeOutcome::WrongPassword => {
            let answer = refuse(StatusCode::BAD_REQUEST, "password", page_message(page, "account-password-wrong"))?;
            Ok(Outcome::WrongCredentials.tag(answer))
        }
        ChangeOutcome::Flawed(flaw) => {
            refuse(StatusCode::BAD_REQUEST, "new_password", fields::password_flaw(&page.locale, &flaw))
        }
        ChangeOutcome::Blocked { retry_after } => {
            let minutes = FluentValue::from((retry_after.as_seconds() + 59).div_euclid(60));
            let words = locale::message(&page.locale, "login-blocked", [("minutes", minutes)]);
            let values = values(page, &admitted, BTreeMap::from([("password", words)]), None)?;
            Ok(Outcome::Locked.tag(page.show_blocked(Section::Security, "account_password", retry_after, values)))
        }
    }
}

/// The account has no password. A password reset by mail sets one.
fn show_none(page: &AccountPage) -> Response {
    let values = context! { recover => page.path("/recover"), back => page.path("/account/security") };
    page.show(Section::Security, "account_password_none", StatusCode::OK, values)
}

fn show(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    errors: BTreeMap<&'static str, String>,
    notice: Option<String>,
) -> Result<Response, AccountPageError> {
    Ok(page.show(Section::Security, "account_password", status, values(page, admitted, errors, notice)?))
}

fn values(
    page: &AccountPage,
    admitted: &AdmittedUser,
    errors: BTreeMap<&'static str, String>,
    notice: Option<String>,
) -> Result<Value, AccountPageError> {
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    Ok(context! {
        // The user name for the browser's password manager.
        email => claims.0.get("email").and_then(serde_json::Value::as_str),
        errors,
        notice,
        min_length => page.handle.tenant.config.password.min_length,
        recommended => RECOMMENDED_PASSWORD_CHARACTERS,
        back => page.path("/account/security"),
        anti_forgery => page.anti_forgery(PAGE, admitted),
    })
}

//! `/account/email`: changes the e-mail address (security 94, 95).
//!
//! 1. The user enters the new address. A code and a link are mailed to it.
//! 2. The user types the code here, or opens the link in the signed-in browser and confirms with a button.
//! 3. In any other browser the link shows the code, and "I did not ask for this", which cancels the change. GET changes nothing.

use super::messages::page_message;
use crate::email::{self, PresentedProof};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::email_change::{Proven, Started};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::secret::SecretText;
use latchkey::keys::AccountLink;
use latchkey::locale::{self, FluentValue};
use latchkey::services::Services;
use latchkey::web::browser::ANTI_FORGERY_FIELD;
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::{Value, context};
use std::collections::BTreeMap;

const PAGE: &str = "account/email";
const LINK_PAGE: &str = "account/email?token";
/// The parameter that says that the change has ended.
const ENDED: &str = "ended";

type Errors = BTreeMap<&'static str, String>;

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        match token(&page)? {
            Some(token) => show_link(&page, &token).await,
            // Only the browser that ended the change shows that it has ended.
            None if page.is_own_result(ENDED, page.query.one(ENDED)?) => {
                Ok(page.plain("account_email_ended", StatusCode::OK, context! {}))
            }
            None => show(&page).await,
        }
    };
    page.answer(shown.await)
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    let taken = async {
        match token(&page)? {
            Some(token) => handle_link_form(&services, &page, token, &form).await,
            None => handle_form(&services, &page, &form).await,
        }
    };
    page.answer(taken.await)
}

fn token(page: &AccountPage) -> Result<Option<SecretText>, AccountPageError> {
    Ok(page.query.one("token")?.map(SecretText::from))
}

/// Shows the current step of the change.
async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Profile).await?;
    // Only a new change needs a recent sign-in; a pending one was started with one.
    if email::pending(&page.handle, &admitted.principal).await?.is_none() && !admitted.principal.is_recent(page.handle.now()) {
        return Err(AccountPageError::Confirm);
    }
    show_step(page, &admitted, StatusCode::OK, "", Errors::new()).await
}

async fn show_step(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    typed: &str,
    errors: Errors,
) -> Result<Response, AccountPageError> {
    Ok(page.show(Section::Security, "account_email", status, step_values(page, admitted, typed, errors).await?))
}

async fn step_values(
    page: &AccountPage,
    admitted: &AdmittedUser,
    typed: &str,
    errors: Errors,
) -> Result<Value, AccountPageError> {
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let pending = email::pending(&page.handle, &admitted.principal).await?;
    Ok(context! {
        present => claims.0.get("email").and_then(serde_json::Value::as_str),
        pending,
        typed,
        errors,
        back => page.path("/account/security"),
        anti_forgery => page.anti_forgery(PAGE, admitted),
    })
}

/// Handles the new address, the code, or the cancellation.
async fn handle_form(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Profile).await?;
    page.check_form(PAGE, &admitted, form)?;
    if form.one("cancel")?.is_some() {
        email::cancel(&page.handle, &admitted.presented).await?;
        return Ok(page.see_other("/account/security"));
    }
    match form.one("code")? {
        Some(code) => prove(services, page, &admitted, code).await,
        None => start(services, page, &admitted, form.one("email")?.unwrap_or_default()).await,
    }
}

async fn start(
    services: &Services,
    page: &AccountPage,
    admitted: &AdmittedUser,
    typed: &str,
) -> Result<Response, AccountPageError> {
    let words = match EmailAddress::parse(typed) {
        Err(_) => page_message(page, "register-email-invalid"),
        Ok(address) => match email::start(services, &page.handle, &admitted.presented, &address, &page.locale).await? {
            Started::Waiting { .. } => return Ok(page.see_other("/account/email")),
            Started::SameAddress => page_message(page, "account-email-same"),
            Started::TooManyStarts { until } => {
                let wait = until.since(page.handle.now());
                let hours = FluentValue::from((wait.as_seconds() + 3599).div_euclid(3600));
                let words = locale::message(&page.locale, "account-email-too-many-today", [("hours", hours)]);
                let values = step_values(page, admitted, typed, Errors::from([("email", words)])).await?;
                return Ok(page.show_blocked(Section::Security, "account_email", wait, values));
            }
            Started::TooManyChanges { until } => {
                let date = locale::date(&page.locale, until).into();
                locale::message(&page.locale, "account-email-too-many", [("date", date)])
            }
        },
    };
    show_step(page, admitted, StatusCode::BAD_REQUEST, typed, Errors::from([("email", words)])).await
}

async fn prove(
    services: &Services,
    page: &AccountPage,
    admitted: &AdmittedUser,
    code: &str,
) -> Result<Response, AccountPageError> {
    let proof = PresentedProof::Code(code.into());
    let words = match email::prove(services, &page.handle, &admitted.presented, &proof).await? {
        Proven::Changed => return Ok(page.see_done("/account/security", "email")),
        Proven::Wrong { tries_left } => {
            let left = FluentValue::from(i64::from(tries_left));
            locale::message(&page.locale, "recover-code-wrong", [("left", left)])
        }
        Proven::Over => page_message(page, "account-email-over"),
        Proven::AddressTaken => page_message(page, "account-email-taken"),
    };
    let admitted = page.admit(PrincipalParts::Profile).await?;
    let field = if email::pending(&page.handle, &admitted.principal).await?.is_some() { "code" } else { "email" };
    let answer = show_step(page, &admitted, StatusCode::BAD_REQUEST, "", Errors::from([(field, words)])).await?;
    Ok(Outcome::WrongCredentials.tag(answer))
}

/// Shows the page of the mailed link.
async fn show_link(page: &AccountPage, token: &SecretText) -> Result<Response, AccountPageError> {
    let Some(code) = code_of(page, token).await? else { return Ok(link_expired(page)) };
    let anti_forgery = page.browser.anti_forgery(&page.handle.tenant, LINK_PAGE, token.expose());
    let is_here = is_own(page, token).await?;
    let template = if is_here { "account_email_confirm" } else { "account_email_elsewhere" };
    Ok(page.plain(template, StatusCode::OK, context! { code => code.expose(), anti_forgery }))
}

async fn code_of(page: &AccountPage, token: &SecretText) -> Result<Option<SecretText>, AccountPageError> {
    Ok(match email::open_link(&page.handle, token).await? {
        Some(linked) => linked.change_code(&page.handle)?,
        None => None,
    })
}

/// Whether the account of the link is signed in here.
async fn is_own(page: &AccountPage, token: &SecretText) -> Result<bool, AccountPageError> {
    let link = page.handle.tenant.keys.open_account_link(AccountLink::EmailChange, token)?;
    Ok(match page.admit(PrincipalParts::Nothing).await {
        Ok(admitted) => link.is_some_and(|link| link.account == admitted.presented.account()),
        Err(AccountPageError::SignIn | AccountPageError::Confirm | AccountPageError::Stale) => false,
        Err(problem @ AccountPageError::Problem(_)) => return Err(problem),
    })
}

async fn handle_link_form(
    services: &Services,
    page: &AccountPage,
    token: SecretText,
    form: &Params,
) -> Result<Response, AccountPageError> {
    let value = form.one(ANTI_FORGERY_FIELD)?;
    page.browser.check_form(&page.handle.tenant, LINK_PAGE, token.expose(), value)?;
    if form.one("disown")?.is_some() {
        email::disown(&page.handle, &token).await?;
        return Ok(page.see_other(&format!("/account/email?{ENDED}={}", page.result_value(ENDED))));
    }
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    let proof = PresentedProof::Link(token);
    Ok(match email::prove(services, &page.handle, &admitted.presented, &proof).await? {
        Proven::Changed => page.see_done("/account/security", "email"),
        Proven::Wrong { .. } | Proven::Over | Proven::AddressTaken => link_expired(page),
    })
}

fn link_expired(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

//! `/account/email`: changes the e-mail address (security 94, 95).
//!
//! 1. The user enters the new address. A code and a link are mailed to it.
//! 2. The user types the code here, or opens the link in the signed-in browser and confirms with a button.
//! 3. In any other browser the link shows the code, and "I did not ask for this", which cancels the change. GET changes nothing.

use super::draft::{self, Draft, Keep};
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
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::{Value, context};
use std::collections::BTreeMap;

const PAGE: &str = "account/email";
const PATH: &str = "/account/email";
const LINK_PAGE: &str = "account/email?token";
/// The parameter that says that the change has ended.
const ENDED: &str = "ended";

/// What the form shows besides the state of the change.
#[derive(Default)]
struct Shown<'s> {
    /// The new address, as typed.
    email: &'s str,
    /// The code, as typed.
    code: &'s str,
    errors: BTreeMap<&'static str, String>,
    notice: Option<String>,
}

impl<'s> Shown<'s> {
    fn flawed(email: &'s str, field: &'static str, words: String) -> Self {
        Self { email, errors: BTreeMap::from([(field, words)]), ..Self::default() }
    }
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        match token(&page)? {
            Some(token) => show_link(&page, &token, StatusCode::OK).await,
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
    let draft = draft::open(page, PATH, &admitted)?;
    let shown = match &draft {
        Draft::None => Shown::default(),
        Draft::Typed(typed) => Shown {
            email: typed.get("email").and_then(serde_json::Value::as_str).unwrap_or_default(),
            notice: Some(page_message(page, "account-email-draft")),
            ..Shown::default()
        },
        Draft::Lost => Shown { notice: Some(page_message(page, "account-draft-lost")), ..Shown::default() },
    };
    show_step(page, &admitted, StatusCode::OK, &shown).await
}

async fn show_step(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    shown: &Shown<'_>,
) -> Result<Response, AccountPageError> {
    Ok(page.show(Section::Security, "account_email", status, step_values(page, admitted, shown).await?))
}

async fn step_values(page: &AccountPage, admitted: &AdmittedUser, shown: &Shown<'_>) -> Result<Value, AccountPageError> {
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let pending = email::pending(&page.handle, &admitted.principal).await?;
    Ok(context! {
        present => claims.0.get("email").and_then(serde_json::Value::as_str),
        pending,
        typed => shown.email,
        code => shown.code,
        errors => &shown.errors,
        notice => &shown.notice,
        back => page.path("/account/security"),
        anti_forgery => page.anti_forgery(PAGE, admitted),
    })
}

/// Handles the new address, the code, or the cancellation.
async fn handle_form(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let (email, code) = (form.one("email")?, form.one("code")?);
    let admitted = match (page.admit(PrincipalParts::Profile).await, email) {
        // The session ended while the user typed.
        (Err(AccountPageError::SignIn), Some(email)) => return keep(page, email, false, form),
        (admitted, _) => admitted?,
    };
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let notice = Some(page_message(page, "form-stale"));
            let (email, code) = (email.unwrap_or_default(), code.unwrap_or_default());
            let shown = Shown { email, code, notice, ..Shown::default() };
            return Ok(Outcome::Expired.tag(show_step(page, &admitted, StatusCode::FORBIDDEN, &shown).await?));
        }
        Err(other) => return Err(other),
    }
    if form.one("cancel")?.is_some() {
        email::cancel(&page.handle, &admitted.presented).await?;
        return Ok(page.see_other("/account/security"));
    }
    match code {
        Some(code) => prove(services, page, &admitted, code).await,
        None => {
            let email = email.unwrap_or_default();
            match start(services, page, &admitted, email).await {
                // The sign-in became too old while the user typed.
                Err(AccountPageError::Confirm) => keep(page, email, true, form),
                started => started,
            }
        }
    }
}

/// Sends the user to sign in, and keeps the address that was typed.
fn keep(page: &AccountPage, email: &str, confirms: bool, form: &Params) -> Result<Response, AccountPageError> {
    let typed = [("email".to_owned(), email.into())].into_iter().collect();
    draft::keep(page, Keep { path: PATH, typed, confirms }, form)
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
                let values = step_values(page, admitted, &Shown::flawed(typed, "email", words)).await?;
                return Ok(page.show_blocked(Section::Security, "account_email", wait, values));
            }
            Started::TooManyChanges { until } => {
                let date = locale::date(&page.locale, until).into();
                locale::message(&page.locale, "account-email-too-many", [("date", date)])
            }
        },
    };
    show_step(page, admitted, StatusCode::BAD_REQUEST, &Shown::flawed(typed, "email", words)).await
}

async fn prove(
    services: &Services,
    page: &AccountPage,
    admitted: &AdmittedUser,
    code: &str,
) -> Result<Response, AccountPageError> {
    let proof = PresentedProof::Code(code.into());
    let (outcome, words) = match email::prove(services, &page.handle, &admitted.presented, &proof).await? {
        Proven::Changed => return Ok(page.see_done("/account/security", "email")),
        Proven::Wrong { tries_left } => {
            let left = FluentValue::from(i64::from(tries_left));
            (Outcome::WrongCredentials, locale::message(&page.locale, "recover-code-wrong", [("left", left)]))
        }
        Proven::Over => (Outcome::WrongCredentials, page_message(page, "account-email-over")),
        Proven::AddressTaken => (Outcome::Conflict, page_message(page, "account-email-taken")),
    };
    let admitted = page.admit(PrincipalParts::Profile).await?;
    let field = if email::pending(&page.handle, &admitted.principal).await?.is_some() { "code" } else { "email" };
    let answer = show_step(page, &admitted, StatusCode::BAD_REQUEST, &Shown::flawed("", field, words)).await?;
    Ok(outcome.tag(answer))
}

/// Shows the page of the mailed link. With status 403 it says that the form was stale.
async fn show_link(page: &AccountPage, token: &SecretText, status: StatusCode) -> Result<Response, AccountPageError> {
    let Some(code) = code_of(page, token).await? else { return Ok(link_expired(page)) };
    let anti_forgery = page.browser.anti_forgery(&page.handle.tenant, LINK_PAGE, token.expose());
    let is_here = is_own(page, token).await?;
    let template = if is_here { "account_email_confirm" } else { "account_email_elsewhere" };
    let notice = (status == StatusCode::FORBIDDEN).then(|| page_message(page, "form-stale"));
    Ok(page.plain(template, status, context! { code => code.expose(), notice, anti_forgery }))
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
    if page.browser.check_kept_form(&page.handle.tenant, LINK_PAGE, token.expose(), value)? == FormOrigin::Stale {
        return Ok(Outcome::Expired.tag(show_link(page, &token, StatusCode::FORBIDDEN).await?));
    }
    if form.one("disown")?.is_some() {
        email::disown(&page.handle, &token).await?;
        return Ok(page.see_other(&format!("/account/email?{ENDED}={}", page.result_value(ENDED))));
    }
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    let proof = PresentedProof::Link(token);
    Ok(match email::prove(services, &page.handle, &admitted.presented, &proof).await? {
        Proven::Changed => page.see_done("/account/security", "email"),
        Proven::Wrong { .. } => Outcome::WrongCredentials.tag(link_expired(page)),
        Proven::AddressTaken => {
            let values = context! {
                heading => page_message(page, "account-undo-taken-title"),
                text => page_message(page, "account-email-taken"),
                link => page.path(PATH),
                link_label => page_message(page, "account-email-title"),
            };
            page.plain("error", StatusCode::CONFLICT, values)
        }
        Proven::Over => link_expired(page),
    })
}

fn link_expired(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

//! `/account/email/undo`: restores the former address, authorized by the link and the code that were mailed to it. It works in any browser.
//!
//! | the link | the page |
//! |---|---|
//! | valid | code and new password; and a confirmation if a newer account has the address |
//! | valid, of a release that mailed no code | a button that sends a mail with a code, once |
//! | used | says that it is done |
//! | over | says so |
//!
//! GET changes nothing, and neither does a POST of the form's own values: mail scanners open links and press buttons (security 94).

use super::messages::page_message;
use crate::undo::{self, LinkState, UndoInput, UndoOutcome};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::credential::RECOMMENDED_PASSWORD_CHARACTERS;
use latchkey::domain::secret::SecretText;
use latchkey::locale;
use latchkey::services::Services;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, fields};
use minijinja::context;
use std::collections::BTreeMap;

const PAGE: &str = "account/email/undo";

/// What the form shows besides the state of the link.
#[derive(Default)]
struct Shown<'s> {
    code: &'s str,
    closes_newer: bool,
    errors: BTreeMap<&'static str, String>,
    notice: Option<String>,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let token = token(&page)?;
        show(&page, &token, StatusCode::OK, &Shown::default()).await
    };
    page.answer(shown.await)
}

fn token(page: &AccountPage) -> Result<SecretText, AccountPageError> {
    Ok(page.query.one("token")?.unwrap_or_default().into())
}

async fn show(
    page: &AccountPage,
    token: &SecretText,
    status: StatusCode,
    shown: &Shown<'_>,
) -> Result<Response, AccountPageError> {
    let anti_forgery = page.browser.anti_forgery(&page.handle.tenant, PAGE, token.expose());
    Ok(match undo::link_state(&page.handle, token).await? {
        LinkState::Open { former, newer_until } => {
            let values = context! {
                former,
                newer_until => newer_until.map(|until| locale::date(&page.locale, until)),
                code => shown.code,
                closes_newer => shown.closes_newer,
                errors => &shown.errors,
                notice => &shown.notice,
                min_length => page.handle.tenant.config.password.min_length,
                recommended => RECOMMENDED_PASSWORD_CHARACTERS,
                anti_forgery,
            };
            page.plain("account_undo", status, values)
        }
        LinkState::WithoutCode { former } => {
            page.plain("account_undo_resend", status, context! { former, notice => &shown.notice, anti_forgery })
        }
        LinkState::Done { former } => {
            page.plain("account_undone", StatusCode::OK, context! { former, sign_in => page.path("/login") })
        }
        LinkState::Disabled => {
            let values = context! {
                heading => page_message(page, "account-undo-title"),
                text => page_message(page, "login-disabled"),
            };
            page.plain("error", StatusCode::FORBIDDEN, values)
        }
        LinkState::Over => link_expired(page),
    })
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(submit(&services, &page, &form).await)
}

async fn submit(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let token = token(page)?;
    let value = form.one(ANTI_FORGERY_FIELD)?;
    let code = form.one("code")?.unwrap_or_default();
    let closes_newer = form.one("close_newer")?.is_some();
    if page.browser.check_kept_form(&page.handle.tenant, PAGE, token.expose(), value)? == FormOrigin::Stale {
        let notice = Some(page_message(page, "form-stale"));
        let shown = Shown { code, closes_newer, notice, ..Shown::default() };
        return Ok(Outcome::Expired.tag(show(page, &token, StatusCode::FORBIDDEN, &shown).await?));
    }
    if form.one("resend")?.is_some() {
        return Ok(if undo::request_code(&page.handle, &token).await? {
            page.plain("account_undo_resent", StatusCode::OK, context! {})
        } else {
            show(page, &token, StatusCode::OK, &Shown::default()).await?
        });
    }
    let input = UndoInput {
        token: token.clone(),
        code: code.into(),
        password: form.one("password")?.unwrap_or_default().into(),
        closes_newer,
    };
    let (field, words) = match undo::undo(services, &page.handle, &input).await? {
        UndoOutcome::Done => {
            let mut response = page.see_other(&format!("/{PAGE}?token={}", token.expose()));
            // A session of this account has ended. Another account may be signed in here.
            let owner = undo::account_of(&page.handle, &token)?;
            if page.browser.session.as_ref().is_some_and(|(session, _)| Some(session.account) == owner) {
                page.browser.clear_session(&mut response);
            }
            return Ok(response);
        }
        UndoOutcome::WrongCode => ("code", page_message(page, "account-mail-code-wrong")),
        UndoOutcome::Flawed(flaw) => ("password", fields::password_flaw(&page.locale, &flaw)),
        UndoOutcome::NewerAccount => ("close_newer", page_message(page, "account-undo-newer-missing")),
        UndoOutcome::AddressTaken => return Ok(page.plain("account_undo_taken", StatusCode::CONFLICT, context! {})),
        UndoOutcome::Over => return Ok(link_expired(page)),
    };
    let status = if field == "close_newer" { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
    let is_code = field == "code";
    let errors = BTreeMap::from([(field, words)]);
    let shown = Shown { code: if is_code { "" } else { code }, closes_newer, errors, notice: None };
    let answer = show(page, &token, status, &shown).await?;
    // A wrong code is a guess. The other flaws are not.
    Ok(if is_code { Outcome::WrongCredentials.tag(answer) } else { Outcome::Refused.tag(answer) })
}

fn link_expired(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

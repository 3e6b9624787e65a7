//! `/account/not-me`: "this wasn't me", about an event of the history or of a mail (security 156).
//!
//! | the address has | needs |
//! |---|---|
//! | `event`, the id of an event of the history | a sign-in of the last five minutes, at the level of the account; a mailed code before it if factors change and the session has shown one factor |
//! | `token`, of a mailed link | the code from the same mail, in any browser |
//!
//! GET changes nothing, and neither does a POST of the form's own values with a link: mail scanners open links and press buttons.

use super::confirm_address::{Next, before};
use super::messages::page_message;
use crate::not_me::{self, Authority, ReportOutcome};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::not_me::Reported;
use latchkey::domain::secret::SecretText;
use latchkey::locale;
use latchkey::services::Services;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::context;

const PAGE: &str = "account/not-me";
pub(super) const PATH: &str = "/account/not-me";
/// The result that is shown after a report, to a user who is not signed in any more.
const REPORTED: &str = "reported";

/// The page of an event, for a signed-in user.
pub(super) fn address(event: &str) -> String {
    format!("{PATH}?event={event}")
}

/// What the form shows besides its event.
#[derive(Default)]
struct Shown {
    error: Option<String>,
    notice: Option<String>,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        if page.own_done()? == Some(REPORTED) {
            return Ok(done(&page));
        }
        match page.query.one("token")? {
            Some(token) => show_link(&page, &token.into(), StatusCode::OK, Shown::default()).await,
            None => {
                let admitted = page.admit_recent(PrincipalParts::Profile).await?;
                show_event(&page, &admitted, StatusCode::OK, None).await
            }
        }
    };
    page.answer(shown.await)
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    let answer = match page.query.one("token") {
        Ok(Some(token)) => take_link(&services, &page, &token.into(), &form).await,
        Ok(None) => take_event(&services, &page, &form).await,
        Err(error) => Err(error.into()),
    };
    page.answer(answer)
}

/// The page of an event of the history.
async fn show_event(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    notice: Option<String>,
) -> Result<Response, AccountPageError> {
    let id = page.query.one("event")?.unwrap_or_default();
    let Some(event) = not_me::find_event(&page.handle, admitted.presented.account(), id).await? else {
        return Ok(page.see_other("/account/security"));
    };
    let outlook = not_me::outlook(&page.handle, Authority::Session(&admitted.presented, event.at)).await?;
    if let Some(answer) = instead(page, outlook, id)? {
        return Ok(answer);
    }
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let kind = serde_json::to_value(event.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    let values = context! {
        event => kind.map(|kind| page_message(page, &format!("event-{kind}"))),
        since => locale::date_and_time(&page.locale, event.at),
        email => claims.0.get("email").and_then(serde_json::Value::as_str),
        notice,
        back => page.path("/account/security"),
        anti_forgery => page.anti_forgery(PAGE, admitted),
    };
    Ok(page.show(Section::Security, "account_not_me", status, values))
}

async fn take_event(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::Profile).await?;
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let notice = Some(page_message(page, "form-stale"));
            return Ok(Outcome::Expired.tag(show_event(page, &admitted, StatusCode::FORBIDDEN, notice).await?));
        }
        Err(other) => return Err(other),
    }
    let id = page.query.one("event")?.unwrap_or_default();
    let Some(event) = not_me::find_event(&page.handle, admitted.presented.account(), id).await? else {
        return Ok(page.see_other("/account/security"));
    };
    let authority = Authority::Session(&admitted.presented, event.at);
    match not_me::report(services, &page.handle, authority, &SecretText::from("")).await? {
        // A code is compared for a link only.
        ReportOutcome::WrongCode => Ok(over(page)),
        ReportOutcome::Reported(Reported::Done) => {
            let mut response = page.see_done(PATH, REPORTED);
            page.browser.clear_session(&mut response);
            Ok(response)
        }
        ReportOutcome::Reported(other) => Ok(instead(page, other, id)?.unwrap_or_else(|| over(page))),
    }
}

/// The page of a mailed link.
async fn show_link(
    page: &AccountPage,
    token: &SecretText,
    status: StatusCode,
    shown: Shown,
) -> Result<Response, AccountPageError> {
    let outlook = not_me::outlook(&page.handle, Authority::Link(token)).await?;
    if let Some(answer) = instead(page, outlook, "")? {
        return Ok(answer);
    }
    let since = not_me::event_of_link(&page.handle, token)?.map(|(_, at)| locale::date_and_time(&page.locale, at));
    let values = context! {
        since,
        error => shown.error,
        notice => shown.notice,
        anti_forgery => page.browser.anti_forgery(&page.handle.tenant, PAGE, token.expose()),
    };
    Ok(page.plain("account_not_me_mail", status, values))
}

async fn take_link(
    services: &Services,
    page: &AccountPage,
    token: &SecretText,
    form: &Params,
) -> Result<Response, AccountPageError> {
    let value = form.one(ANTI_FORGERY_FIELD)?;
    if page.browser.check_kept_form(&page.handle.tenant, PAGE, token.expose(), value)? == FormOrigin::Stale {
        let shown = Shown { notice: Some(page_message(page, "form-stale")), ..Shown::default() };
        return Ok(Outcome::Expired.tag(show_link(page, token, StatusCode::FORBIDDEN, shown).await?));
    }
    let code = SecretText::from(form.one("code")?.unwrap_or_default());
    match not_me::report(services, &page.handle, Authority::Link(token), &code).await? {
        ReportOutcome::WrongCode => {
            let shown = Shown { error: Some(page_message(page, "account-mail-code-wrong")), ..Shown::default() };
            Ok(Outcome::WrongCredentials.tag(show_link(page, token, StatusCode::BAD_REQUEST, shown).await?))
        }
        ReportOutcome::Reported(Reported::Done) => {
            let mut response = page.see_done(PATH, REPORTED);
            // A session of this account has ended. Another account may be signed in here.
            let owner = not_me::event_of_link(&page.handle, token)?.map(|(account, _)| account);
            if page.browser.session.as_ref().is_some_and(|(session, _)| Some(session.account) == owner) {
                page.browser.clear_session(&mut response);
            }
            Ok(response)
        }
        ReportOutcome::Reported(other) => Ok(instead(page, other, "")?.unwrap_or_else(|| over(page))),
    }
}

/// What is shown if no report can be made. `None` if it can.
fn instead(page: &AccountPage, outlook: Reported, event: &str) -> Result<Option<Response>, AccountPageError> {
    Ok(match outlook {
        Reported::Done => None,
        Reported::AlreadyDone => Some(done(page)),
        Reported::AddressChanged => {
            let values = context! { account => page.path("/account") };
            Some(Outcome::Refused.tag(page.plain("account_not_me_address", StatusCode::CONFLICT, values)))
        }
        Reported::NeedsAddressProof => Some(page.see_other(&before(page, Next::NotMe(event))?)),
        Reported::Over => Some(over(page)),
    })
}

fn over(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

fn done(page: &AccountPage) -> Response {
    page.plain("account_not_me_done", StatusCode::OK, context! { recover => page.path("/recover") })
}

//! `/account/lost-factor`: cancels the removal of lost second factors. The banner of the account pages posts to it, and the link of its mail
//! shows a form for the code. GET changes nothing.

use super::messages::page_message;
use crate::lost_factor::{self, CancelOutcome};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::secret::SecretText;
use latchkey::web::account::REMOVAL_FORM;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, PrincipalParts};
use minijinja::context;

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        match page.query.one("token")? {
            Some(token) => show(&page, &token.into(), StatusCode::OK, None, None).await,
            None => {
                page.admit(PrincipalParts::Nothing).await?;
                Ok(page.see_other("/account/security"))
            }
        }
    };
    page.answer(shown.await)
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    let answer = match page.query.one("token") {
        Ok(Some(token)) => take_code(&page, &token.into(), &form).await,
        Ok(None) => take_touch(&page, &form).await,
        Err(error) => Err(error.into()),
    };
    page.answer(answer)
}

/// One touch in a live session.
async fn take_touch(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    page.check_form(REMOVAL_FORM, &admitted, form)?;
    lost_factor::cancel(&page.handle, &admitted.presented).await?;
    Ok(page.see_done("/account/security", "removal-cancelled"))
}

async fn take_code(page: &AccountPage, token: &SecretText, form: &Params) -> Result<Response, AccountPageError> {
    let value = form.one(ANTI_FORGERY_FIELD)?;
    if page.browser.check_kept_form(&page.handle.tenant, REMOVAL_FORM, token.expose(), value)? == FormOrigin::Stale {
        let notice = Some(page_message(page, "form-stale"));
        return Ok(Outcome::Expired.tag(show(page, token, StatusCode::FORBIDDEN, None, notice).await?));
    }
    let code = SecretText::from(form.one("code")?.unwrap_or_default());
    match lost_factor::cancel_by_mail(&page.handle, token, &code).await? {
        CancelOutcome::Cancelled => Ok(page.see_other(&format!("/account/lost-factor?token={}", token.expose()))),
        CancelOutcome::WrongCode => {
            let error = Some(page_message(page, "account-mail-code-wrong"));
            Ok(Outcome::WrongCredentials.tag(show(page, token, StatusCode::BAD_REQUEST, error, None).await?))
        }
        CancelOutcome::Over => Ok(over(page)),
    }
}

async fn show(
    page: &AccountPage,
    token: &SecretText,
    status: StatusCode,
    error: Option<String>,
    notice: Option<String>,
) -> Result<Response, AccountPageError> {
    let Some(waits) = lost_factor::waits(&page.handle, token).await? else { return Ok(over(page)) };
    let values = context! {
        waits,
        error,
        notice,
        recover => page.path("/recover"),
        anti_forgery => page.browser.anti_forgery(&page.handle.tenant, REMOVAL_FORM, token.expose()),
    };
    Ok(page.plain("account_lost_factor", status, values))
}

fn over(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

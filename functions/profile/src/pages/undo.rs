//! `/account/email/undo`: restores the former address, authorized by the link mailed to it. It works in any browser, after a confirming
//! POST (security 94).

use crate::email;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::email_change::Undone;
use latchkey::domain::secret::SecretText;
use latchkey::keys::AccountLink;
use latchkey::web::browser::ANTI_FORGERY_FIELD;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params};
use minijinja::context;

const PAGE: &str = "account/email/undo";

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

fn token(page: &AccountPage) -> Result<SecretText, AccountPageError> {
    Ok(page.query.one("token")?.unwrap_or_default().into())
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    if page.query.one("done")?.is_some() {
        return Ok(page.plain("account_undone", StatusCode::OK, context! { recover => page.path("/recover") }));
    }
    let token = token(page)?;
    let former = match email::open_link(&page.handle, AccountLink::EmailUndo, &token).await? {
        Some(linked) => linked.former_address(&page.handle)?,
        None => None,
    };
    let Some(former) = former else { return Ok(link_expired(page)) };
    let anti_forgery = page.browser.anti_forgery(&page.handle.tenant, PAGE, token.expose());
    Ok(page.plain("account_undo", StatusCode::OK, context! { former, anti_forgery }))
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(undo(&page, &form).await)
}

async fn undo(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let token = token(page)?;
    let value = form.one(ANTI_FORGERY_FIELD)?;
    page.browser.check_form(&page.handle.tenant, PAGE, token.expose(), value)?;
    Ok(match email::undo(&page.handle, &token).await? {
        Undone::Restored => {
            let mut response = page.see_other("/account/email/undo?done=undone");
            // Any session of this browser has ended: its epoch is outdated.
            page.browser.clear_session(&mut response);
            response
        }
        Undone::AddressTaken => page.plain("account_undo_taken", StatusCode::CONFLICT, context! {}),
        Undone::Over => link_expired(page),
    })
}

fn link_expired(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

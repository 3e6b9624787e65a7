//! `/account/restore`: the mailed link of a closed account. It works in any browser, after a confirming POST (security 94).

use crate::deletion;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::secret::SecretText;
use latchkey::locale;
use latchkey::web::browser::ANTI_FORGERY_FIELD;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params};
use minijinja::context;

const PAGE: &str = "account/restore";

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

fn token(page: &AccountPage) -> Result<SecretText, AccountPageError> {
    Ok(page.query.one("token")?.unwrap_or_default().into())
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    if page.query.one("done")?.is_some() {
        return Ok(page.plain("account_restored", StatusCode::OK, context! { sign_in => page.path("/login") }));
    }
    let token = token(page)?;
    let Some(due) = deletion::restorable(&page.handle, &token).await? else { return Ok(link_expired(page)) };
    let anti_forgery = page.browser.anti_forgery(&page.handle.tenant, PAGE, token.expose());
    Ok(page.plain("account_restore", StatusCode::OK, context! { until => locale::date(&page.locale, due), anti_forgery }))
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(restore(&page, &form).await)
}

async fn restore(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let token = token(page)?;
    let value = form.one(ANTI_FORGERY_FIELD)?;
    page.browser.check_form(&page.handle.tenant, PAGE, token.expose(), value)?;
    if !deletion::restore(&page.handle, &token).await? {
        return Ok(link_expired(page));
    }
    Ok(page.see_other("/account/restore?done=restored"))
}

fn link_expired(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}

//! `/account/delete`: explains the deletion, and requests it.

use crate::deletion;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::time::Timestamp;
use latchkey::locale;
use latchkey::services::Services;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, PrincipalParts, Section};
use minijinja::context;

const PAGE: &str = "account/delete";
/// The sealed time until which a closed account can be restored. The user is signed out by then, so it travels in the address.
const CLOSED: &str = "closed";

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    if let Some(sealed) = page.query.one(CLOSED)? {
        // Only the browser that closed the account shows that it is closed.
        return if page.is_own_result(sealed, page.query.one("check")?) {
            closed(page, sealed)
        } else {
            Ok(page.see_other("/account"))
        };
    }
    let admitted = page.admit_recent(PrincipalParts::Profile).await?;
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let until = page.handle.now() + page.handle.tenant.config.retention.erasure_grace;
    let values = context! {
        email => claims.0.get("email").and_then(serde_json::Value::as_str),
        until => locale::date(&page.locale, until),
        export => page.path("/account/export"),
        back => page.path("/account/privacy"),
        anti_forgery => page.anti_forgery(PAGE, &admitted),
    };
    Ok(page.show(Section::Privacy, "account_delete", StatusCode::OK, values))
}

fn closed(page: &AccountPage, sealed: &str) -> Result<Response, AccountPageError> {
    let opened = page.handle.tenant.keys.locator()?.open(CLOSED, b"", sealed);
    let Some(millis) = opened.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes) else {
        return Ok(page.see_other("/account"));
    };
    let until = locale::date(&page.locale, Timestamp::from_millis(millis));
    Ok(page.plain("account_deleted", StatusCode::OK, context! { until }))
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(delete(&services, &page, &form).await)
}

async fn delete(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::Nothing).await?;
    page.check_form(PAGE, &admitted, form)?;
    let due = deletion::request(services, &page.handle, &admitted.presented).await?;
    let sealed = page.handle.tenant.keys.locator()?.seal(CLOSED, b"", &due.millis().to_be_bytes())?;
    let mut response = page.see_other(&format!("/account/delete?{CLOSED}={sealed}&check={}", page.result_value(&sealed)));
    page.browser.clear_session(&mut response);
    Ok(response)
}

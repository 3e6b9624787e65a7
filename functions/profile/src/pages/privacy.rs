//! `/account/privacy`: the stored data, the export, and the deletion.

use axum::response::Response;
use http::StatusCode;
use latchkey::web::{AccountPage, AccountPageError, PrincipalParts, Section};
use minijinja::context;

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    page.admit(PrincipalParts::Nothing).await?;
    let retention = page.handle.tenant.config.retention;
    let days = |span: latchkey::domain::time::Span| span.as_seconds().div_euclid(86_400);
    let values = context! {
        export => page.path("/account/export"),
        delete => page.path("/account/delete"),
        grace_days => days(retention.erasure_grace),
        audit_days => days(retention.audit),
    };
    Ok(page.show(Section::Privacy, "account_privacy", StatusCode::OK, values))
}

//! `/account/sessions`: shows where the user is signed in, and ends sessions (security 59).

use super::messages::done_message;
use crate::sessions::{self, SessionView};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::id::SessionId;
use latchkey::locale;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, PrincipalParts, Section};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

const PAGE: &str = "account/sessions";

/// One session of the page.
#[derive(Serialize)]
struct Row {
    sid: SessionId,
    device: Option<String>,
    network: Option<String>,
    created_at: String,
    last_used_at: String,
    is_current: bool,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    let listed = sessions::list(&page.handle, &admitted.presented).await?;
    let rows: Vec<Row> = listed.into_iter().map(|shown| row(page, shown)).collect();
    let values = context! {
        has_others => rows.iter().any(|row| !row.is_current),
        sessions => Value::from(Serde(rows)),
        success => done_message(page, &["session", "sessions"])?,
        anti_forgery => page.anti_forgery(PAGE, &admitted),
    };
    Ok(page.show(Section::Sessions, "account_sessions", StatusCode::OK, values))
}

fn row(page: &AccountPage, shown: SessionView) -> Row {
    Row {
        sid: shown.sid,
        device: shown.device,
        network: shown.network,
        created_at: locale::date(&page.locale, shown.created_at),
        last_used_at: locale::date_and_time(&page.locale, shown.last_used_at),
        is_current: shown.is_current,
    }
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(end(&page, &form).await)
}

async fn end(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    page.check_form(PAGE, &admitted, form)?;
    if let Some(sid) = form.one("end")?.and_then(|sid| sid.parse().ok()) {
        // If it has ended already, the user has what they want.
        sessions::end(&page.handle, &admitted.presented, sid).await?;
        return Ok(page.see_done("/account/sessions", "session"));
    }
    sessions::end_others(&page.handle, &admitted.presented).await?;
    Ok(page.see_done("/account/sessions", "sessions"))
}

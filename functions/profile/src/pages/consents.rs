//! `/account/consents`: the applications that may act for the user, and their withdrawal (security 18).

use super::messages::done_message;
use crate::consents::{self, ApplicationAccess};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::id::ClientId;
use latchkey::locale;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, PrincipalParts, Section};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

const PAGE: &str = "account/consents";
/// Scope tokens with a description of their own. `openid` is left out: the page itself says it.
const KNOWN: [&str; 6] = ["profile", "email", "phone", "address", "offline_access", "account"];

/// One application as the page shows it.
#[derive(Serialize)]
struct Row {
    client_id: ClientId,
    name: String,
    scopes: Vec<String>,
    others: Vec<String>,
    since: String,
    is_consented: bool,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    let listed = consents::list(&page.handle, &admitted.presented).await?;
    let rows: Vec<Row> = listed.iter().map(|shown| row(page, shown)).collect();
    let values = context! {
        clients => Value::from(Serde(rows)),
        success => done_message(page, &["consent"])?,
        anti_forgery => page.anti_forgery(PAGE, &admitted),
    };
    Ok(page.show(Section::Consents, "account_consents", StatusCode::OK, values))
}

fn row(page: &AccountPage, shown: &ApplicationAccess) -> Row {
    // The user can also end an application that the operator has removed, by its id.
    let client = page.handle.tenant.config.clients.get(&shown.client_id);
    let name = client.map_or_else(|| shown.client_id.to_string(), |client| client.client_name.get(&page.locale).to_owned());
    let is_other = |token: &&str| *token != "openid" && !KNOWN.contains(token);
    Row {
        client_id: shown.client_id.clone(),
        name,
        scopes: KNOWN.into_iter().filter(|token| shown.scope.contains(token)).map(str::to_owned).collect(),
        others: shown.scope.iter().filter(is_other).map(str::to_owned).collect(),
        since: locale::date(&page.locale, shown.since),
        is_consented: shown.is_consented,
    }
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(withdraw(&page, &form).await)
}

async fn withdraw(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    page.check_form(PAGE, &admitted, form)?;
    if let Some(client_id) = form.one("withdraw")?.and_then(|id| id.parse().ok()) {
        // If there is nothing to withdraw, the user has what they want.
        consents::withdraw(&page.handle, &admitted.presented, &client_id).await?;
    }
    Ok(page.see_done("/account/consents", "consent"))
}

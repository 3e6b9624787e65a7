//! The page after the right code of a user who chose no password: it creates the passkey that opens the account. Its form has the code again.

use super::message;
use super::running::{PAGE, ending_at_client, flow_id, locale, over_page};
use crate::prove::{self, Proof};
use crate::way_in::{self, ChoiceRefused};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use latchkey::domain::credential::RECOMMENDED_PASSWORD_CHARACTERS;
use latchkey::domain::registration::{FlowOver, check_open};
use latchkey::domain::tenant::RegistrationPassword;
use latchkey::keys::locator::FlowLocator;
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::SCRIPT_PATH;
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle, fields};
use serde_json::json;

/// Shows the page, with what was wrong with the first choice.
pub(super) async fn show(
    handle: &TenantHandle,
    browser: &Browser,
    query: &Params,
    proof: &Proof,
    locator: FlowLocator,
    refused: Option<&ChoiceRefused>,
) -> Result<Response, Problem> {
    let (tenant, id) = (&handle.tenant, flow_id(query)?);
    let snapshot = tenant.store.find_flow(locator.flow, locator.account).await?;
    let locale = locale(handle, browser, query, snapshot.as_ref())?;
    let Some(FlowSnapshot { flow, data_key: Some(data_key) }) =
        snapshot.filter(|found| check_open(&found.flow, handle.now()).is_ok())
    else {
        return Ok(Outcome::Expired.tag(browser.answer(over_page(handle, &locale, None, FlowOver::Expired).into_response())));
    };
    let pending = prove::open_pending(tenant, &flow, &data_key)?;
    let options = way_in::options(handle, browser, &flow, &pending, &locale)?;
    let (code, token) = match proof {
        Proof::Code(code) => (Some(code.expose()), None),
        Proof::Link(token) => (None, Some(token.expose())),
    };
    let password_error = match refused {
        Some(ChoiceRefused::Password(flaw)) => Some(fields::password_flaw(&locale, flaw)),
        Some(ChoiceRefused::Stale | ChoiceRefused::Passkey) | None => None,
    };
    let notice = match refused {
        Some(ChoiceRefused::Stale) => Some(message(&locale, "account-passkeys-stale")),
        Some(ChoiceRefused::Passkey) => Some(message(&locale, "account-passkeys-refused")),
        Some(ChoiceRefused::Password(_)) | None => None,
    };
    let values = json!({
        "anti_forgery": browser.anti_forgery(tenant, PAGE, id),
        "flow": id,
        "email": pending.email,
        "code": code,
        "token": token,
        "options": options.map(|options| options.to_string()),
        "passkey_script": SCRIPT_PATH.as_str(),
        "notice": notice,
        "password_error": password_error,
        "allows_password": tenant.config.registration.password == RegistrationPassword::Optional,
        "min_length": tenant.config.password.min_length,
        "recommended_length": RECOMMENDED_PASSWORD_CHARACTERS,
    });
    // The address of this page shows the field for the code, which is typed again after a reload.
    let page = Page::new(tenant, &locale, "verify_passkey", values);
    let page = if refused.is_some() { page.status(StatusCode::BAD_REQUEST) } else { page };
    let response = browser.answer(ending_at_client(page, &flow).into_response());
    Ok(if refused.is_some() { Outcome::Refused.tag(response) } else { response })
}

//! `/account/passkeys`: the passkeys of the user, with their names; `/account/passkeys/new` adds one (security 86, 87).

use super::confirm_address::{self, Next};
use super::messages::{done_message, page_message};
use super::offer;
use crate::CommandError;
use crate::address_proof::{self, AddressProofState};
use crate::passkeys::{self, AddOutcome, Creation, PasskeyView};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::passkey::decisions::PasskeyRemoved;
use latchkey::domain::passkey::{CredentialHash, MAX_NAME, MAX_PASSKEYS};
use latchkey::domain::sign_in::methods::passkey::refusal::PasskeyRefusal;
use latchkey::domain::time::Timestamp;
use latchkey::locale::{self, FluentValue};
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::{NewPasskeyUser, RelyingParty, SCRIPT_PATH, creation_options};
use latchkey::web::passkey_signals;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

const PAGE: &str = "account/passkeys";
const NEW: &str = "account/passkeys/new";

/// What the browser is told after a change of the address or the name, if the account has passkeys.
pub(super) fn user_signal(page: &AccountPage, admitted: &AdmittedUser, email: &str, name: &str) -> Option<String> {
    let has_passkeys = admitted.principal.authentication().factors.passkeys > 0;
    let party = RelyingParty::of(&page.handle.tenant).filter(|_| has_passkeys)?;
    let shown = if name.is_empty() { email } else { name };
    Some(passkey_signals::user_details(&party, admitted.presented.account(), email, shown))
}

/// One passkey of the page.
#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    provider: Option<&'static str>,
    is_synced: bool,
    created_at: String,
    last_used_at: Option<String>,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit(PrincipalParts::Profile).await?;
        show(&page, &admitted, StatusCode::OK, None).await
    };
    page.answer(shown.await)
}

async fn show(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    notice: Option<String>,
) -> Result<Response, AccountPageError> {
    Ok(page.show(Section::Security, "account_passkeys", status, values(page, admitted, notice).await?))
}

/// The page after too many changes in a day.
async fn show_blocked(page: &AccountPage, admitted: &AdmittedUser, until: Timestamp) -> Result<Response, AccountPageError> {
    let wait = until.since(page.handle.now());
    let hours = FluentValue::from((wait.as_seconds() + 3599).div_euclid(3600));
    let notice = Some(locale::message(&page.locale, "account-passkeys-too-many-changes", [("hours", hours)]));
    let values = values(page, admitted, notice).await?;
    Ok(Outcome::Throttled.tag(page.show_blocked(Section::Security, "account_passkeys", wait, values)))
}

async fn values(page: &AccountPage, admitted: &AdmittedUser, notice: Option<String>) -> Result<Value, AccountPageError> {
    let listed = passkeys::list(&page.handle, &admitted.principal).await?;
    let rows: Vec<Row> = listed.into_iter().map(|shown| row(page, shown)).collect();
    let can_add = RelyingParty::of(&page.handle.tenant).is_some() && rows.len() < MAX_PASSKEYS;
    let success = done_message(page, &["passkey-added", "passkey-removed", "passkey-renamed"])?;
    let account = admitted.presented.account();
    let signals = match RelyingParty::of(&page.handle.tenant) {
        Some(party) if success.is_some() => {
            let stored = page.handle.tenant.store.find_passkeys(account).await?;
            Some(passkey_signals::all_accepted(&party, account, &stored))
        }
        Some(_) | None => None,
    };
    Ok(context! {
        signals,
        passkey_script => SCRIPT_PATH.as_str(),
        passkeys => Value::from(Serde(rows)),
        new => can_add.then(|| page.path("/account/passkeys/new")),
        success,
        notice,
        max_name => MAX_NAME,
        back => page.path("/account/security"),
        anti_forgery => page.anti_forgery(PAGE, admitted),
    })
}

fn row(page: &AccountPage, shown: PasskeyView) -> Row {
    Row {
        id: shown.id.to_string(),
        name: shown.name.unwrap_or_else(|| page_message(page, "account-passkeys-unnamed")),
        provider: shown.provider,
        is_synced: shown.is_synced,
        created_at: locale::date(&page.locale, shown.created_at),
        last_used_at: shown.last_used_at.map(|at| locale::date_and_time(&page.locale, at)),
    }
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(change(&page, &form).await)
}

async fn change(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Profile).await?;
    page.check_form(PAGE, &admitted, form)?;
    let id = |name| form.one(name).map(|id| id.and_then(CredentialHash::parse));
    if let Some(id) = id("remove")? {
        let removed = match passkeys::remove(&page.handle, &admitted.presented, id).await {
            Err(CommandError::ProveAddress) => return Ok(page.see_other(&confirm_address::before(page, Next::Passkeys)?)),
            other => other?,
        };
        return match removed {
            PasskeyRemoved::Removed => Ok(page.see_done("/account/passkeys", "passkey-removed")),
            PasskeyRemoved::LastWayIn => {
                let notice = Some(page_message(page, "account-passkeys-last"));
                Ok(Outcome::Refused.tag(show(page, &admitted, StatusCode::CONFLICT, notice).await?))
            }
            PasskeyRemoved::TooManyChanges { until } => show_blocked(page, &admitted, until).await,
        };
    }
    if let Some(id) = id("rename")? {
        passkeys::rename(&page.handle, &admitted.presented, id, form.one("name")?.unwrap_or_default()).await?;
        return Ok(page.see_done("/account/passkeys", "passkey-renamed"));
    }
    Ok(page.see_other("/account/passkeys"))
}

pub(crate) async fn get_new(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::Profile).await?;
        let has_passkeys = RelyingParty::of(&page.handle.tenant).is_some();
        if has_passkeys && address_proof::state(&page.handle, &admitted.principal)? != AddressProofState::NotNeeded {
            return Ok(page.see_other(&confirm_address::before(&page, Next::NewPasskey)?));
        }
        show_new(&page, &admitted, StatusCode::OK, None).await
    };
    page.answer(shown.await)
}

async fn show_new(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    notice: Option<String>,
) -> Result<Response, AccountPageError> {
    let tenant = &page.handle.tenant;
    let Some(party) = RelyingParty::of(tenant) else { return Ok(page.see_other("/account/passkeys")) };
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let text = |name| claims.0.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let email = text("email");
    let user = NewPasskeyUser {
        account: admitted.presented.account(),
        session: admitted.session_id(),
        epoch: admitted.principal.authentication().epoch,
        name: email,
        display_name: Some(text("name")).filter(|name| !name.is_empty()).unwrap_or(email),
    };
    let stored = tenant.store.find_passkeys(user.account).await?;
    let site = tenant.config.name.get(&page.locale);
    let options = creation_options(&page.handle, &page.browser, &party, user, site, &stored)?;
    let values = context! {
        options => options.to_string(),
        passkey_script => SCRIPT_PATH.as_str(),
        max_name => MAX_NAME,
        notice,
        action => offer::along(page, "?")?,
        back => offer::end(page, "/account/passkeys")?,
        is_offer => offer::of(page)?.is_some(),
        anti_forgery => page.anti_forgery(NEW, admitted),
    };
    Ok(offer::show(page, Section::Security, "account_passkeys_new", status, values))
}

pub(crate) async fn post_new(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(add(&page, &form).await)
}

async fn add(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::Profile).await?;
    page.check_form(NEW, &admitted, form)?;
    let text = |name| form.one(name).map(Option::unwrap_or_default);
    let posted = Creation {
        credential: text("credential")?,
        state: text("state")?,
        name: text("name")?,
        ends_others: form.one("end_others")? == Some("true"),
    };
    let added = match passkeys::add(&page.handle, &page.browser, &admitted.presented, &posted).await {
        Err(CommandError::ProveAddress) => return Ok(page.see_other(&confirm_address::before(page, Next::NewPasskey)?)),
        other => other?,
    };
    let (status, words) = match added {
        AddOutcome::Added => return offer::done(page, "/account/passkeys", "passkey-added"),
        AddOutcome::TooManyChanges { until } => return show_blocked(page, &admitted, until).await,
        AddOutcome::TooMany => (StatusCode::CONFLICT, "account-passkeys-too-many"),
        AddOutcome::Refused(PasskeyRefusal::ChallengeExpired | PasskeyRefusal::ChallengeForeign) => {
            (StatusCode::CONFLICT, "account-passkeys-stale")
        }
        AddOutcome::Refused(_) => (StatusCode::BAD_REQUEST, "account-passkeys-refused"),
    };
    Ok(Outcome::Refused.tag(show_new(page, &admitted, status, Some(page_message(page, words))).await?))
}

//! `/account/two-step`: whether the account asks for a second step at sign-in, and what can be changed about it.

pub(crate) mod app;
pub(crate) mod codes;
mod qr;
pub(crate) mod remove;
mod shown_codes;

use super::messages::{done_message, page_message};
use crate::remembered_devices;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::account::AccountState;
use latchkey::domain::recovery_codes::COUNT;
use latchkey::domain::remembered_device::Forget;
use latchkey::domain::second_factor::has_codes;
use latchkey::domain::tenant::SecondFactorPolicy;
use latchkey::domain::time::Timestamp;
use latchkey::locale::{self, FluentValue};
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, PrincipalParts, Section};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

const PAGE: &str = "account/two-step";
const PATH: &str = "/account/two-step";
const APP: &str = "/account/two-step/app";
const CODES: &str = "/account/two-step/codes";
const FILE: &str = "/account/two-step/codes/file";
const REMOVE: &str = "/account/two-step/remove";
/// Results that this page shows.
const DONE: [&str; 5] = ["app-added", "app-replaced", "app-removed", "codes-kept", "devices-forgotten"];
/// The value of the button that forgets all remembered devices.
const ALL: &str = "all";

/// One remembered device of the page.
#[derive(Serialize)]
struct RememberedRow {
    id: String,
    name: Option<String>,
    until: String,
    is_this: bool,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

/// Forgets remembered devices.
pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(forget(&page, &form).await)
}

async fn forget(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    page.check_form(PAGE, &admitted, form)?;
    let which = match form.one("forget")? {
        Some(ALL) => Some(Forget::All),
        Some(id) => u64::from_str_radix(id, 16).ok().map(Forget::One),
        None => None,
    };
    let Some(which) = which else { return Ok(page.see_other(PATH)) };
    remembered_devices::forget(&page.handle, &admitted.presented, which).await?;
    Ok(page.see_done(PATH, "devices-forgotten"))
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::SecondFactors).await?;
    let snapshot = &admitted.principal.snapshot;
    // The account's state decides. After a rollback to a release without second factors the items say more than counts.
    let account = admitted.principal.authentication();
    let totp = snapshot.totp.as_ref().filter(|_| account.factors.totp.is_some());
    let active = totp.and_then(|totp| totp.active.as_ref());
    let codes = snapshot.recovery_codes.as_ref().filter(|codes| has_codes(account) && codes.removed_at.is_none());
    let own = page.browser.device_of(account.account);
    let remembered = remembered_devices::list(&page.handle, &admitted.presented, &admitted.principal).await?;
    let remembered = remembered.into_iter().map(|device| RememberedRow {
        id: format!("{:016x}", device.id),
        name: device.name,
        until: locale::date(&page.locale, device.until),
        is_this: own == Some(device.id),
    });
    let values = context! {
        remembered => Value::from(Serde(remembered.collect::<Vec<_>>())),
        anti_forgery => page.anti_forgery(PAGE, &admitted),
        app_since => active.map(|active| locale::date(&page.locale, active.added_at)),
        // An account with an imported app has no codes yet: it can make some.
        codes_left => has_codes(account).then(|| codes.map_or(0, |codes| codes.left())),
        codes_total => COUNT,
        are_kept => codes.is_none_or(|codes| codes.are_kept),
        app => can_set_up(page, account).then(|| page.path(APP)),
        codes => page.path(CODES),
        remove => page.path(REMOVE),
        back => page.path("/account/security"),
        success => done_message(page, &DONE)?,
    };
    Ok(page.show(Section::Security, "account_two_step", StatusCode::OK, values))
}

/// Whether the user can set up an app: the tenant document allows it. An app that is in use can always be replaced.
fn can_set_up(page: &AccountPage, account: &AccountState) -> bool {
    account.factors.totp.is_some() || page.handle.tenant.config.sign_in.second_factor != SecondFactorPolicy::Off
}

/// There were too many changes in a day.
fn too_many(page: &AccountPage, until: Timestamp) -> String {
    let wait = until.since(page.handle.now());
    let hours = FluentValue::from((wait.as_seconds() + 3599).div_euclid(3600));
    locale::message(&page.locale, "two-step-too-many", [("hours", hours)])
}

/// The words for a form without its cookie.
fn stale(page: &AccountPage) -> String {
    page_message(page, "form-stale")
}

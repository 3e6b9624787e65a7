//! `/account/security`: password, address, and recent history.

use super::messages::{done_message, page_message};
use super::{not_me, passkeys};
use crate::history::{self, Entry};
use crate::remembered_devices;
use crate::second_factor::{allowed_ways, passkeys_of};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::account::AccountState;
use latchkey::domain::not_me::can_be_reported;
use latchkey::domain::sign_in::assurance::Acr;
use latchkey::domain::sign_in::ways_in::StoredWays;
use latchkey::locale::{self, FluentValue};
use latchkey::web::passkey::{RelyingParty, SCRIPT_PATH};
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, PrincipalParts, Section};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

/// How many entries are shown.
const MAX_ENTRIES: u16 = 30;

/// One entry of the page.
#[derive(Serialize)]
struct HistoryRow {
    /// The id of its message, without the prefix `event-`.
    kind: latchkey::domain::audit::EventKind,
    is_new_device: bool,
    at: String,
    client: Option<String>,
    is_this_network: Option<bool>,
    /// Where it is reported as not the user's, if it can be.
    not_me: Option<String>,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Profile).await?;
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let history = history::list(&page.handle, &admitted.presented, MAX_ENTRIES).await?;
    let history: Vec<HistoryRow> = history.iter().map(|entry| shown(page, entry)).collect();
    let factors = admitted.principal.authentication().factors;
    let text = |name| claims.0.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let signals = match page.own_done()? {
        Some("email") => passkeys::user_signal(page, &admitted, text("email"), text("name")),
        Some(_) | None => None,
    };
    let values = context! {
        factor_due => factor_due(page, admitted.principal.authentication()),
        signals,
        one_device => depends_on_one_device(page, &admitted).await?,
        new_passkey => page.path("/account/passkeys/new"),
        set_up_app => page.path("/account/two-step/app"),
        recover => page.path("/recover"),
        passkey_script => SCRIPT_PATH.as_str(),
        email => claims.0.get("email").and_then(serde_json::Value::as_str),
        change_email => page.path("/account/email"),
        change_password => page.path("/account/password"),
        has_app => factors.totp.is_some(),
        codes_left => factors.recovery_codes,
        remembered => remembered_devices::count(&page.handle, &admitted.principal),
        two_step => page.path("/account/two-step"),
        passkeys => RelyingParty::of(&page.handle.tenant).map(|_| admitted.principal.authentication().factors.passkeys),
        manage_passkeys => page.path("/account/passkeys"),
        history => Value::from(Serde(history)),
        success => done_message(page, &["password", "email", "removal-cancelled"])?,
    };
    Ok(page.show(Section::Security, "account_security", StatusCode::OK, values))
}

/// What is due of an account without a second factor, where the tenant document requires one.
fn factor_due(page: &AccountPage, account: &AccountState) -> Option<String> {
    let (tenant, now) = (&page.handle.tenant, page.handle.now());
    let policy = tenant.config.sign_in.second_factor;
    let has_factor = account.factors.highest_level(RelyingParty::of(tenant).is_some()) >= Acr::Aal2;
    let deadline = policy.deadline(account.created_at).filter(|_| policy.is_in_force(now) && !has_factor)?;
    Some(if deadline <= now {
        page_message(page, "two-step-overdue")
    } else {
        locale::message(&page.locale, "two-step-due", [("date", FluentValue::from(locale::date(&page.locale, deadline)))])
    })
}

/// Whether a passkey that cannot leave its device is the only way into the account: the page says so, before the device is lost. Whatever can be
/// known from the account's state is read nowhere else.
async fn depends_on_one_device(page: &AccountPage, admitted: &AdmittedUser) -> Result<Option<&'static str>, AccountPageError> {
    let account = admitted.principal.authentication();
    let party = RelyingParty::of(&page.handle.tenant);
    if account.factors.passkeys == 0 || party.is_none() || (account.protected && account.factors.has_second_step()) {
        return Ok(None);
    }
    let passkeys = passkeys_of(&page.handle, account).await?;
    let allowed = allowed_ways(&page.handle, party.as_ref());
    // A password is read only if nothing else decides. For a protected one it does not matter.
    let without = StoredWays { account, has_password: false, passkeys: &passkeys };
    if !without.depends_on_one_device(allowed) {
        return Ok(None);
    }
    if account.protected {
        return Ok(Some("protected"));
    }
    let principal = admitted.presented.load(&page.handle, PrincipalParts::ProfileAndPassword).await?;
    let has_password = principal.is_some_and(|principal| principal.snapshot.password.is_some());
    let ways = StoredWays { has_password, ..without };
    Ok(ways.depends_on_one_device(allowed).then_some("plain"))
}

fn shown(page: &AccountPage, entry: &Entry) -> HistoryRow {
    let config = &page.handle.tenant.config;
    let client = entry.client_id.as_ref().and_then(|id| config.clients.get(id));
    HistoryRow {
        kind: entry.kind,
        is_new_device: entry.is_new_device,
        at: locale::date_and_time(&page.locale, entry.at),
        client: client.map(|client| client.client_name.get(&page.locale).to_owned()),
        is_this_network: entry.is_this_network,
        not_me: can_be_reported(entry.kind).then(|| page.path(&not_me::address(&entry.id))),
    }
}

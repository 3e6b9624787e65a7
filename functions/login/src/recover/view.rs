//! What a password reset shows: the first step, and the step that its flow is at.

use crate::pending::{Pending, USERNAME};
use crate::respond;
use crate::username;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::passkey::provider;
use latchkey::domain::recovery;
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Span;
use latchkey::keys::SealedField;
use latchkey::locale::{self, FluentValue, message};
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::passkey::RelyingParty;
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle};
use minijinja::{Value, context};
use std::collections::BTreeMap;

pub(super) const PAGE: &str = "recover";

/// A password reset by its public id.
pub(super) async fn find(handle: &TenantHandle, id: &str) -> Result<Option<Flow>, Problem> {
    Ok(find_snapshot(handle, id).await?.map(|found| found.flow))
}

pub(super) async fn find_snapshot(handle: &TenantHandle, id: &str) -> Result<Option<FlowSnapshot>, Problem> {
    let Some(locator) = handle.tenant.keys.locator()?.open_flow_id(id) else { return Ok(None) };
    let found = handle.tenant.store.find_flow(locator.flow, locator.account).await?;
    Ok(found.filter(|found| found.flow.purpose == FlowPurpose::Recovery))
}

/// The state of a flow, as shown to a browser.
pub(super) enum Step {
    /// The form; without the code if the link has proved the address.
    Prove { by_link: bool },
    /// The code to type in the browser that started the flow.
    OtherBrowser { code: SecretText },
    /// The new password is in force.
    Done {
        sign_in: String,
        /// What else the account has, in words.
        factors: Vec<String>,
    },
    /// The account cannot be migrated from its directory.
    Stays,
    /// The proven address has no account.
    UnknownAddress { register: Option<String> },
    /// Ended by the owner of the address.
    Ended,
    /// Used, expired, or of another browser.
    Over,
}

pub(super) struct FlowView<'a> {
    pub(super) handle: &'a TenantHandle,
    pub(super) browser: &'a Browser,
    pub(super) id: &'a str,
    pub(super) step: Step,
    pub(super) locale: String,
    /// The address, for the browser's password manager.
    pub(super) username: Option<String>,
    /// The code to keep in the form, if only the password was wrong.
    pub(super) typed: Option<SecretText>,
    pub(super) is_stale: bool,
}

impl<'a> FlowView<'a> {
    pub(super) async fn load(
        handle: &'a TenantHandle,
        browser: &'a Browser,
        id: &'a str,
        query: &Params,
    ) -> Result<Self, Problem> {
        let flow = find(handle, id).await?;
        let locale = browser.locale(&handle.tenant, flow.as_ref().map(|flow| flow.locale.as_str()));
        let step = match &flow {
            Some(flow) => match step_of(handle, browser, flow, query.one("token")?)? {
                Step::Done { sign_in, .. } => Step::Done { sign_in, factors: remaining_factors(handle, flow, &locale).await? },
                other => other,
            },
            None => Step::Over,
        };
        let username = match (&step, &flow) {
            // The link was mailed to the account's address, and this browser asked for it.
            (Step::Prove { by_link: true }, Some(flow)) => username::find_stored(handle, flow).await?,
            (Step::Prove { by_link: false }, _) => username::open(handle, browser, query.one(USERNAME)?)?,
            _ => None,
        };
        Ok(Self { handle, browser, id, step, locale, username, typed: None, is_stale: false })
    }

    pub(super) fn keep(self, typed: Option<SecretText>) -> Self {
        Self { typed, ..self }
    }

    /// With the sentence that the form was stale.
    pub(super) fn stale(self) -> Self {
        Self { is_stale: true, ..self }
    }

    pub(super) fn at(self, step: Step) -> Self {
        Self { step, ..self }
    }

    pub(super) fn show(&self, status: StatusCode, errors: BTreeMap<&'static str, String>) -> Response {
        let tenant = &self.handle.tenant;
        let anti_forgery = self.browser.anti_forgery(tenant, PAGE, self.id);
        let (template, values, status): (_, Value, _) = match &self.step {
            Step::Prove { by_link } => {
                let policy = tenant.config.password;
                let code = self.typed.as_ref().map(SecretText::expose);
                let notice = self.is_stale.then(|| message(&self.locale, "form-stale", []));
                let (username, min_length) = (&self.username, policy.min_length);
                let values = context! { by_link, errors, notice, anti_forgery, code, username, min_length };
                ("recover_prove", values, status)
            }
            Step::OtherBrowser { code } => ("recover_elsewhere", context! { code => code.expose(), anti_forgery }, status),
            Step::Done { sign_in, factors } => ("recover_done", context! { sign_in, factors }, status),
            Step::Stays => ("recover_stays", context! {}, status),
            Step::UnknownAddress { register } => ("recover_nobody", context! { register }, status),
            Step::Ended => ("recover_ended", context! {}, status),
            Step::Over => {
                let again = respond::path(tenant, "/recover");
                ("recover_over", context! { again }, if status == StatusCode::OK { StatusCode::GONE } else { status })
            }
        };
        self.browser.answer(Page::new(tenant, &self.locale, template, values).status(status).into_response())
    }
}

/// What opens the account besides its new password, in words, for the browser that has set it.
async fn remaining_factors(handle: &TenantHandle, flow: &Flow, locale: &str) -> Result<Vec<String>, Problem> {
    let store = &handle.tenant.store;
    let Some((account, data_key)) = store.find_mailed_account(&flow.identifier).await? else { return Ok(Vec::new()) };
    let factors = account.factors;
    let mut words = locale::second_factors(locale, factors.totp.is_some(), factors.recovery_codes);
    if factors.passkeys > 0
        && let Some(party) = RelyingParty::of(&handle.tenant)
    {
        let mut passkeys = store.find_passkeys(account.account).await?;
        passkeys.retain(|passkey| passkey.signs_in_at(Some(&party.id)));
        passkeys.sort_by_key(|passkey| passkey.created_at);
        let key = handle.tenant.keys.data()?.unwrap(&data_key)?;
        for one in &passkeys {
            let name = one.name.as_ref().map(|name| key.open(SealedField::PasskeyName, name)).transpose()?;
            let name = name.and_then(|name| String::from_utf8(name).ok());
            words.push(locale::passkey(locale, name.as_deref(), provider(one.aaguid), one.created_at));
        }
    }
    Ok(words)
}

fn step_of(handle: &TenantHandle, browser: &Browser, flow: &Flow, token: Option<&str>) -> Result<Step, Problem> {
    let keyring = handle.tenant.keys.proof()?;
    let is_ours = recovery::is_of_browser(flow, &browser.binding());
    let by_link = match token {
        Some(token) => keyring.matches_link(flow, &SecretText::from(token))?,
        None => false,
    };
    Ok(match (flow.state, is_ours) {
        (FlowState::Completed, true) => {
            // The client may have been removed meanwhile: then the sign-in page stays by itself.
            let known = handle.tenant.config.clients.contains_key(&flow.client_id);
            let locator = handle.tenant.keys.locator()?;
            let query = flow.continue_to.as_deref().filter(|_| known).and_then(|stored| locator.open_query(flow.id, stored));
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            Step::Done { sign_in: format!("{}{query}", respond::path(&handle.tenant, "/login")), factors: Vec::new() }
        }
        (FlowState::Open, true) if recovery::is_open(flow, handle.now()) => Step::Prove { by_link },
        (FlowState::Open, false) if by_link && recovery::is_open(flow, handle.now()) => {
            Step::OtherBrowser { code: keyring.code(flow)? }
        }
        (FlowState::Ended, _) => Step::Ended,
        (FlowState::Open | FlowState::Completed, _) => Step::Over,
    })
}

/// Why the first step is shown.
pub(super) enum Start {
    Asked,
    /// What was typed is no address.
    Malformed,
    /// The form was stale.
    Stale,
    /// The limit of mails for this address and trigger is reached.
    NoMoreMails {
        retry_after: Span,
    },
}

pub(super) fn show_start(
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    identifier: &str,
    start: Start,
) -> Response {
    let tenant = &handle.tenant;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let (error, notice) = match &start {
        Start::Asked => (None, None),
        Start::Malformed => (Some(message(&locale, "login-identifier-malformed", [])), None),
        Start::Stale => (None, Some(message(&locale, "form-stale", []))),
        Start::NoMoreMails { retry_after } => {
            let hours = FluentValue::from((retry_after.as_seconds() + 3599).div_euclid(3600));
            (Some(message(&locale, "recover-no-more-mails", [("hours", hours)])), None)
        }
    };
    let errors = error.map(|words| BTreeMap::from([("identifier", words)])).unwrap_or_default();
    let values = context! {
        identifier,
        errors,
        notice,
        anti_forgery => browser.anti_forgery(tenant, PAGE, &pending.context()),
        sign_in => pending.continue_at(tenant, "/login"),
    };
    let page = Page::new(tenant, &locale, "recover_start", values).languages(&pending.own_query());
    let page = match start {
        Start::Asked => page,
        Start::Malformed => page.status(StatusCode::BAD_REQUEST),
        Start::Stale => page.status(StatusCode::FORBIDDEN),
        Start::NoMoreMails { retry_after } => page.blocked(retry_after),
    };
    browser.answer(page.into_response())
}

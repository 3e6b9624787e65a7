//! Starts a registration, for page and API: hash, seal, count the mail, two puts. It reads nothing, so the result does not depend on existing accounts
//! (security 107).

use crate::way_in;
use latchkey::domain::change::Decision;
use latchkey::domain::form::Submission;
use latchkey::domain::id::ClientId;
use latchkey::domain::mail_limit::{CodeLimit, Trigger, until_tomorrow};
use latchkey::domain::registration::{self, Application, ApplicationFlaw, NewRegistration, PendingRegistration};
use latchkey::domain::secret::SecretHash;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::SealedField;
use latchkey::keys::locator::FlowLocator;
use latchkey::services::Services;
use latchkey::store::DecideError;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle, stored_request};
use std::convert::Infallible;

/// Where the registration comes from.
pub(crate) struct Origin {
    pub(crate) submission: Submission,
    pub(crate) client_id: ClientId,
    pub(crate) locale: String,
    pub(crate) browser: Option<SecretHash>,
    /// What its mail is counted by, once the short codes of the address are used up.
    pub(crate) trigger: Trigger,
    /// The query of the page, if it continues somewhere after the registration.
    pub(crate) continue_to: Option<Continuation>,
}

/// Where a registration continues.
pub(crate) enum Continuation {
    /// At an authorization request. The mail is a detour, so the request waits in the store.
    Request(String),
    /// At a page of the account.
    Page(String),
}

/// A registration that waits for verification.
pub(crate) struct StartedRegistration {
    /// The public id of its flow.
    pub(crate) id: String,
    pub(crate) expires_at: Timestamp,
}

/// Why it did not start.
pub(crate) enum StartError {
    /// The form has flaws.
    Flawed(Vec<ApplicationFlaw>),
    /// This trigger has caused as many mails to the address as it may in a day. It is counted before anything is known of the address.
    NoMoreMails {
        /// When the limit starts again.
        retry_after: Span,
    },
    /// Any other problem.
    Problem(Problem),
}

impl<P: Into<Problem>> From<P> for StartError {
    fn from(problem: P) -> Self {
        Self::Problem(problem.into())
    }
}

pub(crate) async fn begin(
    services: &Services,
    handle: &TenantHandle,
    application: &Application,
    origin: Origin,
) -> Result<StartedRegistration, StartError> {
    let (tenant, now) = (&handle.tenant, handle.now());
    let asked = way_in::asked_password(tenant, origin.submission);
    let checked =
        application.check(&tenant.config, asked, origin.submission, &origin.locale, now).map_err(StartError::Flawed)?;
    // Hash now, for every address alike, so that the password itself is never stored.
    let password = match application.has_password() {
        true => Some(services.hasher.hash(&application.password).await?),
        false => None,
    };
    let pending = PendingRegistration {
        email: checked.email.as_str().to_owned(),
        typed: Some(application.email.trim()).filter(|typed| *typed != checked.email.as_str()).map(str::to_owned),
        claims: checked.claims,
        password,
        terms: checked.terms,
    };
    let locator = FlowLocator { account: services.random.account_id(), flow: services.random.flow_id() };
    let (key, wrapped, keyring_version) = tenant.keys.data()?.generate(locator.account)?;
    let plain = serde_json::to_vec(&pending).map_err(unreadable)?;
    let sealer = tenant.keys.locator()?;
    let (continue_to, stores) = match origin.continue_to {
        Some(Continuation::Request(query)) => {
            let prepared = stored_request::prepare(services.random, handle, &query)?;
            (Some(prepared.query), prepared.change)
        }
        Some(Continuation::Page(query)) => (Some(query), None),
        None => (None, None),
    };
    let new = NewRegistration {
        flow: locator.flow,
        account: locator.account,
        identifier: tenant.keys.identifier()?.hash_email(&checked.email),
        seed: services.random.bytes(),
        code_key_version: tenant.keys.proof()?.current_version(),
        browser: origin.browser,
        client_id: origin.client_id,
        locale: origin.locale,
        continue_to: continue_to.map(|query| sealer.seal_query(locator.flow, &query)),
        payload: key.seal(SealedField::PendingRegistration, &plain)?,
        data_key: (wrapped, keyring_version),
    };
    let start = async |limit: CodeLimit| {
        let decide = || {
            let Decision { changes, outcome } = registration::start(new.clone(), limit, now);
            // After the counter of mails: at its limit nothing is written.
            let changes = match &stores {
                Some(change) => changes.second(change.clone()),
                None => changes,
            };
            std::future::ready(Ok::<_, Infallible>(Decision { changes, outcome }))
        };
        tenant.store.decide(&handle.request, decide).await
    };
    let started = match start(CodeLimit::Short).await {
        Err(DecideError::LimitReached) => start(CodeLimit::Long(origin.trigger)).await,
        started => started,
    };
    let expires_at = match started {
        Err(DecideError::LimitReached) => return Err(StartError::NoMoreMails { retry_after: until_tomorrow(now) }),
        started => started?,
    };
    Ok(StartedRegistration { id: tenant.keys.locator()?.flow_id(&locator), expires_at })
}

/// Our own sealed or stored data is malformed: an internal error without details.
pub(crate) fn unreadable(_: serde_json::Error) -> Problem {
    Problem::new(ProblemKind::Internal, "The registration could not be completed. Please start again.")
}

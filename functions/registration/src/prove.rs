//! Proving an address, for page and API alike: load, decide, commit; asking for a new code; saying that one did not ask.
//!
//! While people come from a former directory, it is asked once the proof is right ([`former`]): whom it knows comes over with what they
//! typed, under the identity that they had there.

use crate::begin::unreadable;
use crate::former::{self, Former, Known};
use latchkey::domain::account::WrappedDataKey;
use latchkey::domain::change::Decision;
use latchkey::domain::directory;
use latchkey::domain::flow::Flow;
use latchkey::domain::linked_identity::LinkedIdentity;
use latchkey::domain::profile::Claims;
use latchkey::domain::registration::{
    self, FlowOver, PendingRegistration, ProofKind, Proven, ProvenPerson, Resent, SignInAfterProof, Verified,
};
use latchkey::domain::secret::SecretText;
use latchkey::keys::locator::FlowLocator;
use latchkey::keys::{DataKey, SealedField};
use latchkey::services::{Services, Tenant};
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::browser::Browser;
use latchkey::web::problem::ProblemKind;
use latchkey::web::session::{Opening, seal_device};
use latchkey::web::{Problem, TenantHandle};
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};

/// What the person shows.
pub(crate) enum Proof {
    /// The code that they typed.
    Code(SecretText),
    /// The token of the link that they followed.
    Link(SecretText),
}

/// Where they show it: a proof counts only where its registration began (security 79, 94).
pub(crate) enum Place<'b> {
    /// Begun by the API, which has no browser.
    Api,
    /// This browser, which is signed in at once.
    Browser(&'b Browser, &'b Opening),
}

impl Place<'_> {
    pub(crate) fn began(&self, flow: &Flow) -> bool {
        match self {
            Self::Api => flow.browser.is_none(),
            Self::Browser(browser, _) => flow.browser == Some(browser.binding()),
        }
    }
}

/// The flow of a public id.
pub(crate) fn locate(tenant: &Tenant, id: &str) -> Result<FlowLocator, Problem> {
    tenant.keys.locator()?.open_flow_id(id).ok_or_else(no_such_registration)
}

fn no_such_registration() -> Problem {
    Problem::new(ProblemKind::NotFound, "There is no such registration, or it began elsewhere. Please begin again.")
}

/// Decides on a proof and commits; the flow is the one that was decided on.
pub(crate) async fn prove(
    services: &Services,
    handle: &TenantHandle,
    locator: FlowLocator,
    proof: &Proof,
    place: &Place<'_>,
) -> Result<(Verified, Option<Flow>), Problem> {
    let (tenant, now) = (&handle.tenant, handle.now());
    let sub = services.random.sub();
    let attempts = AtomicU32::new(0);
    let decide = || async {
        let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        let Some(FlowSnapshot { flow, data_key }) = tenant.store.find_flow(locator.flow, locator.account).await? else {
            return Ok(Decision::unchanged((Verified::Over(FlowOver::Expired), None)));
        };
        if !place.began(&flow) {
            return Err(no_such_registration());
        }
        let (kind, is_right) = match proof {
            Proof::Code(typed) => (ProofKind::Code, tenant.keys.proof()?.matches_code(&flow, typed)?),
            Proof::Link(token) => (ProofKind::Link, tenant.keys.proof()?.matches_link(&flow, token)?),
        };
        let proven = match data_key.filter(|_| is_right && registration::check_open(&flow, now).is_ok()) {
            Some(data_key) => {
                let pending = open_pending(tenant, &flow, &data_key)?;
                let former = match &tenant.config.cognito {
                    Some(pool) => former::ask(services, handle, pool, &pending).await?,
                    None => Former::Nobody,
                };
                let known = match former {
                    Former::Nobody => None,
                    Former::Known(known) => Some(*known),
                    Former::Stays => {
                        let Decision { changes, outcome } = registration::verify(&flow, kind, Some(Proven::Stays), None, now);
                        return Ok(Decision { changes, outcome: (outcome, Some(flow)) });
                    }
                };
                let sign_in = match place {
                    Place::Api => None,
                    Place::Browser(browser, opening) => Some(SignInAfterProof {
                        session: opening.session(Some(seal_device(handle, browser, &data_key)?)),
                        device: opening.device(),
                        policy: tenant.config.session,
                    }),
                };
                let key = tenant.keys.data()?.unwrap(&data_key)?;
                let claims = key.seal(SealedField::Profile, &claims(handle, &flow, &pending, known.as_ref())?)?;
                let link = known.as_ref().map(|known| link(handle, &flow, &key, known)).transpose()?;
                let roles = known.as_ref().map(|known| known.roles.clone()).unwrap_or_default();
                let sub = known.and_then(|known| known.sub).unwrap_or(sub);
                let PendingRegistration { password, terms, .. } = pending;
                Some(Proven::Person(Box::new(ProvenPerson { sub, link, roles, claims, password, terms, data_key, sign_in })))
            }
            None => None,
        };
        // Only a conflict can mean that the address got an account meanwhile, and only who proved the address is told.
        let owner = if is_first { None } else { tenant.store.find_account(&flow.identifier).await? };
        let Decision { changes, outcome } = registration::verify(&flow, kind, proven, owner, now);
        Ok(Decision { changes, outcome: (outcome, Some(flow)) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

/// The claims that the form makes once its address is proven, with what the former directory knows besides, as JSON.
fn claims(
    handle: &TenantHandle,
    flow: &Flow,
    pending: &PendingRegistration,
    known: Option<&Known>,
) -> Result<Vec<u8>, Problem> {
    let config = &handle.tenant.config;
    let Claims(mut claims) = match (known, &config.cognito) {
        (Some(known), Some(pool)) => {
            directory::fill(pool, &config.registration.fields, &pending.claims, &known.attributes, handle.now())
        }
        (None, _) | (_, None) => pending.claims.clone(),
    };
    claims.insert("email".to_owned(), Value::String(pending.email.clone()));
    claims.insert("email_verified".to_owned(), Value::Bool(true));
    claims.insert("locale".to_owned(), Value::String(flow.locale.clone()));
    serde_json::to_vec(&claims).map_err(unreadable)
}

/// Who the person was in the former directory, hashed and sealed.
fn link(handle: &TenantHandle, flow: &Flow, key: &DataKey, known: &Known) -> Result<LinkedIdentity, Problem> {
    let named = serde_json::to_vec(&known.subject).map_err(unreadable)?;
    Ok(LinkedIdentity {
        account: flow.account,
        subject: handle.tenant.keys.identifier()?.hash_subject(&known.subject),
        named: key.seal(SealedField::LinkedIdentity, &named)?,
        linked_at: handle.now(),
    })
}

/// What the form held.
pub(crate) fn open_pending(tenant: &Tenant, flow: &Flow, data_key: &WrappedDataKey) -> Result<PendingRegistration, Problem> {
    let sealed = flow.payload.as_ref().ok_or_else(no_such_registration)?;
    let plain = tenant.keys.data()?.unwrap(data_key)?.open(SealedField::PendingRegistration, sealed)?;
    serde_json::from_slice(&plain).map_err(unreadable)
}

/// Sends a new code, where the registration began.
pub(crate) async fn resend(
    handle: &TenantHandle,
    locator: FlowLocator,
    place: &Place<'_>,
) -> Result<(Resent, Option<Flow>), Problem> {
    let (tenant, now) = (&handle.tenant, handle.now());
    let decide = || async {
        let Some(FlowSnapshot { flow, .. }) = tenant.store.find_flow(locator.flow, locator.account).await? else {
            return Ok(Decision::unchanged((Resent::Over(FlowOver::Expired), None)));
        };
        if !place.began(&flow) {
            return Err(no_such_registration());
        }
        let Decision { changes, outcome } = registration::resend(&flow, now);
        Ok(Decision { changes, outcome: (outcome, Some(flow)) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

/// Ends a registration for whoever holds its link: it came to the owner of the address.
pub(crate) async fn disown(handle: &TenantHandle, locator: FlowLocator, token: &SecretText) -> Result<(), Problem> {
    let (tenant, now) = (&handle.tenant, handle.now());
    let decide = || async {
        let Some(FlowSnapshot { flow, .. }) = tenant.store.find_flow(locator.flow, locator.account).await? else {
            return Ok(Decision::unchanged(()));
        };
        if !tenant.keys.proof()?.matches_link(&flow, token)? {
            return Err(no_such_registration());
        }
        Ok(registration::disown(&flow, now))
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

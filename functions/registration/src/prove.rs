//! Verifies an address, for page and API: load, decide, commit. Also sends a new code, and cancels a registration.
//!
//! During a migration from a legacy user pool, a correct proof is followed by a lookup there ([`legacy_directory`]): a user known there is
//! imported with the submitted data and keeps their identity.

use crate::begin::unreadable;
use crate::legacy_directory::{self, KnownUser, LegacyLookup};
use crate::way_in::{ChoiceRefused, Chosen};
use latchkey::domain::account::WrappedDataKey;
use latchkey::domain::change::Decision;
use latchkey::domain::flow::Flow;
use latchkey::domain::legacy_directory::fill_claims;
use latchkey::domain::linked_identity::LinkedIdentity;
use latchkey::domain::profile::Claims;
use latchkey::domain::registration::{
    self, FlowOver, PendingRegistration, ProofKind, Proven, ProvenPerson, Resent, SignInAfterProof, Verified,
};
use latchkey::domain::requirements::satisfied_by;
use latchkey::domain::secret::{SecretHash, SecretText};
use latchkey::keys::locator::FlowLocator;
use latchkey::keys::password::HashMemo;
use latchkey::keys::{DataKey, SealedField};
use latchkey::services::{Services, Tenant};
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::browser::Browser;
use latchkey::web::problem::ProblemKind;
use latchkey::web::session::{NewSessionSecrets, seal_device};
use latchkey::web::{Problem, TenantHandle};
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};

/// The presented proof.
pub(crate) enum Proof {
    /// The typed code.
    Code(SecretText),
    /// The token of the mailed link.
    Link(SecretText),
}

/// Where the proof is presented. It counts only where the registration started (security 79, 94).
pub(crate) enum ProofContext<'b> {
    /// Started by the API, which has no browser. A repetition has the same key.
    Api {
        /// The hash of the request's `Idempotency-Key`.
        repeat_key: Option<SecretHash>,
    },
    /// This browser, which is signed in at once.
    Browser(&'b Browser),
}

impl ProofContext<'_> {
    pub(crate) fn started(&self, flow: &Flow) -> bool {
        match self {
            Self::Api { .. } => flow.browser.is_none(),
            Self::Browser(browser) => flow.browser == Some(browser.binding()),
        }
    }
}

/// The flow of a public id.
pub(crate) fn locate(tenant: &Tenant, id: &str) -> Result<FlowLocator, Problem> {
    tenant.keys.locator()?.open_flow_id(id).ok_or_else(no_such_registration)
}

fn no_such_registration() -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        "This registration does not exist, or it was started in another browser. Please start again.",
    )
}

/// The outcome of a proof. A refusal is of what came with the right proof; nothing is written then.
pub(crate) type Proved = Result<Verified, ChoiceRefused>;

/// Decides on a proof and commits. Returns the flow that was decided on.
pub(crate) async fn prove(
    services: &Services,
    handle: &TenantHandle,
    locator: FlowLocator,
    proof: &Proof,
    place: &ProofContext<'_>,
    chosen: &Chosen,
) -> Result<(Proved, Option<Flow>), Problem> {
    let (tenant, now) = (&handle.tenant, handle.now());
    let sub = services.random.sub();
    // Expensive. The result stays valid after a conflict.
    let hashed = HashMemo::default();
    let attempts = AtomicU32::new(0);
    let decide = || async {
        let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        let Some(FlowSnapshot { flow, data_key }) = tenant.store.find_flow(locator.flow, locator.account).await? else {
            return Ok(Decision::unchanged((Ok(Verified::Over(FlowOver::Expired)), None)));
        };
        if !place.started(&flow) {
            return Err(no_such_registration());
        }
        let (kind, is_right) = match proof {
            Proof::Code(typed) => (ProofKind::Code, tenant.keys.proof()?.matches_code(&flow, typed)?),
            Proof::Link(token) => (ProofKind::Link, tenant.keys.proof()?.matches_link(&flow, token)?),
        };
        let repeat_key = match place {
            ProofContext::Api { repeat_key } => *repeat_key,
            ProofContext::Browser(_) => None,
        };
        if is_right && let Some(repeated) = registration::repeated(&flow, repeat_key.as_ref(), now) {
            return Ok(Decision::unchanged((Ok(repeated), Some(flow))));
        }
        let proven = match data_key.filter(|_| is_right && registration::check_open(&flow, now).is_ok()) {
            Some(data_key) => {
                let pending = open_pending(tenant, &flow, &data_key)?;
                let former = match &tenant.config.legacy_directory {
                    Some(pool) => legacy_directory::look_up(services, handle, pool, &pending).await?,
                    None => LegacyLookup::Unknown,
                };
                let known = match former {
                    LegacyLookup::Unknown => None,
                    LegacyLookup::Known(known) => Some(*known),
                    LegacyLookup::NotImportable => {
                        let Decision { changes, outcome } = registration::verify(&flow, kind, Some(Proven::Stays), None, now);
                        return Ok(Decision { changes, outcome: (Ok(outcome), Some(flow)) });
                    }
                };
                let sign_in = match place {
                    ProofContext::Api { .. } => None,
                    ProofContext::Browser(browser) => {
                        let session_secrets = NewSessionSecrets::of_proof(browser, &flow);
                        Some(SignInAfterProof {
                            session: session_secrets.session(Some(seal_device(handle, browser, &data_key)?)),
                            device: session_secrets.device(),
                            policy: tenant.config.session,
                        })
                    }
                };
                let key = tenant.keys.data()?.unwrap(&data_key)?;
                let refused = |refused| Ok(Decision::unchanged((Err(refused), Some(flow.clone()))));
                let passkey = match place {
                    ProofContext::Api { .. } => None,
                    ProofContext::Browser(browser) => match chosen.passkey(handle, browser, &flow, &key)? {
                        Ok(passkey) => passkey,
                        Err(why) => return refused(why),
                    },
                };
                // Only after a conflict can the credential id be taken (WebAuthn 3 §7.1 step 26).
                if let Some(passkey) = passkey.as_ref().filter(|_| !is_first)
                    && tenant.store.is_credential_claimed(passkey.hash()).await?
                {
                    return refused(ChoiceRefused::Passkey);
                }
                let password = match (&pending.password, chosen.password(tenant, &pending)) {
                    (Some(password), _) => Some(password.clone()),
                    (None, Ok(Some(typed))) => Some(hashed.get_or_compute(typed.clone(), services.hasher.hash(typed)).await?),
                    (None, Ok(None)) => None,
                    (None, Err(why)) => return refused(why),
                };
                let satisfied = satisfied_by(&tenant.config.registration, &pending.claims, &pending.terms, now);
                let claims = key.seal(SealedField::Profile, &claims(handle, &flow, &pending, known.as_ref())?)?;
                let link = known.as_ref().map(|known| seal_identity(handle, &flow, &key, known)).transpose()?;
                let roles = known.as_ref().map(|known| known.roles.clone()).unwrap_or_default();
                let sub = known.and_then(|known| known.sub).unwrap_or(sub);
                let PendingRegistration { terms, .. } = pending;
                let opens_by_mail = tenant.config.sign_in.mail_code;
                let person = ProvenPerson {
                    sub,
                    link,
                    roles,
                    claims,
                    password,
                    passkey,
                    opens_by_mail,
                    terms,
                    satisfied,
                    data_key,
                    repeat_key,
                    sign_in,
                };
                Some(Proven::Person(Box::new(person)))
            }
            None => None,
        };
        // Only after a conflict can the address have an account. Only a caller with the proof learns this.
        let owner = if is_first { None } else { tenant.store.find_account(&flow.identifier).await? };
        let Decision { changes, outcome } = registration::verify(&flow, kind, proven, owner, now);
        Ok(Decision { changes, outcome: (Ok(outcome), Some(flow)) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

/// The claims of the new account as JSON: those of the form, and those of the legacy user pool.
fn claims(
    handle: &TenantHandle,
    flow: &Flow,
    pending: &PendingRegistration,
    known: Option<&KnownUser>,
) -> Result<Vec<u8>, Problem> {
    let config = &handle.tenant.config;
    let Claims(mut claims) = match (known, &config.legacy_directory) {
        (Some(known), Some(pool)) => {
            fill_claims(pool, &config.registration.fields, &pending.claims, &known.attributes, handle.now())
        }
        (None, _) | (_, None) => pending.claims.clone(),
    };
    claims.insert("email".to_owned(), Value::String(pending.email.clone()));
    claims.insert("email_verified".to_owned(), Value::Bool(true));
    claims.insert("locale".to_owned(), Value::String(flow.locale.clone()));
    serde_json::to_vec(&claims).map_err(unreadable)
}

/// The identity in the legacy user pool, hashed and sealed.
fn seal_identity(handle: &TenantHandle, flow: &Flow, key: &DataKey, known: &KnownUser) -> Result<LinkedIdentity, Problem> {
    let named = serde_json::to_vec(&known.subject).map_err(unreadable)?;
    Ok(LinkedIdentity {
        account: flow.account,
        subject: handle.tenant.keys.identifier()?.hash_subject(&known.subject),
        named: key.seal(SealedField::LinkedIdentity, &named)?,
        linked_at: handle.now(),
    })
}

/// The submitted form.
pub(crate) fn open_pending(tenant: &Tenant, flow: &Flow, data_key: &WrappedDataKey) -> Result<PendingRegistration, Problem> {
    let sealed = flow.payload.as_ref().ok_or_else(no_such_registration)?;
    let plain = tenant.keys.data()?.unwrap(data_key)?.open(SealedField::PendingRegistration, sealed)?;
    serde_json::from_slice(&plain).map_err(unreadable)
}

/// Sends a new code, in the browser or API that started the registration.
pub(crate) async fn resend(
    handle: &TenantHandle,
    locator: FlowLocator,
    place: &ProofContext<'_>,
) -> Result<(Resent, Option<Flow>), Problem> {
    let (tenant, now) = (&handle.tenant, handle.now());
    let decide = || async {
        let Some(FlowSnapshot { flow, .. }) = tenant.store.find_flow(locator.flow, locator.account).await? else {
            return Ok(Decision::unchanged((Resent::Over(FlowOver::Expired), None)));
        };
        if !place.started(&flow) {
            return Err(no_such_registration());
        }
        let Decision { changes, outcome } = registration::resend(&flow, now);
        Ok(Decision { changes, outcome: (outcome, Some(flow)) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

/// Cancels a registration. The link authorizes this: it was mailed to the owner of the address.
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

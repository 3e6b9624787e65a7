//! `/recover`: password reset by mail (security 79, 88–94).
//!
//! 1. `/recover`: the address. A flow is written without a lookup: the response is the same for every address.
//! 2. `/recover?flow=…`: the code from the mail and the new password, in one form.
//! 3. `/recover?flow=…&token=…`, the mailed link: in the browser that started the flow, it shows the form without the code. Any other
//!    browser shows the code to type there, and "I did not ask for this".
//! 4. A valid proof replaces the password and ends every session. The user signs in afterwards.
//!
//! During a migration from a legacy directory, a proof for an address without an account here is looked up there ([`crate::legacy_directory`]).
//!
//! GET changes nothing, because mail scanners open links.

mod view;

use crate::legacy_directory;
use crate::pending::{Pending, USERNAME};
use crate::respond;
use crate::username;
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use latchkey::domain::account::PasswordHome;
use latchkey::domain::change::Decision;
use latchkey::domain::credential::PasswordFlaw;
use latchkey::domain::flow::Flow;
use latchkey::domain::id::AccountId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::mail_limit::until_tomorrow;
use latchkey::domain::profile::Claims;
use latchkey::domain::recovery::{self, NewRecovery, Owner, Proof, Recovered, SealedAddress};
use latchkey::domain::secret::SecretText;
use latchkey::keys::SealedField;
use latchkey::keys::locator::FlowLocator;
use latchkey::keys::password::{HashMemo, PasswordMatch};
use latchkey::locale::{FluentValue, message};
use latchkey::services::Services;
use latchkey::store::DecideError;
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::browser::FormOrigin;
use latchkey::web::extract::FormBody;
use latchkey::web::fields;
use latchkey::web::funnel::{self, Funnel, Method, Outcome};
use latchkey::web::session;
use latchkey::web::{Browser, Params, Problem, TenantHandle, stored_request};
use std::collections::BTreeMap;
use std::convert::Infallible;
use view::{FlowView, PAGE, Start, Step, find, find_snapshot, show_start};

/// Shows the step in the address.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let query = Params::of_query(&uri)?;
    match query.one("flow")? {
        Some(id) => {
            let view = FlowView::load(&handle, &browser, id, &query).await?;
            Ok(view.show(StatusCode::OK, BTreeMap::new()))
        }
        None => {
            let pending = Pending::find(&handle, &uri).await?;
            let identifier = pending.hint("login_hint").unwrap_or_default().to_owned();
            Ok(show_start(&handle, &browser, &pending, &identifier, Start::Asked))
        }
    }
}

/// Handles the address, the proof with the new password, or "I did not ask for this".
///
/// # Errors
/// If the form does not belong to this browser, or the store, a key or the hasher fails.
pub async fn post(
    State(services): State<Services>,
    funnel: Funnel,
    handle: TenantHandle,
    browser: Browser,
    uri: Uri,
    FormBody(form): FormBody,
) -> Result<Response, Problem> {
    let query = Params::of_query(&uri)?;
    let anti_forgery = form.one("anti_forgery")?;
    let Some(id) = query.one("flow")? else {
        funnel.enter(funnel::Step::RecoveryStarted, Method::Page);
        let pending = Pending::find(&handle, &uri).await?;
        let identifier = form.one("identifier")?.unwrap_or_default();
        if browser.check_kept_form(&handle.tenant, PAGE, &pending.context(), anti_forgery)? == FormOrigin::Stale {
            let answer = show_start(&handle, &browser, &pending, identifier, Start::Stale);
            return Ok(Outcome::Expired.tag(answer));
        }
        return begin(&services, &handle, &browser, &pending, identifier).await;
    };
    let disowns = form.one("disown")?.is_some();
    if !disowns {
        let method = if form.one("code")?.is_some() { Method::Code } else { Method::Link };
        funnel.enter(funnel::Step::RecoveryCompleted, method);
    }
    if browser.check_kept_form(&handle.tenant, PAGE, id, anti_forgery)? == FormOrigin::Stale {
        // Of another browser's flow the page shows nothing.
        let view = FlowView::load(&handle, &browser, id, &query).await?;
        let typed = form.one("code")?.map(SecretText::from);
        return Ok(Outcome::Expired.tag(view.keep(typed).stale().show(StatusCode::FORBIDDEN, BTreeMap::new())));
    }
    if disowns {
        return disown(&handle, &browser, id, query.one("token")?).await;
    }
    reset(&services, &handle, &browser, id, &query, &form).await
}

/// Step 1: starts a flow, for any address.
async fn begin(
    services: &Services,
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    identifier: &str,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let Ok(email) = EmailAddress::parse(identifier) else {
        return Ok(show_start(handle, browser, pending, identifier, Start::Malformed));
    };
    let request = match pending.request(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let client = request.as_ref().map(|request| request.client).or_else(|| tenant.config.default_client());
    let client_id = client.ok_or_else(Problem::internal)?.client_id.clone();
    // The mail is a detour, so the request waits in the store.
    let (continue_to, stores) = match (&request, pending.return_to(tenant)) {
        (Some(_), _) => {
            let prepared = stored_request::prepare(services.random, handle, pending.query())?;
            (Some(prepared.query), prepared.change)
        }
        (None, Some(_)) => (Some(pending.query().to_owned()), None),
        (None, None) => (None, None),
    };
    let (id, account) = (services.random.flow_id(), services.random.account_id());
    let sealer = tenant.keys.locator()?;
    let address = tenant.keys.identifier()?.hash_email(&email);
    let new = NewRecovery {
        id,
        account,
        seed: services.random.bytes(),
        code_key_version: tenant.keys.proof()?.current_version(),
        identifier: address,
        browser: browser.binding(),
        trigger: handle.trigger(browser, &address),
        client_id,
        locale: locale.clone(),
        address: sealed_address(handle, account, identifier.trim())?,
        continue_to: continue_to.map(|query| sealer.seal_query(id, &query)),
    };
    let decide = || async {
        let Decision { changes, outcome } = recovery::begin(new.clone(), handle.now());
        // After the counter of mails: at its limit nothing is written.
        let changes = match &stores {
            Some(change) => changes.second(change.clone()),
            None => changes,
        };
        Ok::<_, Infallible>(Decision { changes, outcome })
    };
    match tenant.store.decide(&handle.request, decide).await {
        // Counted by address and trigger, before anything is known of the address: the answer is the same for every one.
        Err(DecideError::LimitReached) => {
            let start = Start::NoMoreMails { retry_after: until_tomorrow(handle.now()) };
            return Ok(Outcome::Throttled.tag(show_start(handle, browser, pending, identifier, start)));
        }
        started => started?,
    }
    let flow = tenant.keys.locator()?.flow_id(&FlowLocator { account, flow: id });
    let username = username::seal(handle, browser, identifier.trim())?;
    let location = format!("{}?flow={flow}&{}={username}", respond::path(tenant, "/recover"), USERNAME);
    Ok(browser.answer(respond::see_other(&location)))
}

/// Step 4: the proof with the new password.
async fn reset(
    services: &Services,
    handle: &TenantHandle,
    browser: &Browser,
    id: &str,
    query: &Params,
    form: &Params,
) -> Result<Response, Problem> {
    let (tenant, token) = (&handle.tenant, query.one("token")?);
    let password = SecretText::from(form.one("password")?.unwrap_or_default());
    let typed = form.one("code")?.map(SecretText::from);
    let view = FlowView::load(handle, browser, id, query).await?;
    // Checked first: a password that is not accepted costs no try.
    let flaw = tenant.config.password.check(&password, &[tenant.config.name.get(&view.locale)]).err();
    if let Some(flaw) = flaw
        && matches!(view.step, Step::Prove { .. })
    {
        let words = fields::password_flaw(&view.locale, &flaw);
        return Ok(view.keep(typed).show(StatusCode::BAD_REQUEST, BTreeMap::from([("password", words)])));
    }
    let proof = Presented { typed, token: token.map(SecretText::from) };
    let hash = HashMemo::default();
    let pool = tenant.config.legacy_directory.clone();
    let decide = || async {
        let Some(FlowSnapshot { flow, data_key }) = find_snapshot(handle, id).await? else {
            return Ok::<_, Problem>(Decision::unchanged(Recovered::Over));
        };
        let (proof, fits) = proof.compare(handle, &flow)?;
        if fits
            && recovery::is_of_browser(&flow, &browser.binding())
            && flow.repeatable(handle.now()).is_some()
            && is_in_force(services, handle, &flow, &password).await?
        {
            // The same request did this a moment ago, and its reply was lost.
            return Ok(Decision::unchanged(Recovered::PasswordReset));
        }
        let may_reset = fits && recovery::is_open(&flow, handle.now()) && recovery::is_of_browser(&flow, &browser.binding());
        let owner = if may_reset { tenant.store.find_recovery(&flow.identifier).await? } else { None };
        if let Some(owner) = &owner
            && is_guessable(handle, owner.authentication.account, &password).await?
        {
            return Ok(Decision::unchanged(Recovered::Guessable));
        }
        if let (Some(owner), Some(pool)) = (&owner, &pool)
            && owner.authentication.password_home == PasswordHome::Directory
        {
            let stays = match &data_key {
                Some(key) => {
                    legacy_directory::holds_back(services, handle, pool, &flow, key, owner.authentication.account).await?
                }
                // The flow is older than the tenant's directory. The directory cannot be queried, so it still keeps the password.
                None => true,
            };
            if stays {
                return Ok(recovery::reset(&flow, &browser.binding(), proof, Some(Owner::Stays), handle.now()));
            }
        }
        let owner = match (&owner, &pool, data_key) {
            (Some(owner), ..) => Some(Owner::Known {
                authentication: &owner.authentication,
                password: owner.password.as_ref(),
                new_password: hash.get_or_compute((), services.hasher.hash(&password)).await?,
            }),
            (None, Some(pool), Some(data_key)) if may_reset => {
                let hash = hash.get_or_compute((), services.hasher.hash(&password)).await?;
                legacy_directory::owner(services, handle, pool, &flow, data_key, hash).await?
            }
            (None, ..) => None,
        };
        Ok(recovery::reset(&flow, &browser.binding(), proof, owner, handle.now()))
    };
    match tenant.store.decide(&handle.request, decide).await? {
        Recovered::PasswordReset => {
            let location = format!("{}?flow={id}", respond::path(tenant, "/recover"));
            let mut response = respond::see_other(&location);
            // A session of this account has ended. Another account may be signed in here.
            if session::find(handle, browser, None).await?.is_none() {
                browser.clear_session(&mut response);
            }
            Ok(response)
        }
        Recovered::Guessable => {
            let words = fields::password_flaw(&view.locale, &PasswordFlaw::TooCommon);
            Ok(view.keep(proof.typed).show(StatusCode::BAD_REQUEST, BTreeMap::from([("password", words)])))
        }
        Recovered::Stays => Ok(Outcome::Refused.tag(view.at(Step::Stays).show(StatusCode::BAD_REQUEST, BTreeMap::new()))),
        Recovered::UnknownIdentifier => {
            let register = tenant.config.registration.enabled.then(|| respond::path(tenant, "/register"));
            Ok(Outcome::Refused.tag(view.at(Step::UnknownAddress { register }).show(StatusCode::BAD_REQUEST, BTreeMap::new())))
        }
        Recovered::WrongProof { tries_left } => {
            let left = FluentValue::from(i64::from(tries_left));
            let words = message(&view.locale, "recover-code-wrong", [("left", left)]);
            // Loaded again, because the last try ends the flow.
            let view = FlowView::load(handle, browser, id, query).await?;
            Ok(Outcome::WrongCredentials.tag(view.show(StatusCode::BAD_REQUEST, BTreeMap::from([("code", words)]))))
        }
        Recovered::Over => {
            let view = FlowView::load(handle, browser, id, query).await?.at(Step::Over);
            Ok(Outcome::Expired.tag(view.show(StatusCode::BAD_REQUEST, BTreeMap::new())))
        }
    }
}

/// Whether this is the password of the account that has the flow's address.
async fn is_in_force(services: &Services, handle: &TenantHandle, flow: &Flow, password: &SecretText) -> Result<bool, Problem> {
    let stored = handle.tenant.store.find_recovery(&flow.identifier).await?.and_then(|owner| owner.password);
    let Some(stored) = stored else { return Ok(false) };
    Ok(match services.hasher.verify(password, Some(&stored.hash)).await? {
        PasswordMatch::No => false,
        PasswordMatch::Yes | PasswordMatch::Rehash(_) => true,
    })
}

/// Whether the new password consists of the user's own data (security 69). This is known only to those who have proven the address. 3 RRU.
async fn is_guessable(handle: &TenantHandle, account: AccountId, password: &SecretText) -> Result<bool, Problem> {
    let tenant = &handle.tenant;
    let Some(owner) = tenant.store.find_profile(account).await? else { return Ok(false) };
    let plain = tenant.keys.data()?.unwrap(&owner.data_key)?.open(SealedField::Profile, &owner.profile.claims)?;
    let claims: Claims = serde_json::from_slice(&plain).map_err(|_| Problem::internal())?;
    let names = tenant.config.name.0.values().map(String::as_str);
    let context: Vec<&str> = names.chain(claims.guessable_words()).collect();
    Ok(tenant.config.password.check(password, &context).is_err())
}

/// Step 3, in another browser: "I did not ask for this".
async fn disown(handle: &TenantHandle, browser: &Browser, id: &str, token: Option<&str>) -> Result<Response, Problem> {
    let token = SecretText::from(token.unwrap_or_default());
    let decide = || async {
        let Some(flow) = find(handle, id).await? else { return Ok::<_, Problem>(Decision::unchanged(false)) };
        let fits = handle.tenant.keys.proof()?.matches_link(&flow, &token)?;
        Ok(recovery::disown(&flow, fits, handle.now()))
    };
    handle.tenant.store.decide(&handle.request, decide).await?;
    let location = format!("{}?flow={id}", respond::path(&handle.tenant, "/recover"));
    Ok(browser.answer(respond::see_other(&location)))
}

/// The submitted proof.
struct Presented {
    typed: Option<SecretText>,
    token: Option<SecretText>,
}

impl Presented {
    /// The result of comparing the proof. A typed code counts as a code even if the address has a token.
    fn compare(&self, handle: &TenantHandle, flow: &Flow) -> Result<(Proof, bool), Problem> {
        let keyring = handle.tenant.keys.proof()?;
        Ok(match (&self.typed, &self.token) {
            (None, Some(token)) => {
                let fits = keyring.matches_link(flow, token)?;
                (Proof::Link { fits }, fits)
            }
            (Some(typed), _) => {
                let fits = keyring.matches_code(flow, typed)?;
                (Proof::Code { fits }, fits)
            }
            (None, None) => (Proof::Code { fits: false }, false),
        })
    }
}

/// The address as typed, stored for the mail and for a lookup in the legacy directory, which may use another spelling.
fn sealed_address(handle: &TenantHandle, account: AccountId, typed: &str) -> Result<Option<SealedAddress>, Problem> {
    let tenant = &handle.tenant;
    if tenant.config.legacy_directory.is_none() {
        return Ok(None);
    }
    let (key, wrapped, version) = tenant.keys.data()?.generate(account)?;
    let sealed = key.seal(SealedField::RecoveryAddress, typed.as_bytes())?;
    Ok(Some(SealedAddress { sealed, data_key: (wrapped, version) }))
}

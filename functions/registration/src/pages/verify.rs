//! `/verify`: the user types the code or confirms the mailed link.
//!
//! | browser | content |
//! |---|---|
//! | the one that started, without a link | the field for the code |
//! | the one that started, with the link | a button that confirms |
//! | any other, with the link | the code to type, and "I did not ask for this" |
//! | any other, without a link | only where to look |
//!
//! A right code of a user who chose no password leads to the page that creates a passkey ([`super::passkey`]), unless a mailed code is a way in.
//!
//! A GET changes nothing, so that a mail scanner does not use up the link (security 94).

use super::running::{PAGE, ending_at_client, flow_id, locale, over_page, request_of, to_register, to_sign_in};
use super::{RETURN_TO, message, message_with, passkey, path, see_location, see_other};
use crate::client::require_open;
use crate::prove::{self, Proof, ProofContext};
use crate::way_in::Chosen;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::flow::{Flow, MAX_RESENDS};
use latchkey::domain::passkey::offer::{CompletedBy, CompletedSignIn};
use latchkey::domain::registration::{self, FlowOver, Resent, Verified};
use latchkey::domain::secret::SecretText;
use latchkey::services::Services;
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::account::is_account_path;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, Browser, FormOrigin};
use latchkey::web::extract::{FormBody, QueryParams};
use latchkey::web::funnel::{Funnel, Method, Outcome, Step};
use latchkey::web::passkey::{RelyingParty, SCRIPT_PATH};
use latchkey::web::passkey_offer::{self, DEVICE_FIELD};
use latchkey::web::problem::ProblemKind;
use latchkey::web::session::NewSessionSecrets;
use latchkey::web::{Page, Params, Problem, TenantHandle, stored_request};
use serde_json::json;

/// The message above the field for the code.
enum Remark {
    None,
    Sent,
    Wrong {
        tries_left: u8,
    },
    NoneLeft,
    /// The form was stale.
    Stale,
}

pub(crate) async fn show(
    handle: TenantHandle,
    browser: Browser,
    QueryParams(params): QueryParams,
) -> Result<Response, Problem> {
    require_open(&handle)?;
    let id = flow_id(&params)?;
    let locator = prove::locate(&handle.tenant, id)?;
    let snapshot = handle.tenant.store.find_flow(locator.flow, locator.account).await?;
    let locale = locale(&handle, &browser, &params, snapshot.as_ref())?;
    let Some(snapshot) = snapshot else {
        return Ok(browser.answer(over_page(&handle, &locale, None, FlowOver::Expired).into_response()));
    };
    let token = params.one("token")?.map(SecretText::from);
    let page = match token {
        None if snapshot.flow.browser != Some(browser.binding()) => other_browser_page(&handle, &locale),
        None => {
            let remark = if params.one("sent")?.is_some() { Remark::Sent } else { Remark::None };
            code_page(&handle, &browser, &locale, id, &snapshot, &remark)?
        }
        Some(token) => link_page(&handle, &browser, &locale, id, &snapshot.flow, &token, "")?,
    };
    Ok(browser.answer(page.into_response()))
}

pub(crate) async fn submit(
    State(services): State<Services>,
    funnel: Funnel,
    handle: TenantHandle,
    browser: Browser,
    QueryParams(query): QueryParams,
    FormBody(body): FormBody,
) -> Result<Response, Problem> {
    require_open(&handle)?;
    if body.one("action")?.is_none() {
        let method = if body.one("token")?.is_some() { Method::Link } else { Method::Code };
        funnel.enter(Step::RegistrationVerified, method);
    }
    let id = flow_id(&query)?;
    if browser.check_kept_form(&handle.tenant, PAGE, id, body.one(ANTI_FORGERY_FIELD)?)? == FormOrigin::Stale {
        return stale(&handle, &browser, &query, id, body.one("token")?).await;
    }
    body.none_repeated_except(&[])?;
    let locator = prove::locate(&handle.tenant, id)?;
    let token = body.one("token")?.map(SecretText::from);
    match (body.one("action")?, token) {
        (Some("deny"), Some(token)) => {
            prove::disown(&handle, locator, &token).await?;
            Ok(browser.answer(see_other(&handle, &format!("/verify?flow={id}&token={}", token.expose()))?))
        }
        (Some("resend"), _) => {
            let resent = prove::resend(&handle, locator, &ProofContext::Browser(&browser)).await?.0;
            resent_answer(&handle, &browser, &query, id, resent).await
        }
        (None, Some(token)) => finish(&services, &handle, &browser, &query, &body, Proof::Link(token)).await,
        (None, None) => {
            let code = body.one("code")?.unwrap_or_default().into();
            finish(&services, &handle, &browser, &query, &body, Proof::Code(code)).await
        }
        (Some(_), _) => Err(Problem::new(ProblemKind::InvalidRequest, "The form was not sent from this page.")),
    }
}

/// Shows the page of this address again. Of another browser's registration it shows nothing.
async fn stale(
    handle: &TenantHandle,
    browser: &Browser,
    query: &Params,
    id: &str,
    token: Option<&str>,
) -> Result<Response, Problem> {
    let locator = prove::locate(&handle.tenant, id)?;
    let snapshot = handle.tenant.store.find_flow(locator.flow, locator.account).await?;
    let locale = locale(handle, browser, query, snapshot.as_ref())?;
    let page = match (&snapshot, token) {
        (Some(snapshot), Some(token)) => {
            let notice = message(&locale, "form-stale");
            link_page(handle, browser, &locale, id, &snapshot.flow, &SecretText::from(token), &notice)?
        }
        (Some(snapshot), None) if snapshot.flow.browser == Some(browser.binding()) => {
            code_page(handle, browser, &locale, id, snapshot, &Remark::Stale)?
        }
        (Some(_), None) => other_browser_page(handle, &locale),
        (None, _) => over_page(handle, &locale, None, FlowOver::Expired),
    };
    Ok(Outcome::Expired.tag(browser.answer(page.status(StatusCode::FORBIDDEN).into_response())))
}

async fn resent_answer(
    handle: &TenantHandle,
    browser: &Browser,
    query: &Params,
    id: &str,
    resent: Resent,
) -> Result<Response, Problem> {
    match resent {
        Resent::Sent { .. } => Ok(browser.answer(see_other(handle, &format!("/verify?flow={id}&sent=1"))?)),
        Resent::NoneLeft => show_again(handle, browser, query, &Remark::NoneLeft, StatusCode::TOO_MANY_REQUESTS).await,
        Resent::Over(_) => show_again(handle, browser, query, &Remark::None, StatusCode::BAD_REQUEST).await,
    }
}

async fn finish(
    services: &Services,
    handle: &TenantHandle,
    browser: &Browser,
    query: &Params,
    body: &Params,
    proof: Proof,
) -> Result<Response, Problem> {
    let locator = prove::locate(&handle.tenant, flow_id(query)?)?;
    let place = ProofContext::Browser(browser);
    let chosen = Chosen::read(body)?;
    let (proved, flow) = prove::prove(services, handle, locator, &proof, &place, &chosen).await?;
    let verified = match proved {
        Ok(verified) => verified,
        Err(why) => return passkey::show(handle, browser, query, &proof, locator, Some(&why)).await,
    };
    // A passkey that came with the proof needs no offer, and where a second factor is required, its page has passkeys, too.
    let has_passkey = body.one("credential")?.is_some_and(|credential| !credential.is_empty());
    let asks_for_factor = handle.tenant.config.sign_in.second_factor.is_in_force(handle.now());
    let keeps_passkeys = body.one(DEVICE_FIELD)? == Some("true") && !has_passkey && !asks_for_factor;
    let completed = CompletedSignIn { by: CompletedBy::Registration, is_known_device: false, passkeys: 0 };
    let offers = |account| keeps_passkeys && completed.is_offered_passkey() && passkey_offer::is_open(handle, browser, account);
    match verified {
        Verified::Created { session, .. } => {
            let offers_passkey = session.as_ref().is_some_and(|session| offers(session.account));
            let mut response = see_location(&continue_target(handle, flow.as_ref(), offers_passkey))?;
            if let (Some(session), Some(flow)) = (session, &flow) {
                NewSessionSecrets::of_proof(browser, flow).set_cookies(
                    &mut response,
                    handle,
                    browser,
                    &session,
                    flow.identifier,
                    true,
                );
            }
            Ok(browser.answer(response))
        }
        Verified::Repeated { account, at, .. } => {
            let mut response = see_location(&continue_target(handle, flow.as_ref(), offers(account)))?;
            if let Some(flow) = &flow {
                NewSessionSecrets::of_proof(browser, flow).set_cookies_again(
                    &mut response,
                    handle,
                    browser,
                    (account, flow.identifier),
                    at,
                );
            }
            Ok(browser.answer(response))
        }
        Verified::NeedsPasskey => passkey::show(handle, browser, query, &proof, locator, None).await,
        Verified::AlreadyRegistered => {
            let locale = locale(handle, browser, query, None)?;
            let values = json!({
                "heading": message(&locale, "verify-already-title"),
                "text": message(&locale, "verify-already-text"),
                "link": path(handle, &to_sign_in(handle, flow.as_ref())),
                "link_label": message(&locale, "register-sign-in"),
            });
            let page = Page::new(&handle.tenant, &locale, "error", values).status(StatusCode::CONFLICT);
            Ok(browser.answer(page.into_response()))
        }
        Verified::Stays => {
            let locale = locale(handle, browser, query, None)?;
            let page = Page::new(&handle.tenant, &locale, "recover_stays", json!({})).status(StatusCode::CONFLICT);
            Ok(Outcome::Refused.tag(browser.answer(page.into_response())))
        }
        Verified::Wrong { tries_left } => {
            let page = show_again(handle, browser, query, &Remark::Wrong { tries_left }, StatusCode::BAD_REQUEST).await?;
            Ok(Outcome::WrongCredentials.tag(page))
        }
        Verified::Over(_) => {
            Ok(Outcome::Expired.tag(show_again(handle, browser, query, &Remark::None, StatusCode::BAD_REQUEST).await?))
        }
    }
}

/// Shows the page again with a message.
async fn show_again(
    handle: &TenantHandle,
    browser: &Browser,
    query: &Params,
    remark: &Remark,
    status: StatusCode,
) -> Result<Response, Problem> {
    let id = flow_id(query)?;
    let locator = prove::locate(&handle.tenant, id)?;
    let snapshot = handle.tenant.store.find_flow(locator.flow, locator.account).await?;
    let locale = locale(handle, browser, query, snapshot.as_ref())?;
    let page = match &snapshot {
        Some(snapshot) => code_page(handle, browser, &locale, id, snapshot, remark)?,
        None => over_page(handle, &locale, None, FlowOver::Expired),
    };
    let page = match (status, &snapshot) {
        // The next registration can get codes again.
        (StatusCode::TOO_MANY_REQUESTS, Some(snapshot)) => page.blocked(snapshot.flow.expires_at.since(handle.now())),
        (status, _) => page.status(status),
    };
    Ok(browser.answer(page.into_response()))
}

/// The field for the code, in the browser that started the registration.
fn code_page(
    handle: &TenantHandle,
    browser: &Browser,
    locale: &str,
    id: &str,
    snapshot: &FlowSnapshot,
    remark: &Remark,
) -> Result<Page, Problem> {
    if let Err(reason) = registration::check_open(&snapshot.flow, handle.now()) {
        return Ok(over_page(handle, locale, Some(&snapshot.flow), reason));
    }
    let email = match &snapshot.data_key {
        Some(data_key) => prove::open_pending(&handle.tenant, &snapshot.flow, data_key)?.email,
        None => String::new(),
    };
    let error = match remark {
        Remark::Wrong { tries_left } => message_with(locale, "verify-code-wrong", "left", usize::from(*tries_left)),
        Remark::None | Remark::Sent | Remark::NoneLeft | Remark::Stale => String::new(),
    };
    let notice = match remark {
        Remark::NoneLeft => message(locale, "verify-none-left"),
        Remark::Stale => message(locale, "form-stale"),
        Remark::None | Remark::Sent | Remark::Wrong { .. } => String::new(),
    };
    let success = match remark {
        Remark::Sent => message(locale, "verify-sent"),
        Remark::None | Remark::NoneLeft | Remark::Stale | Remark::Wrong { .. } => String::new(),
    };
    let values = json!({
        "anti_forgery": browser.anti_forgery(&handle.tenant, PAGE, id),
        "flow": id,
        "email": email,
        "error": error,
        "notice": notice,
        "success": success,
        "other_address": path(handle, &to_register(handle, Some(&snapshot.flow))),
        "can_resend": snapshot.flow.generation < MAX_RESENDS,
        "digits": !snapshot.flow.has_long_code(),
        "passkey_script": passkey_script(handle),
    });
    let page = Page::new(&handle.tenant, locale, "verify", values).languages(&format!("flow={id}"));
    Ok(ending_at_client(page, &snapshot.flow))
}

/// The page of the mailed link.
fn link_page(
    handle: &TenantHandle,
    browser: &Browser,
    locale: &str,
    id: &str,
    flow: &Flow,
    token: &SecretText,
    notice: &str,
) -> Result<Page, Problem> {
    let proof = handle.tenant.keys.proof()?;
    if !proof.matches_link(flow, token)? {
        // Older links are invalid: only the newest mail has a working link.
        return Ok(over_page(handle, locale, None, FlowOver::Expired));
    }
    if let Err(reason) = registration::check_open(flow, handle.now()) {
        return Ok(over_page(handle, locale, Some(flow), reason));
    }
    let anti_forgery = browser.anti_forgery(&handle.tenant, PAGE, id);
    let same_browser = flow.browser == Some(browser.binding());
    let code = if same_browser { String::new() } else { proof.code(flow)?.expose().to_owned() };
    let values = json!({
        "anti_forgery": anti_forgery,
        "flow": id,
        "token": token.expose(),
        "code": code,
        "notice": notice,
        "passkey_script": passkey_script(handle).filter(|_| same_browser),
    });
    Ok(ending_at_client(Page::new(&handle.tenant, locale, "verify_link", values), flow))
}

/// The script that says whether this device can keep a passkey.
fn passkey_script(handle: &TenantHandle) -> Option<&'static str> {
    RelyingParty::of(&handle.tenant).map(|_| SCRIPT_PATH.as_str())
}

/// Neither the browser that started the registration nor a link: reveal nothing.
fn other_browser_page(handle: &TenantHandle, locale: &str) -> Page {
    let values = json!({
        "heading": message(locale, "verify-elsewhere-title"),
        "text": message(locale, "verify-elsewhere-text"),
    });
    Page::new(&handle.tenant, locale, "error", values).status(StatusCode::BAD_REQUEST)
}

/// Where a signed-in user continues: at the authorization request that led here, or at the page of the account. The offer of a passkey comes
/// before either.
fn continue_target(handle: &TenantHandle, flow: Option<&Flow>, offers_passkey: bool) -> String {
    let query = request_of(handle, flow);
    if offers_passkey {
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        return path(handle, &format!("{}{query}", passkey_offer::PATH));
    }
    let Some(query) = query else { return path(handle, "/login") };
    match return_to(handle, &query) {
        Some(page) => page,
        None => path(handle, &format!("/oauth2/authorize?{query}")),
    }
}

/// The page of the account in a query that is no authorization request.
fn return_to(handle: &TenantHandle, query: &str) -> Option<String> {
    let params = Params::parse(query.as_bytes()).ok()?;
    let is_request = ["client_id", stored_request::PARAMETER].iter().any(|name| params.all(name).next().is_some());
    let page = params.one(RETURN_TO).ok()??;
    (!is_request && is_account_path(&handle.tenant, page)).then(|| page.to_owned())
}

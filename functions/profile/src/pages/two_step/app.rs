//! `/account/two-step/app`: sets up an authenticator app, or another one in its place.
//!
//! 1. For its first factor the account proves its address by a mailed code, unless it did so a moment ago.
//! 2. A button begins the set-up: GET changes nothing.
//! 3. The page shows the QR code, the key beside it, and a field for the first code of the app.
//! 4. The code that fits takes the app into use. New recovery codes are shown next, once.

use super::{APP, PATH, can_set_up, qr, shown_codes, stale, too_many};
use crate::address_proof::{self, AddressProofState};
use crate::pages::messages::{changed_address, page_message};
use crate::pages::offer;
use crate::second_factor;
use axum::extract::State;
use axum::response::Response;
use data_encoding::BASE32_NOPAD;
use http::StatusCode;
use latchkey::domain::address_proof::{Proven, Started};
use latchkey::domain::second_factor::TotpConfirmed;
use latchkey::domain::secret::SecretText;
use latchkey::domain::sign_in::methods::totp::TotpRefused;
use latchkey::domain::totp::TotpSeed;
use latchkey::locale::{self, FluentValue};
use latchkey::services::Services;
use latchkey::web::account::see_other;
use latchkey::web::funnel::Outcome;
use latchkey::web::session::NewSessionSecrets;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::{Value, context};
use std::collections::BTreeMap;

const PAGE: &str = "account/two-step/app";

#[derive(Default)]
struct Shown {
    errors: BTreeMap<&'static str, String>,
    notice: Option<String>,
    keeps_others: bool,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
        if !can_set_up(&page, admitted.principal.authentication()) {
            return Ok(page.see_other(PATH));
        }
        show(&page, &admitted, StatusCode::OK, Shown::default())
    };
    page.answer(shown.await)
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(take(&services, &page, &form).await)
}

async fn take(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let shown = Shown { notice: Some(stale(page)), ..Shown::default() };
            return Ok(Outcome::Expired.tag(show(page, &admitted, StatusCode::FORBIDDEN, shown)?));
        }
        Err(other) => return Err(other),
    }
    if !can_set_up(page, admitted.principal.authentication()) {
        return Ok(page.see_other(PATH));
    }
    if form.one("cancel")?.is_some() {
        second_factor::cancel(&page.handle, &admitted.presented).await?;
        return Ok(page.browser.answer(see_other(&offer::end(page, PATH)?)));
    }
    if form.one("send")?.is_some() {
        return send(services, page, &admitted).await;
    }
    if let Some(code) = form.one("mail_code")? {
        return prove(services, page, &admitted, &code.into()).await;
    }
    match form.one("code")? {
        Some(code) => confirm(services, page, &admitted, &code.into(), form.one("end_others")?.is_some()).await,
        None => {
            second_factor::begin(services, &page.handle, &admitted.presented).await?;
            Ok(page.see_other(&offer::along(page, APP)?))
        }
    }
}

/// Mails a code to the address of the account.
async fn send(services: &Services, page: &AccountPage, admitted: &AdmittedUser) -> Result<Response, AccountPageError> {
    match address_proof::start(services, &page.handle, &admitted.presented).await? {
        Started::Waiting => Ok(page.see_other(&offer::along(page, APP)?)),
        Started::ChangedAddress { until } => {
            let shown = Shown { notice: Some(changed_address(page, until)), ..Shown::default() };
            Ok(Outcome::Refused.tag(show(page, admitted, StatusCode::BAD_REQUEST, shown)?))
        }
        Started::TooMany { until } => {
            let wait = until.since(page.handle.now());
            let hours = FluentValue::from((wait.as_seconds() + 3599).div_euclid(3600));
            let words = locale::message(&page.locale, "two-step-too-many-mails", [("hours", hours)]);
            let shown = Shown { notice: Some(words), ..Shown::default() };
            Ok(page.show_blocked(Section::Security, "account_two_step_app", wait, values(page, admitted, &shown)?))
        }
    }
}

/// Takes the mailed code. The right one also begins the set-up.
async fn prove(
    services: &Services,
    page: &AccountPage,
    admitted: &AdmittedUser,
    typed: &SecretText,
) -> Result<Response, AccountPageError> {
    let words = match address_proof::prove(&page.handle, &admitted.presented, typed).await? {
        Proven::Proven => {
            second_factor::begin(services, &page.handle, &admitted.presented).await?;
            return Ok(page.see_other(&offer::along(page, APP)?));
        }
        Proven::Wrong { tries_left } => {
            let left = FluentValue::from(i64::from(tries_left));
            locale::message(&page.locale, "recover-code-wrong", [("left", left)])
        }
        Proven::Over => page_message(page, "two-step-mail-over"),
    };
    let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
    let is_waiting = address_proof::state(&page.handle, &admitted.principal)? == AddressProofState::Waiting;
    let shown = if is_waiting {
        Shown { errors: BTreeMap::from([("mail_code", words)]), ..Shown::default() }
    } else {
        Shown { notice: Some(page_message(page, "two-step-mail-over")), ..Shown::default() }
    };
    Ok(Outcome::WrongCredentials.tag(show(page, &admitted, StatusCode::BAD_REQUEST, shown)?))
}

async fn confirm(
    services: &Services,
    page: &AccountPage,
    admitted: &AdmittedUser,
    typed: &SecretText,
    ends_others: bool,
) -> Result<Response, AccountPageError> {
    let (handle, presented) = (&page.handle, &admitted.presented);
    let secrets = NewSessionSecrets::fresh(services.random);
    let words = match second_factor::confirm(services, handle, presented, &secrets, typed, ends_others).await? {
        TotpConfirmed::Active { session, is_replacement, codes } => {
            let mut response = match codes {
                Some(codes) => page.see_other(&offer::along(page, &shown_codes::address(page, session.account, &codes)?)?),
                None => offer::done(page, PATH, if is_replacement { "app-replaced" } else { "app-added" })?,
            };
            let identifier = admitted.principal.authentication().identifier;
            secrets.set_cookies(&mut response, handle, &page.browser, &session, identifier, false);
            return Ok(response);
        }
        TotpConfirmed::NoSetup => {
            let shown = Shown { notice: Some(page_message(page, "two-step-setup-over")), ..Shown::default() };
            let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
            return Ok(Outcome::Expired.tag(show(page, &admitted, StatusCode::BAD_REQUEST, shown)?));
        }
        TotpConfirmed::TooMany { until } => {
            let shown = Shown { notice: Some(too_many(page, until)), ..Shown::default() };
            let wait = until.since(handle.now());
            return Ok(page.show_blocked(Section::Security, "account_two_step_app", wait, values(page, admitted, &shown)?));
        }
        TotpConfirmed::Refused(refused) => refusal(page, refused),
    };
    let shown = Shown { errors: BTreeMap::from([("code", words)]), keeps_others: !ends_others, ..Shown::default() };
    Ok(Outcome::WrongCredentials.tag(show(page, admitted, StatusCode::BAD_REQUEST, shown)?))
}

/// Only a person who sees the seed types a code here, so the hint about the clock tells nothing new.
fn refusal(page: &AccountPage, refused: TotpRefused) -> String {
    match refused {
        TotpRefused::NotACode => page_message(page, "two-step-code-digits"),
        TotpRefused::Used | TotpRefused::Wrong { clock_off: None } => page_message(page, "two-step-code-wrong"),
        TotpRefused::Wrong { clock_off: Some(off) } => {
            let minutes = FluentValue::from((off.by().as_seconds() + 59).div_euclid(60));
            let id = if off.is_ahead() { "two-step-clock-ahead" } else { "two-step-clock-behind" };
            locale::message(&page.locale, id, [("minutes", minutes)])
        }
    }
}

fn show(page: &AccountPage, admitted: &AdmittedUser, status: StatusCode, shown: Shown) -> Result<Response, AccountPageError> {
    Ok(offer::show(page, Section::Security, "account_two_step_app", status, values(page, admitted, &shown)?))
}

fn values(page: &AccountPage, admitted: &AdmittedUser, shown: &Shown) -> Result<Value, AccountPageError> {
    let snapshot = &admitted.principal.snapshot;
    let is_replacement = snapshot.authentication.factors.totp.is_some();
    let proof = address_proof::state(&page.handle, &admitted.principal)?;
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let setup = match second_factor::pending_seed(&page.handle, &admitted.principal)? {
        Some(seed) => Some(setup(page, admitted, &seed)?),
        None => None,
    };
    Ok(context! {
        setup,
        email => claims.0.get("email").and_then(serde_json::Value::as_str),
        needs_mail => proof == AddressProofState::Needed,
        waits_for_mail => proof == AddressProofState::Waiting,
        is_replacement,
        keeps_others => shown.keeps_others,
        errors => &shown.errors,
        notice => &shown.notice,
        back => offer::end(page, PATH)?,
        action => offer::along(page, "?")?,
        anti_forgery => page.anti_forgery(PAGE, admitted),
    })
}

/// What the app needs: as a picture, as a link for an app on this device, and as a key to type.
fn setup(page: &AccountPage, admitted: &AdmittedUser, seed: &TotpSeed) -> Result<Value, AccountPageError> {
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let account = claims.0.get("email").and_then(serde_json::Value::as_str).unwrap_or_default();
    let issuer = page.handle.tenant.config.name.get(&page.locale);
    let key = BASE32_NOPAD.encode(seed.expose());
    let link = otpauth(issuer, account, &key);
    let groups: Vec<&str> = (0..key.len()).step_by(4).map(|at| &key[at..(at + 4).min(key.len())]).collect();
    Ok(context! {
        qr => Value::from_safe_string(qr::svg(&link, &page_message(page, "two-step-qr"))?),
        link,
        key => groups.join(" "),
    })
}

/// The key as a URI, as authenticator apps read it. The defaults (SHA-1, 6 digits, 30 seconds) are left out, so the picture stays coarse.
fn otpauth(issuer: &str, account: &str, key: &str) -> String {
    let mut uri = String::from("otpauth://totp/");
    // Apps split the label at the first colon.
    uri.push_str(&encode(&issuer.replace(':', " ")));
    uri.push(':');
    uri.push_str(&encode(account));
    uri.push_str("?secret=");
    uri.push_str(key);
    uri.push_str("&issuer=");
    uri.push_str(&encode(issuer));
    uri
}

/// Percent-encoded (RFC 3986 §2.1): apps do not read `+` as a space.
fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

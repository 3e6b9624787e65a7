//! `/login/passkey`: signs in with a passkey (security 14, 17, 80–84, 86).
//!
//! 1. The form must belong to this browser and to the request in the address.
//! 2. The sealed challenge must be of this browser and request, and at most five minutes old. The client data is checked next: whatever is not
//!    for us is refused before anything is read.
//! 3. The account that the passkey names is read together with the passkey.
//!    In the second step of a sign-in, it must be the account of the first one.
//! 4. The decision checks everything else, accepts the challenge, and signs in. The outcome is shown only after the commit.

use crate::passkey_button::PAGE;
use crate::pending::Pending;
use crate::sign_in_page::{SignInForm, View};
use crate::signed_in::{self, SignedIn};
use crate::{passkey_offer, respond, second_step};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{StatusCode, Uri};
use latchkey::domain::change::Decision;
use latchkey::domain::id::AccountId;
use latchkey::domain::identifier::IdentifierHash;
use latchkey::domain::passkey::CredentialHash;
use latchkey::domain::passkey::offer::{CompletedBy, CompletedSignIn};
use latchkey::domain::sign_in::complete::{NewSignIn, Remembering};
use latchkey::domain::sign_in::methods::passkey::ceremony::PostedUse;
use latchkey::domain::sign_in::methods::passkey::refusal::PasskeyRefusal;
use latchkey::domain::sign_in::methods::passkey::{Presented, Subject, authenticate};
use latchkey::domain::sign_in::methods::password::Authenticated;
use latchkey::keys::passkey::PasskeyVerifier;
use latchkey::locale::{date, message};
use latchkey::services::Services;
use latchkey::store::DecideError;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::{ChallengeFor, IssuedChallenge, RelyingParty, sign_in_options};
use latchkey::web::passkey_signals;
use latchkey::web::problem::ProblemKind;
use latchkey::web::session::{self, NewSessionSecrets};
use latchkey::web::{Browser, Params, Problem, TenantHandle};
use std::sync::OnceLock;

/// Fresh options for the script of the sign-in page. Nothing is read but a stored request.
///
/// # Errors
/// If the tenant has no passkeys, or the request cannot be read.
pub async fn options(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let pending = Pending::find(&handle, &uri).await?;
    let party = RelyingParty::of(&handle.tenant)
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "There are no passkeys here. Sign in with your password."))?;
    let options = sign_in_options(&handle, &browser, &party, &pending.context())?;
    Ok(browser.answer(([(CONTENT_TYPE, "application/json")], options.to_string()).into_response()))
}

/// Handles the use of a passkey.
///
/// # Errors
/// If the form does not belong to this browser, or the store or a key fails.
pub async fn post(
    State(services): State<Services>,
    handle: TenantHandle,
    browser: Browser,
    uri: Uri,
    FormBody(form): FormBody,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(&handle, &uri).await?;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let request = match pending.request(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let origin = browser.check_kept_form(tenant, PAGE, &pending.context(), form.one(ANTI_FORGERY_FIELD)?)?;
    let view = View { handle: &handle, browser: &browser, pending: &pending, request: request.as_ref(), locale: &locale };
    if origin == FormOrigin::Stale {
        return Ok(Outcome::Expired.tag(view.show(SignInForm::stale(String::new(), &locale))));
    }
    let secrets = NewSessionSecrets::fresh(services.random);
    let refused = |words| view.show(SignInForm::refused(String::new(), &locale, words));
    let seen = Seen::default();
    let outcome = sign_in(&handle, &browser, &pending, &form, &secrets, &seen).await?;
    if outcome.is_err() && pending.attempt(tenant)?.is_some() {
        // The right password is shown already.
        return second_step::after_refused_passkey(&handle, &browser, &pending).await;
    }
    match outcome {
        Ok(Authenticated::SignedIn { session, new_device, satisfied, passkeys }) => {
            let Account { identifier, by } = *seen.account.get().ok_or_else(Problem::internal)?;
            let completed = CompletedSignIn { by, is_known_device: !new_device, passkeys };
            let offers_passkey = passkey_offer::is_due(&handle, &browser, &pending, &form, completed, session.account)?;
            let signed_in =
                SignedIn { session: &session, since: handle.now(), identifier, new_device, satisfied, offers_passkey };
            signed_in::proceed(&handle, &browser, &pending, &secrets, &signed_in)
        }
        Ok(Authenticated::Closed { due }) => {
            let words = message(&locale, "login-closed", [("date", date(&locale, due).into())]);
            Ok(Outcome::Refused.tag(view.show(SignInForm::refused_in_words(String::new(), words))))
        }
        Ok(Authenticated::Disabled) => Ok(Outcome::Refused.tag(refused("login-disabled"))),
        Err(PasskeyRefusal::ChallengeExpired | PasskeyRefusal::ChallengeForeign | PasskeyRefusal::ChallengeStale) => {
            let form = SignInForm::refused(String::new(), &locale, "login-passkey-stale").with_status(StatusCode::CONFLICT);
            Ok(Outcome::Expired.tag(view.show(form)))
        }
        Err(PasskeyRefusal::CredentialUnknown) => {
            let signals = seen.unknown.get().cloned();
            let form = SignInForm { signals, ..SignInForm::refused(String::new(), &locale, "login-passkey-unknown") };
            Ok(Outcome::WrongCredentials.tag(view.show(form)))
        }
        // The others do not occur for a passkey.
        Ok(_) | Err(_) => Ok(Outcome::WrongCredentials.tag(refused("login-passkey-refused"))),
    }
}

/// What was seen on the way to the outcome.
#[derive(Debug, Default)]
struct Seen {
    account: OnceLock<Account>,
    /// What the browser is told about a passkey that this account does not have.
    unknown: OnceLock<String>,
}

/// What a sign-in needs besides its outcome.
#[derive(Debug, Clone, Copy)]
struct Account {
    /// The address of the account, for the device cookie.
    identifier: IdentifierHash,
    /// Where the passkey is.
    by: CompletedBy,
}

/// Decides and commits.
async fn sign_in(
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    form: &Params,
    secrets: &NewSessionSecrets,
    seen: &Seen,
) -> Result<Result<Authenticated, PasskeyRefusal>, Problem> {
    let tenant = &handle.tenant;
    let Some(party) = RelyingParty::of(tenant) else { return Ok(Err(PasskeyRefusal::CredentialUnknown)) };
    let context = pending.context();
    let state = form.one("state")?.unwrap_or_default();
    let challenge = match IssuedChallenge::open(handle, browser, ChallengeFor::SignIn { request: &context }, state)? {
        Ok(challenge) => challenge,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let ceremony = party.ceremony(&challenge);
    let posted = PostedUse::read(form.one("credential")?.unwrap_or_default());
    let checked = posted.and_then(|posted| {
        posted.check_client_data(&ceremony)?;
        let account = AccountId::from_bytes(posted.handle()?);
        Ok((posted, account))
    });
    let (posted, account) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // The second step of a sign-in that began as another user (security 78).
    if pending.attempt(tenant)?.is_some_and(|attempt| attempt.account != account) {
        return Ok(Err(PasskeyRefusal::UserHandle));
    }
    let credential = CredentialHash::of(posted.credential_id());
    let presented = Presented { posted: &posted, ceremony, issued_at: challenge.issued_at };
    let closed = OnceLock::new();
    let decide = || async {
        let Some(found) = tenant.store.find_passkey(account, credential).await? else {
            return Ok::<_, Problem>(Decision::unchanged(Err(PasskeyRefusal::CredentialUnknown)));
        };
        let by = if posted.is_roaming() { CompletedBy::RoamingPasskey } else { CompletedBy::OwnPasskey };
        let _ = seen.account.set(Account { identifier: found.authentication.identifier, by });
        if found.passkey.is_none() && !tenant.store.is_credential_claimed(credential).await? {
            let _ = seen.unknown.set(passkey_signals::unknown(&party, posted.credential_id()));
        }
        let device = browser.device_of(account);
        let replaced = session::find(handle, browser, None).await?;
        let new = NewSignIn {
            session: secrets.session(Some(session::seal_device(handle, browser, &found.data_key)?)),
            device: secrets.device(),
            replaced: replaced.as_ref().map(|replaced| &replaced.session),
            policy: &tenant.config.session,
            second_factor: tenant.config.sign_in.second_factor,
            keeps_expiry: false,
            attempt: None,
            remembering: Remembering::Off,
        };
        let subject = Subject { authentication: &found.authentication, passkey: found.passkey.as_ref(), device };
        let decision = authenticate(subject, &presented, &PasskeyVerifier, new, handle.now());
        if let Ok(Authenticated::Closed { due }) = decision.outcome {
            let _ = closed.set(due);
        }
        Ok(decision)
    };
    match (tenant.store.decide(&handle.request, decide).await, closed.get()) {
        // The restoration mails of the day are sent. They have the same link and code.
        (Err(DecideError::LimitReached), Some(due)) => Ok(Ok(Authenticated::Closed { due: *due })),
        (decided, _) => Ok(decided?),
    }
}

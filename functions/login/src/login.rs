//! `/login`: identifier and password (security 14, 17, 55, 56, 64, 71, 112–116).
//!
//! 1. The form must belong to this browser and to the request in the address.
//! 2. Account or decoys are read. A blocking window ends the request before anything is hashed.
//! 3. The password is compared, with the same work for an unknown identifier.
//! 4. The decision counts a failure or signs in. The outcome is shown only after the commit, so parallel guesses cannot outrun the
//!    counter.
//! 5. If the account or its password is unknown here, the tenant's legacy directory is queried, if there is one ([`crate::legacy_directory`]).
//! 6. If the account needs a second step, the browser continues there ([`crate::second_step`]), and no session exists yet.
//! 7. The browser returns to the request, with a sealed marker that this sign-in was for it.

use crate::attempt::{Attempted, Typed};
use crate::consent::find_email;
use crate::legacy_directory::{self, Visit};
use crate::passkey_button::PAGE;
use crate::passkey_offer;
use crate::pending::{AttemptLocator, Pending};
use crate::sign_in_page::{SignInForm, View};
use crate::signed_in::{self, SignedIn, is_confirmation};
use crate::{remembering, respond};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use latchkey::domain::change::Decision;
use latchkey::domain::credential::MAX_PASSWORD_BYTES;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::oauth::authorize::counting_proofs;
use latchkey::domain::passkey::offer::{CompletedBy, CompletedSignIn};
use latchkey::domain::secret::{PasswordHash, SecretText};
use latchkey::domain::sign_in::attempt::NewAttempt;
use latchkey::domain::sign_in::complete::NewSignIn;
use latchkey::domain::sign_in::methods::password::{Authenticated, PasswordVerdict, Subject, authenticate};
use latchkey::domain::tenant::LegacyDirectoryConfig;
use latchkey::keys::password::{HashMemo, PasswordMatch};
use latchkey::locale::{date, message};
use latchkey::services::Services;
use latchkey::store::DecideError;
use latchkey::store::account::SignInSnapshot;
use latchkey::web::browser::FormOrigin;
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::session::{self, NewSessionSecrets};
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle};
use minijinja::context;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Shows the sign-in page. If it was opened directly by a signed-in user, says so.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(&handle, &uri).await?;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let request = match pending.request(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let mut form =
        SignInForm { identifier: pending.hint("login_hint").unwrap_or_default().to_owned(), ..SignInForm::default() };
    let found = if pending.is_switch() { None } else { session::find(&handle, &browser, None).await? };
    // Another tab has signed in meanwhile: the request continues there, unless it demands a sign-in of its own.
    if let (Some(request), Some(found)) = (&request, &found)
        && counting_proofs(request, &found.session, pending.interactions(tenant)?, handle.now()).is_some()
    {
        return Ok(browser.answer(respond::see_other(&pending.continue_at(tenant, "/oauth2/authorize"))));
    }
    if request.is_none()
        && let Some(found) = found
    {
        match pending.return_to(tenant) {
            // An account page requires a recent sign-in, usually by the same user.
            Some(_) if is_confirmation(&pending) => {
                form.identifier = find_email(&handle, &found).await?.unwrap_or_default();
                form.confirms = true;
            }
            Some(page) => return Ok(browser.answer(respond::see_other(page))),
            None => {
                let values = context! {
                    sign_out => respond::path(tenant, "/oauth2/logout"),
                    account => respond::path(tenant, "/account"),
                };
                let page = Page::new(tenant, &locale, "signed_in", values);
                return Ok(browser.answer(page.languages(&pending.own_query()).into_response()));
            }
        }
    }
    let view = View { handle: &handle, browser: &browser, pending: &pending, request: request.as_ref(), locale: &locale };
    Ok(view.show(form))
}

/// Handles identifier and password.
///
/// # Errors
/// If the form does not belong to this browser, or the store, a key or the hasher fails.
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
    let origin = browser.check_kept_form(tenant, PAGE, &pending.context(), form.one("anti_forgery")?)?;
    let view = View { handle: &handle, browser: &browser, pending: &pending, request: request.as_ref(), locale: &locale };
    if origin == FormOrigin::Stale {
        let typed = form.one("identifier")?.unwrap_or_default().to_owned();
        return Ok(Outcome::Expired.tag(view.show(SignInForm::stale(typed, &locale))));
    }
    let typed = match Typed::read(&form, &locale)? {
        Ok(typed) => typed,
        Err(form) => return Ok(view.show(form)),
    };
    let session_secrets = NewSessionSecrets::fresh(services.random);
    let remembering = remembering::of_first_step(tenant, &pending, request.as_ref());
    let visit = Visit { handle: &handle, browser: &browser, session_secrets: &session_secrets, remembering, locale: &locale };
    match sign_in(&services, &visit, &typed).await? {
        Attempted::Decided(Authenticated::SignedIn { session, new_device, satisfied, passkeys }) => {
            let identifier = tenant.keys.identifier()?.hash_email(&typed.email);
            let completed = CompletedSignIn { by: CompletedBy::KnownSecret, is_known_device: !new_device, passkeys };
            let offers_passkey = passkey_offer::is_due(&handle, &browser, &pending, &form, completed, session.account)?;
            let signed_in =
                SignedIn { session: &session, since: handle.now(), identifier, new_device, satisfied, offers_passkey };
            signed_in::proceed(&handle, &browser, &pending, &session_secrets, &signed_in)
        }
        Attempted::Decided(Authenticated::SecondStep { account, attempt }) => {
            let location = pending.at_second_step(tenant, &AttemptLocator { account, attempt })?;
            Ok(browser.answer(respond::see_other(&location)))
        }
        Attempted::Decided(
            Authenticated::Refused | Authenticated::LegacyDirectory { .. } | Authenticated::UnknownIdentifier { .. },
        )
        | Attempted::KnownByNow => {
            let form = SignInForm::refused(typed.identifier, &locale, "login-refused");
            Ok(Outcome::WrongCredentials.tag(view.show(form)))
        }
        Attempted::Decided(Authenticated::Closed { due }) => {
            let words = message(&locale, "login-closed", [("date", date(&locale, due).into())]);
            Ok(Outcome::Refused.tag(view.show(SignInForm::refused_in_words(typed.identifier, words))))
        }
        Attempted::Decided(Authenticated::Disabled) => {
            Ok(Outcome::Refused.tag(view.show(SignInForm::refused(typed.identifier, &locale, "login-disabled"))))
        }
        Attempted::Decided(Authenticated::Blocked { retry_after }) => {
            Ok(Outcome::Locked.tag(view.show(SignInForm::blocked(typed.identifier, &locale, retry_after))))
        }
        Attempted::MustBeReplaced => {
            let form = SignInForm::refused(typed.identifier, &locale, "login-password-replace");
            Ok(Outcome::Expired.tag(view.show(form)))
        }
        Attempted::NotProven => {
            let form = SignInForm::refused(typed.identifier, &locale, "login-address-unproven");
            Ok(Outcome::Refused.tag(view.show(form)))
        }
        Attempted::SecondFactor => {
            let form = SignInForm::refused(typed.identifier, &locale, "login-second-factor");
            Ok(Outcome::Refused.tag(view.show(form)))
        }
        Attempted::Unasked { retry_after } => {
            Ok(Outcome::Failed.tag(view.show(SignInForm::unavailable(typed.identifier, &locale, retry_after))))
        }
    }
}

/// Tries the local account first. For an unknown identifier it then queries the tenant's legacy directory.
async fn sign_in(services: &Services, visit: &Visit<'_>, typed: &Typed) -> Result<Attempted, Problem> {
    let Some(pool) = &visit.handle.tenant.config.legacy_directory else {
        return Ok(Attempted::Decided(attempt(services, visit, typed).await?));
    };
    match attempt_with(services, visit, pool, typed).await? {
        // Retry: a user who has just been imported is known here now.
        Attempted::KnownByNow => attempt_with(services, visit, pool, typed).await,
        attempted @ (Attempted::Decided(_)
        | Attempted::MustBeReplaced
        | Attempted::NotProven
        | Attempted::SecondFactor
        | Attempted::Unasked { .. }) => Ok(attempted),
    }
}

async fn attempt_with(
    services: &Services,
    visit: &Visit<'_>,
    pool: &LegacyDirectoryConfig,
    typed: &Typed,
) -> Result<Attempted, Problem> {
    Ok(match attempt(services, visit, typed).await? {
        Authenticated::UnknownIdentifier { counted, before } => {
            legacy_directory::attempt(services, visit, pool, typed, counted, before).await?
        }
        Authenticated::LegacyDirectory { counted, before } => {
            legacy_directory::first_password(services, visit, pool, typed, &counted, &before).await?
        }
        Authenticated::Refused => {
            // A known user is not looked up there. The response time must not show this.
            if let Some(directory) = &services.legacy_directory {
                directory.simulate_lookup(pool, services.random.bytes()).await;
            }
            Attempted::Decided(Authenticated::Refused)
        }
        decided @ (Authenticated::SignedIn { .. }
        | Authenticated::SecondStep { .. }
        | Authenticated::Blocked { .. }
        | Authenticated::Closed { .. }
        | Authenticated::Disabled) => Attempted::Decided(decided),
    })
}

/// One attempt: load, compare, decide, commit.
async fn attempt(services: &Services, visit: &Visit<'_>, typed: &Typed) -> Result<Authenticated, Problem> {
    let Visit { handle, browser, session_secrets, remembering, .. } = *visit;
    let tenant = &handle.tenant;
    let identifier = tenant.keys.identifier()?.hash_email(&typed.email);
    // Expensive. The result stays valid after a conflict, unless the password was changed in the meantime.
    let compared = HashMemo::default();
    let closed = OnceLock::new();
    let attempt = services.random.attempt_id();
    let decide = || async {
        let snapshot = tenant.store.find_sign_in(&identifier).await?;
        let (subject, data_key) = match &snapshot {
            SignInSnapshot::Known { authentication, password, data_key } => {
                let device = browser.device_of(authentication.account);
                (Subject::Known { authentication, password: password.as_ref(), device }, Some(data_key))
            }
            SignInSnapshot::Unknown { failures } => (Subject::Unknown { identifier, failures: failures.as_ref() }, None),
        };
        if let Some(retry_after) = subject.blocked_for(handle.now()) {
            return Ok::<_, Problem>(Decision::unchanged(Authenticated::Blocked { retry_after }));
        }
        let verdict = compare(services, &typed.password, subject.password_hash(), &compared).await?;
        let device = match (data_key, &verdict) {
            (Some(key), PasswordVerdict::Right | PasswordVerdict::RightRehashed(_)) => {
                Some(session::seal_device(handle, browser, key)?)
            }
            (Some(_) | None, _) => None,
        };
        let replaced = session::find(handle, browser, None).await?;
        let new = NewSignIn {
            session: session_secrets.session(device),
            device: session_secrets.device(),
            replaced: replaced.as_ref().map(|replaced| &replaced.session),
            policy: &tenant.config.session,
            second_factor: tenant.config.sign_in.second_factor,
            keeps_expiry: false,
            attempt: Some(NewAttempt { id: attempt, browser: browser.binding() }),
            remembering,
        };
        let decision = authenticate(subject, verdict, new, handle.now());
        if let Authenticated::Closed { due } = decision.outcome {
            let _ = closed.set(due);
        }
        Ok(decision)
    };
    match (tenant.store.decide(&handle.request, decide).await, closed.get()) {
        // The restoration mails of the day are sent. They have the same link and code.
        (Err(DecideError::LimitReached), Some(due)) => Ok(Authenticated::Closed { due: *due }),
        (decided, _) => Ok(decided?),
    }
}

/// Compares once for each stored hash.
async fn compare(
    services: &Services,
    password: &SecretText,
    stored: Option<&PasswordHash>,
    compared: &HashMemo<Option<PasswordHash>, PasswordMatch>,
) -> Result<PasswordVerdict, Problem> {
    Ok(match compared.get_or_compute(stored.cloned(), services.hasher.verify(password, stored)).await? {
        PasswordMatch::No => PasswordVerdict::Wrong,
        PasswordMatch::Yes => PasswordVerdict::Right,
        PasswordMatch::Rehash(hash) => PasswordVerdict::RightRehashed(hash),
    })
}

impl Typed {
    /// The form input, or the form with its errors. It never shows whether an account exists.
    fn read(form: &Params, locale: &str) -> Result<Result<Self, SignInForm>, Problem> {
        let identifier = form.one("identifier")?.unwrap_or_default().to_owned();
        let password = SecretText::from(form.one("password")?.unwrap_or_default());
        let mut errors = BTreeMap::new();
        let email = EmailAddress::parse(&identifier);
        if email.is_err() {
            errors.insert("identifier", message(locale, "login-identifier-malformed", []));
        }
        if password.expose().is_empty() {
            errors.insert("password", message(locale, "login-password-missing", []));
        } else if password.expose().len() > MAX_PASSWORD_BYTES {
            // No stored password is longer, so nothing is hashed for it.
            errors.insert("password", message(locale, "login-password-too-long", []));
        }
        Ok(match email {
            Ok(email) if errors.is_empty() => Ok(Self { identifier, email, password }),
            Ok(_) | Err(_) => Err(SignInForm { identifier, errors, status: StatusCode::BAD_REQUEST, ..SignInForm::default() }),
        })
    }
}

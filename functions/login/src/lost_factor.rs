//! `/login/lost-factor`: a user at the second step who has lost the app and the recovery codes (security 157). See
//! [`latchkey::domain::lost_factor`].
//!
//! 1. The address names the attempt of the right password, sealed and bound to the request, as at the second step.
//! 2. The page shows the next step: a code by mail, its form, the wait, or the removal. Where the tenant does not allow it, it names support.
//! 3. The form must belong to this browser, this request and this attempt.
//! 4. After the removal the user signs in again, by password alone. Nothing here opens a session.

use crate::pending::{AttemptLocator, Pending};
use crate::respond;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri};
use latchkey::domain::account::LinkSeed;
use latchkey::domain::change::Decision;
use latchkey::domain::email_undo::StoredFactors;
use latchkey::domain::lost_factor::{self, LostFactor, LostFactorState, RemovalStarted};
use latchkey::domain::passkey::Passkey;
use latchkey::domain::secret::SecretText;
use latchkey::domain::sign_in::attempt::SignInAttempt;
use latchkey::domain::tenant::LostFactorPolicy;
use latchkey::keys::AccountLink;
use latchkey::locale::{FluentValue, date_and_time, message};
use latchkey::services::Services;
use latchkey::store::DecideError;
use latchkey::store::principal::{PrincipalQuery, PrincipalSnapshot};
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::{Browser, Page, Problem, TenantHandle};
use minijinja::context;

const PAGE: &str = "lost-factor";

/// Shows the next step.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let pending = Pending::find(&handle, &uri).await?;
    match View::open(&handle, &browser, &pending)? {
        Ok(view) => view.show(StatusCode::OK, Shown::default()).await,
        Err(response) => Ok(response),
    }
}

/// Takes a step.
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
    let pending = Pending::find(&handle, &uri).await?;
    let view = match View::open(&handle, &browser, &pending)? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &view.form_context(), form.one(ANTI_FORGERY_FIELD)?)?;
    if origin == FormOrigin::Stale {
        let shown = Shown { notice: Some(message(&view.locale, "form-stale", [])), error: None };
        return Ok(Outcome::Expired.tag(view.show(StatusCode::FORBIDDEN, shown).await?));
    }
    if handle.tenant.config.sign_in.lost_factor == LostFactorPolicy::Off {
        return Ok(Outcome::Refused.tag(view.show(StatusCode::BAD_REQUEST, Shown::default()).await?));
    }
    match (form.one("mail_code")?, form.one("decision")?) {
        (Some(code), _) => view.start(&services, &code.into()).await,
        (None, Some("remove")) => view.remove().await,
        (None, _) => view.request_code(&services).await,
    }
}

#[derive(Default)]
struct Shown {
    error: Option<String>,
    notice: Option<String>,
}

/// The page of one attempt.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    pending: &'a Pending,
    locator: AttemptLocator,
    locale: String,
}

/// What the decisions read.
struct Loaded {
    snapshot: PrincipalSnapshot,
    attempt: SignInAttempt,
    passkeys: Vec<Passkey>,
}

impl<'a> View<'a> {
    fn open(handle: &'a TenantHandle, browser: &'a Browser, pending: &'a Pending) -> Result<Result<Self, Response>, Problem> {
        let tenant = &handle.tenant;
        let locale = browser.locale(tenant, pending.hint("ui_locales"));
        if let Err(refusal) = pending.request(tenant) {
            return Ok(Err(respond::refuse(tenant, &locale, &refusal)));
        }
        Ok(match pending.attempt(tenant)? {
            Some(locator) => Ok(Self { handle, browser, pending, locator, locale }),
            None => Err(respond::see_other(&pending.continue_at(tenant, "/login"))),
        })
    }

    /// The context of the forms: the request and the attempt.
    fn form_context(&self) -> String {
        format!("{}\n{}", self.pending.context(), self.locator.attempt)
    }

    async fn load(&self) -> Result<Option<Loaded>, Problem> {
        let (store, account) = (&self.handle.tenant.store, self.locator.account);
        let Some(found) = store.find_attempt(account, self.locator.attempt).await? else { return Ok(None) };
        let query =
            PrincipalQuery { account, session: None, grant: None, profile: true, password: false, second_factors: true };
        let Some(snapshot) = store.find_principal(query).await? else { return Ok(None) };
        let passkeys = store.find_passkeys(account).await?;
        Ok(Some(Loaded { snapshot, attempt: found.attempt, passkeys }))
    }

    fn lost<'l>(&self, loaded: &'l Loaded) -> Option<LostFactor<'l>> {
        let Loaded { snapshot, attempt, passkeys } = loaded;
        Some(LostFactor {
            account: &snapshot.authentication,
            profile: snapshot.profile.as_ref()?,
            factors: StoredFactors { totp: snapshot.totp.as_ref(), codes: snapshot.recovery_codes.as_ref(), passkeys },
            attempt,
            browser: self.browser.binding(),
            device: self.browser.device_of(self.locator.account),
        })
    }

    /// Mails a code. From here on the browser is named in its device cookie, without being a known device: a form that is sent twice then comes
    /// from the same browser.
    async fn request_code(&self, services: &Services) -> Result<Response, Problem> {
        let (tenant, now, account) = (&self.handle.tenant, self.handle.now(), self.locator.account);
        let version = tenant.keys.proof()?.current_version();
        let decide = || async {
            let loaded = self.load().await?;
            let lost = loaded.as_ref().and_then(|loaded| self.lost(loaded));
            Ok::<_, Problem>(match lost {
                Some(lost) => {
                    let Decision { changes, outcome } = lost_factor::request_code(&lost, version, now);
                    Decision { changes, outcome: Some((outcome, lost.account.identifier)) }
                }
                None => Decision::unchanged(None),
            })
        };
        match tenant.store.decide(&self.handle.request, decide).await {
            Err(DecideError::LimitReached) => {
                let notice = Some(message(&self.locale, "lost-factor-too-many-mails", []));
                let shown = Shown { notice, error: None };
                Ok(Outcome::Throttled.tag(self.show(StatusCode::TOO_MANY_REQUESTS, shown).await?))
            }
            decided => {
                let mut response = self.again();
                if let Some((LostFactorState::CodeMailed, identifier)) = decided? {
                    let new = self.browser.device_of(account).is_none().then(|| services.random.bytes());
                    self.browser.remember_device(&mut response, tenant, account, identifier, new);
                }
                Ok(response)
            }
        }
    }

    /// Takes the mailed code: the right one starts the delay. A browser that has lost its device cookie gets another code first.
    async fn start(&self, services: &Services, typed: &SecretText) -> Result<Response, Problem> {
        let (tenant, now, account) = (&self.handle.tenant, self.handle.now(), self.locator.account);
        let Some(device) = self.browser.device_of(account) else { return self.request_code(services).await };
        let decide = || async {
            let loaded = self.load().await?;
            let Some(lost) = loaded.as_ref().and_then(|loaded| self.lost(loaded)) else {
                return Ok::<_, Problem>(Decision::unchanged(RemovalStarted::NoCode));
            };
            let fits = match lost.attempt.removal_code {
                Some(code) => {
                    let seed = LinkSeed::of_event(code.at, code.key_version);
                    tenant.keys.proof()?.matches_account_code(AccountLink::RemovalCode, account, &seed, typed)?
                }
                None => false,
            };
            Ok(lost_factor::start(&lost, fits, device, now))
        };
        match tenant.store.decide(&self.handle.request, decide).await? {
            RemovalStarted::Wrong { tries_left } => {
                let left = FluentValue::from(i64::from(tries_left));
                let error = Some(message(&self.locale, "recover-code-wrong", [("left", left)]));
                let shown = Shown { error, notice: None };
                Ok(Outcome::WrongCredentials.tag(self.show(StatusCode::BAD_REQUEST, shown).await?))
            }
            RemovalStarted::Started | RemovalStarted::NoCode => Ok(self.again()),
        }
    }

    /// Removes the factors. The user signs in again.
    async fn remove(&self) -> Result<Response, Problem> {
        let decide = || async {
            let loaded = self.load().await?;
            let lost = loaded.as_ref().and_then(|loaded| self.lost(loaded));
            Ok::<_, Problem>(match lost {
                Some(lost) => lost_factor::remove(&lost, self.handle.now()),
                None => Decision::unchanged(false),
            })
        };
        if !self.handle.tenant.store.decide(&self.handle.request, decide).await? {
            return Ok(self.again());
        }
        let values = context! {
            sign_in => self.pending.continue_at(&self.handle.tenant, "/login"),
        };
        Ok(self.browser.answer(self.page("lost_factor_removed", values).into_response()))
    }

    fn again(&self) -> Response {
        let location = self.pending.continue_step_at(&self.handle.tenant, "/login/lost-factor");
        self.browser.answer(respond::see_other(&location))
    }

    fn page(&self, template: &'static str, values: minijinja::Value) -> Page {
        Page::new(&self.handle.tenant, &self.locale, template, values)
    }

    async fn show(&self, status: StatusCode, shown: Shown) -> Result<Response, Problem> {
        let (tenant, now) = (&self.handle.tenant, self.handle.now());
        let loaded = self.load().await?;
        let lost = loaded.as_ref().and_then(|loaded| self.lost(loaded));
        let state = lost.map_or(LostFactorState::Over, |lost| lost_factor::state(&lost, now));
        let when = |at| date_and_time(&self.locale, at);
        let is_off = tenant.config.sign_in.lost_factor == LostFactorPolicy::Off;
        let (word, date) = match state {
            LostFactorState::Over => {
                return Ok(respond::see_other(&self.pending.continue_at(tenant, "/login")));
            }
            _ if is_off => ("off", None),
            LostFactorState::NeedsPassword => ("password", None),
            LostFactorState::CanAsk => ("ask", None),
            LostFactorState::CodeMailed => ("code", None),
            LostFactorState::Waiting { due, is_own: true } => ("waiting", Some(when(due))),
            LostFactorState::Waiting { due, is_own: false } => ("other-browser", Some(when(due))),
            LostFactorState::Due => ("due", None),
            LostFactorState::NotBefore(until) => ("later", Some(when(until))),
        };
        let action = self.pending.continue_step_at(tenant, "/login/lost-factor");
        let values = context! {
            state => word,
            date,
            error => shown.error,
            notice => shown.notice,
            action => action.clone(),
            back => self.pending.continue_step_at(tenant, "/login/second-step"),
            support_url => tenant.config.brand.support_url.clone(),
            anti_forgery => self.browser.anti_forgery(tenant, PAGE, &self.form_context()),
        };
        let page = self.page("lost_factor", values).status(status).languages_of(&action, &self.pending.own_query());
        Ok(self.browser.answer(page.into_response()))
    }
}

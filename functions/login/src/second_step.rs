//! `/login/second-step`: a code of the authenticator app or a recovery code, after a right first factor (security 14, 17, 60, 73, 74).
//!
//! 1. The address names the attempt of the first step, sealed and bound to the request. Without one, the user has a session, and the
//!    application asks for a higher level.
//! 2. The form must belong to this browser, this request and this attempt or session.
//! 3. A blocking window ends the request before a code is compared.
//! 4. The decision counts a wrong code, or completes the sign-in. The outcome is shown only after the commit.
//! 5. A form that was sent twice continues: the attempt is closed, and the session that it opened is there.

use crate::enroll::{self, factor_rules};
use crate::pending::{AttemptLocator, InteractionResult, Pending};
use crate::signed_in::{self, SignedIn};
use crate::{passkey_button, passkey_offer, remembering, respond};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri};
use latchkey::domain::account::AccountState;
use latchkey::domain::change::Decision;
use latchkey::domain::oauth::authorization_request::AuthorizationRequest;
use latchkey::domain::oauth::authorize::{Interaction, counting_proofs_at_step, gap};
use latchkey::domain::passkey::offer::{CompletedBy, CompletedSignIn};
use latchkey::domain::secret::SecretText;
use latchkey::domain::session::Session;
use latchkey::domain::sign_in::assurance::Acr;
use latchkey::domain::sign_in::complete::{NewSignIn, Remembering};
use latchkey::domain::sign_in::factors::SecondStepsBlocked;
use latchkey::domain::sign_in::methods::{recovery_code, totp};
use latchkey::domain::sign_in::policy::Gap;
use latchkey::domain::sign_in::second_step::{FirstStep, SecondStep, Verdict, complete_second_step};
use latchkey::domain::time::{Span, Timestamp};
use latchkey::domain::totp::TotpSeed;
use latchkey::keys::SealedField;
use latchkey::locale::{FluentValue, message};
use latchkey::services::Services;
use latchkey::store::second_step::{CodeKind, SecondStepSnapshot};
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::{RelyingParty, SCRIPT_PATH};
use latchkey::web::session::{self, NewSessionSecrets};
use latchkey::web::{Browser, Page, Problem, TenantHandle};
use minijinja::context;

const PAGE: &str = "second-step";
/// The inputs of the two forms.
const CODE: &str = "code";
const RECOVERY_CODE: &str = "recovery_code";

/// Shows the page.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let pending = Pending::find(&handle, &uri).await?;
    match View::open(&handle, &browser, &pending).await? {
        Ok(view) => view.show(Shown::default()).await,
        Err(response) => Ok(response),
    }
}

/// Handles a code, or the wish to continue without one.
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
    let view = match View::open(&handle, &browser, &pending).await? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &view.form_context(), form.one(ANTI_FORGERY_FIELD)?)?;
    if origin == FormOrigin::Stale {
        let shown = Shown::notice(message(&view.locale, "form-stale", []), StatusCode::FORBIDDEN);
        return Ok(Outcome::Expired.tag(view.show(shown).await?));
    }
    if form.one("decision")? == Some("without") {
        return view.decline().await;
    }
    let (kind, typed) = match (form.one(CODE)?, form.one(RECOVERY_CODE)?) {
        (_, Some(code)) if !code.trim().is_empty() => (CodeKind::RecoveryCode, code),
        (Some(code), _) if !code.trim().is_empty() => (CodeKind::Totp, code),
        (_, recovery) => {
            let field = if recovery.is_some() { RECOVERY_CODE } else { CODE };
            let shown = Shown::error(field, message(&view.locale, "second-step-missing", []), StatusCode::BAD_REQUEST);
            return Ok(Outcome::Refused.tag(view.show(shown).await?));
        }
    };
    let typed = SecretText::from(typed);
    let secrets = NewSessionSecrets::fresh(services.random);
    let remembering = remembering::of_second_step(&handle, &form)?;
    let Checked { outcome, account, first_proof } = view.check(kind, &typed, remembering, &secrets).await?;
    let render = |shown| match &account {
        Some(account) => view.render(account, shown),
        None => view.over(),
    };
    match outcome {
        SecondStep::SignedIn { session, new_device, satisfied } => {
            let account = account.as_ref().ok_or_else(Problem::internal)?;
            let (identifier, passkeys) = (account.identifier, account.factors.passkeys);
            // A device that becomes remembered is new to the account, although its user may have signed in on it before.
            let device = browser.device_of(account.account);
            let is_known_device = account.devices.iter().any(|known| Some(known.id) == device);
            let completed = CompletedSignIn { by: CompletedBy::KnownSecret, is_known_device, passkeys };
            let offers_passkey = passkey_offer::is_due(&handle, &browser, &pending, &form, completed, session.account)?;
            let signed_in =
                SignedIn { session: &session, since: first_proof, identifier, new_device, satisfied, offers_passkey };
            match view.first {
                First::Attempt(_) => signed_in::proceed(&handle, &browser, &pending, &secrets, &signed_in),
                First::Session(..) => signed_in::proceed_after_step(&handle, &browser, &pending, &secrets, &signed_in),
            }
        }
        SecondStep::Refused => {
            let (field, words) = match kind {
                CodeKind::Totp => (CODE, "second-step-wrong"),
                CodeKind::RecoveryCode => (RECOVERY_CODE, "second-step-recovery-wrong"),
            };
            let shown = Shown::error(field, message(&view.locale, words, []), StatusCode::BAD_REQUEST);
            Ok(Outcome::WrongCredentials.tag(render(shown)))
        }
        SecondStep::Blocked(blocked) => Ok(Outcome::Locked.tag(render(Shown::blocked(&view.locale, blocked)))),
        SecondStep::Ended => view.continue_or_end().await,
    }
}

/// The page again, after a passkey that was refused in this step.
///
/// # Errors
/// If the store or a key fails.
pub(crate) async fn after_refused_passkey(
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
) -> Result<Response, Problem> {
    let view = match View::open(handle, browser, pending).await? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    let words = message(&view.locale, "second-step-passkey-refused", []);
    Ok(Outcome::WrongCredentials.tag(view.show(Shown::notice(words, StatusCode::BAD_REQUEST)).await?))
}

/// What keeps the first step.
enum First {
    /// An attempt. It is read with what the code is compared with.
    Attempt(AttemptLocator),
    /// A live session, and its account.
    Session(Box<Session>, Box<AccountState>),
}

/// A typed code, compared and decided.
struct Checked {
    outcome: SecondStep,
    /// The account as it was read, for the page that follows.
    account: Option<AccountState>,
    /// The time of the first step.
    first_proof: Timestamp,
}

/// The page of one attempt or session, and one request.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    pending: &'a Pending,
    request: Option<AuthorizationRequest<'a>>,
    first: First,
    /// The level to reach.
    level: Acr,
    /// Whether the user can continue without a code.
    is_optional: bool,
    locale: String,
}

/// What the page shows besides its forms.
#[derive(Default)]
struct Shown {
    notice: Option<String>,
    error: Option<(&'static str, String)>,
    status: StatusCode,
    retry_after: Option<Span>,
}

impl Shown {
    fn notice(words: String, status: StatusCode) -> Self {
        Self { notice: Some(words), status, ..Self::default() }
    }
    fn error(field: &'static str, words: String, status: StatusCode) -> Self {
        Self { error: Some((field, words)), status, ..Self::default() }
    }
    fn blocked(locale: &str, blocked: SecondStepsBlocked) -> Self {
        match blocked {
            SecondStepsBlocked::For(wait) => {
                let minutes = FluentValue::from((wait.as_seconds() + 59).div_euclid(60));
                let words = message(locale, "second-step-blocked", [("minutes", minutes)]);
                Self { retry_after: Some(wait), ..Self::notice(words, StatusCode::TOO_MANY_REQUESTS) }
            }
            SecondStepsBlocked::Locked => {
                // Waiting does not help. The header is for programs that would try again at once.
                let wait = latchkey::domain::failure_window::LONGEST_BLOCK;
                let words = message(locale, "second-step-locked", []);
                Self { retry_after: Some(wait), ..Self::notice(words, StatusCode::TOO_MANY_REQUESTS) }
            }
        }
    }
}

impl<'a> View<'a> {
    /// The page, or the response to an address without anything to complete.
    async fn open(
        handle: &'a TenantHandle,
        browser: &'a Browser,
        pending: &'a Pending,
    ) -> Result<Result<Self, Response>, Problem> {
        let tenant = &handle.tenant;
        let locale = browser.locale(tenant, pending.hint("ui_locales"));
        let request = match pending.request(tenant) {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(respond::refuse(tenant, &locale, &refusal))),
        };
        if let Some(locator) = pending.attempt(tenant)? {
            let first = First::Attempt(locator);
            return Ok(Ok(Self { handle, browser, pending, request, first, level: Acr::Aal2, is_optional: false, locale }));
        }
        let (Some(request), Some(found)) = (request, session::find(handle, browser, None).await?) else {
            return Ok(Err(respond::see_other(&pending.continue_at(tenant, "/login"))));
        };
        // What is too old for the request is no first step.
        let counting = counting_proofs_at_step(&request, &found.session, pending.interactions(tenant)?, handle.now());
        let Some(proofs) = counting else { return Ok(Err(respond::see_other(&pending.continue_at(tenant, "/login")))) };
        match gap(&request, &found.session, &found.authentication, &proofs, factor_rules(tenant), handle.now()) {
            Gap::StepUp { level, is_required } => {
                let first = First::Session(Box::new(found.session), Box::new(found.authentication));
                let is_optional = !is_required;
                Ok(Ok(Self { handle, browser, pending, request: Some(request), first, level, is_optional, locale }))
            }
            // Another tab has completed it, or it cannot be completed: the request says what is next.
            Gap::None | Gap::Enroll(_) | Gap::Unreachable => {
                Ok(Err(respond::see_other(&pending.continue_at(tenant, "/oauth2/authorize"))))
            }
        }
    }

    /// The context of the forms: the request, and the attempt or session.
    fn form_context(&self) -> String {
        let first = match &self.first {
            First::Attempt(locator) => locator.attempt.to_string(),
            First::Session(session, _) => session.id.to_string(),
        };
        format!("{}\n{first}", self.pending.context())
    }

    /// Compares, decides, commits.
    async fn check(
        &self,
        kind: CodeKind,
        typed: &SecretText,
        remembering: Remembering,
        secrets: &NewSessionSecrets,
    ) -> Result<Checked, Problem> {
        let Self { handle, browser, .. } = self;
        let (tenant, now) = (&handle.tenant, handle.now());
        let (account, attempt) = match &self.first {
            First::Attempt(locator) => (locator.account, Some(locator.attempt)),
            First::Session(session, _) => (session.account, None),
        };
        let ended = || Decision::unchanged(Checked { outcome: SecondStep::Ended, account: None, first_proof: now });
        let decide = || async {
            let replaced = session::find(handle, browser, None).await?;
            let Some(found) = tenant.store.find_second_step(account, attempt, kind).await? else {
                return Ok::<_, Problem>(ended());
            };
            let first = match (&self.first, &found.attempt, &replaced) {
                (First::Attempt(_), Some(attempt), _) => FirstStep::Attempt(attempt),
                (First::Session(shown, _), _, Some(live)) if live.session.id == shown.id => FirstStep::Session(&live.session),
                (First::Attempt(_), None, _) | (First::Session(..), _, _) => return Ok(ended()),
            };
            // Nothing is compared for a step that is over, or while codes are blocked.
            let is_evaluated = first.is_open(&found.authentication, &browser.binding(), now)
                && found.authentication.factors.blocked(now).is_none();
            let verdict = if is_evaluated { self.verdict(&found, typed)? } else { Verdict::Wrong };
            let device = browser.device_of(account);
            let new = NewSignIn {
                session: secrets.session(Some(session::seal_device(handle, browser, &found.data_key)?)),
                device: secrets.device(),
                replaced: replaced.as_ref().map(|replaced| &replaced.session),
                policy: &tenant.config.session,
                second_factor: tenant.config.sign_in.second_factor,
                keeps_expiry: matches!(self.first, First::Session(..)),
                attempt: None,
                remembering,
            };
            let Decision { changes, outcome } =
                complete_second_step(first, &found.authentication, device, verdict, &browser.binding(), new, now);
            let first_proof = first.oldest_proof().unwrap_or(now);
            Ok(Decision { changes, outcome: Checked { outcome, account: Some(found.authentication), first_proof } })
        };
        Ok(tenant.store.decide(&handle.request, decide).await?)
    }

    fn verdict(&self, found: &SecondStepSnapshot, typed: &SecretText) -> Result<Verdict, Problem> {
        if let Some(codes) = &found.recovery_codes {
            return Ok(recovery_code::redeem(codes, typed).map_or(Verdict::Wrong, |codes| Verdict::RecoveryCode { codes }));
        }
        let Some(active) = found.totp.as_ref().and_then(|totp| totp.active.as_ref()) else { return Ok(Verdict::Wrong) };
        let key = self.handle.tenant.keys.data()?.unwrap(&found.data_key)?;
        let seed = TotpSeed::from_slice(&key.open(SealedField::TotpSeed, &active.seed)?).ok_or_else(Problem::internal)?;
        let checked = totp::check(&seed, typed, found.authentication.factors.totp, self.handle.now());
        Ok(checked.map_or(Verdict::Wrong, |step| Verdict::Totp { step }))
    }

    /// Continues the request without the level that it wishes for.
    async fn decline(&self) -> Result<Response, Problem> {
        let Self { handle, browser, pending, .. } = self;
        match &self.first {
            First::Session(session, _) if self.is_optional => {
                let answered = InteractionResult::Stepped;
                let location = pending.address_with_result(&handle.tenant, answered, session.id, handle.now())?;
                Ok(Outcome::Denied.tag(browser.answer(respond::see_other(&location))))
            }
            First::Session(..) | First::Attempt(_) => Ok(Outcome::Refused.tag(self.show(Shown::default()).await?)),
        }
    }

    /// The page, if the step is still open. It reads the attempt.
    async fn show(&self, shown: Shown) -> Result<Response, Problem> {
        let Self { handle, browser, .. } = self;
        let locator = match &self.first {
            First::Session(_, account) => return Ok(self.render(account, shown)),
            First::Attempt(locator) => locator,
        };
        match handle.tenant.store.find_attempt(locator.account, locator.attempt).await? {
            Some(found)
                if FirstStep::Attempt(&found.attempt).is_open(&found.authentication, &browser.binding(), handle.now()) =>
            {
                Ok(self.render(&found.authentication, shown))
            }
            Some(_) | None => self.continue_or_end().await,
        }
    }

    /// A step that is over. If its form was sent twice, the session that it opened continues. Otherwise the user signs in again.
    async fn continue_or_end(&self) -> Result<Response, Problem> {
        let Self { handle, browser, pending, .. } = self;
        let (tenant, First::Attempt(locator)) = (&handle.tenant, &self.first) else { return Ok(self.over()) };
        let found = session::find(handle, browser, None).await?.filter(|found| found.session.account == locator.account);
        let Some(live) = found else { return Ok(self.over()) };
        let attempt = tenant.store.find_attempt(locator.account, locator.attempt).await?.map(|found| found.attempt);
        let own = attempt.filter(|attempt| attempt.browser == browser.binding());
        let closed = own.and_then(|attempt| Some((attempt.closed_at?, FirstStep::Attempt(&attempt).oldest_proof()?)));
        let Some((at, since)) = closed else { return Ok(self.over()) };
        let signed_in = Interaction { sid: live.session.id, at, since };
        Ok(respond::see_other(&signed_in::location_again(pending, tenant, signed_in)?))
    }

    /// The sign-in took too long, or something ended it.
    fn over(&self) -> Response {
        let message = |id| message(&self.locale, id, []);
        let values = context! {
            heading => message("second-step-over-title"),
            text => message("second-step-over-text"),
            link => self.pending.continue_at(&self.handle.tenant, "/login"),
            link_label => message("second-step-over-link"),
        };
        let page = Page::new(&self.handle.tenant, &self.locale, "error", values).status(StatusCode::BAD_REQUEST);
        Outcome::Expired.tag(page.into_response())
    }

    fn render(&self, account: &AccountState, shown: Shown) -> Response {
        let Self { handle, browser, pending, locale, .. } = self;
        let (tenant, factors) = (&handle.tenant, account.factors);
        let error = |field| shown.error.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.clone());
        let action = pending.continue_step_at(tenant, "/login/second-step");
        let values = context! {
            action => action.clone(),
            client => self.request.as_ref().map(|request| request.client.client_name.get(locale)),
            // Only what reaches the level.
            has_app => factors.totp.is_some() && self.level <= Acr::Aal2,
            remember_days => tenant.config.sign_in.remember_device.map(|span| span.as_seconds() / 86_400),
            has_recovery_codes => factors.recovery_codes > 0 && self.level <= Acr::Aal2,
            passkey => if factors.passkeys > 0 { passkey_button::of(handle, browser, pending) } else { None },
            passkey_script => RelyingParty::of(tenant).map(|_| SCRIPT_PATH.as_str()),
            code_error => error(CODE),
            recovery_error => error(RECOVERY_CODE),
            notice => shown.notice,
            // Two wrong codes in a row are often a wrong clock.
            mentions_clock => error(CODE).is_some() && factors.failures.count > 0,
            is_optional => self.is_optional,
            switch_user => pending.switch_user(tenant),
            lost_factor => match &self.first {
                First::Attempt(_) => Some(pending.continue_step_at(tenant, "/login/lost-factor")),
                First::Session(..) => None,
            },
            other_factor => match &self.first {
                First::Session(_, account) if !self.is_optional && enroll::can_enroll_another(account.protected, self.level) => {
                    Some(pending.other_factor(tenant, enroll::PATH))
                }
                First::Session(..) | First::Attempt(_) => None,
            },
            support_url => tenant.config.brand.support_url.clone(),
            anti_forgery => browser.anti_forgery(tenant, PAGE, &self.form_context()),
        };
        let mut page = Page::new(tenant, locale, "second_step", values).status(shown.status).retry_after(shown.retry_after);
        page = page.languages_of(&action, &pending.own_query()).fetches();
        if self.request.is_some() {
            page = page.ends_at_client();
        }
        browser.answer(page.into_response())
    }
}

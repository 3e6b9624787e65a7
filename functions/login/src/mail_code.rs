//! `/login/code`: sign-in with a code that is mailed to the address of the account (security 14, 17, 71, 79).
//!
//! 1. The sign-in page posts the address. A flow is written without a lookup: the response is the same for every address.
//! 2. The page for the code names the flow in its address, sealed. Only the browser that asked for the code can use it.
//! 3. The decision counts a wrong code, or completes the sign-in. The outcome is shown only after the commit.
//! 4. If the account needs a second step, the browser continues there.

use crate::passkey_button;
use crate::pending::{AttemptLocator, MAIL_CODE, Pending, USERNAME};
use crate::sign_in_page::{self, SignInForm};
use crate::signed_in::{self, SignedIn};
use crate::{passkey_offer, remembering, respond, username};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri};
use latchkey::domain::change::Decision;
use latchkey::domain::flow::{Flow, MAX_RESENDS};
use latchkey::domain::id::FlowId;
use latchkey::domain::identifier::{EmailAddress, IdentifierHash};
use latchkey::domain::mail_limit::{CodeLimit, until_tomorrow};
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::authorize::Interaction;
use latchkey::domain::passkey::offer::{CompletedBy, CompletedSignIn};
use latchkey::domain::secret::SecretText;
use latchkey::domain::sign_in::attempt::NewAttempt;
use latchkey::domain::sign_in::complete::NewSignIn;
use latchkey::domain::sign_in::methods::mail_code::{
    MailCodeRefusal, NewMailCode, Owner, Resent, begin, is_of_browser, is_open, redeem, resend,
};
use latchkey::domain::sign_in::methods::password::Authenticated;
use latchkey::keys::locator::FlowLocator;
use latchkey::locale::{FluentValue, date, message};
use latchkey::services::Services;
use latchkey::store::DecideError;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::{Funnel, Method, Outcome, Step};
use latchkey::web::passkey::{RelyingParty, SCRIPT_PATH};
use latchkey::web::session::{self, NewSessionSecrets};
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle};
use minijinja::context;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::OnceLock;

const PAGE: &str = "mail-code";

/// Shows the page for the code.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let pending = Pending::find(&handle, &uri).await?;
    match View::open(&handle, &browser, &pending)? {
        Ok(view) => view.show(Shown::default()).await,
        Err(response) => Ok(response),
    }
}

/// Handles the address, the code, or the wish for another one.
///
/// # Errors
/// If the form does not belong to this browser, or the store or a key fails.
pub async fn post(
    State(services): State<Services>,
    funnel: Funnel,
    handle: TenantHandle,
    browser: Browser,
    uri: Uri,
    FormBody(form): FormBody,
) -> Result<Response, Problem> {
    let pending = Pending::find(&handle, &uri).await?;
    if pending.step(MAIL_CODE).is_none() && handle.tenant.config.sign_in.mail_code {
        return start(&services, &handle, &browser, &pending, &form).await;
    }
    let view = match View::open(&handle, &browser, &pending)? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &view.form_context(), form.one(ANTI_FORGERY_FIELD)?)?;
    if origin == FormOrigin::Stale {
        let notice = message(&view.locale, "form-stale", []);
        return Ok(Outcome::Expired.tag(view.show(Shown::notice(notice, StatusCode::FORBIDDEN)).await?));
    }
    if form.one("decision")? == Some("resend") {
        return view.send_again().await;
    }
    funnel.enter(Step::SignIn, Method::Code);
    let typed = SecretText::from(form.one("code")?.unwrap_or_default().trim());
    if typed.expose().is_empty() {
        let shown = Shown::error(message(&view.locale, "mail-code-missing", []));
        return Ok(Outcome::Refused.tag(view.show(shown).await?));
    }
    let secrets = NewSessionSecrets::fresh(services.random);
    let attempt = NewAttempt { id: services.random.attempt_id(), browser: browser.binding() };
    match view.check(&typed, &secrets, attempt).await? {
        Checked::Decided(Ok(Authenticated::SignedIn { session, new_device, satisfied, passkeys }), identifier) => {
            let identifier = identifier.ok_or_else(Problem::internal)?;
            let completed = CompletedSignIn { by: CompletedBy::KnownSecret, is_known_device: !new_device, passkeys };
            let offers_passkey = passkey_offer::is_due(&handle, &browser, &pending, &form, completed, session.account)?;
            let signed_in =
                SignedIn { session: &session, since: handle.now(), identifier, new_device, satisfied, offers_passkey };
            signed_in::proceed(&handle, &browser, &pending, &secrets, &signed_in)
        }
        Checked::Decided(Ok(Authenticated::SecondStep { account, attempt }), _) => {
            let location = pending.at_second_step(&handle.tenant, &AttemptLocator { account, attempt })?;
            Ok(browser.answer(respond::see_other(&location)))
        }
        Checked::Decided(Ok(Authenticated::Closed { due }), _) => {
            let words = message(&view.locale, "login-closed", [("date", date(&view.locale, due).into())]);
            Ok(Outcome::Refused.tag(view.over(Some(words))))
        }
        Checked::Decided(Ok(Authenticated::Disabled), _) => {
            Ok(Outcome::Refused.tag(view.over(Some(message(&view.locale, "login-disabled", [])))))
        }
        Checked::Decided(Err(MailCodeRefusal::Wrong { tries_left: left @ 1.. }), _) => {
            let left = FluentValue::from(i64::from(left));
            let shown = Shown::error(message(&view.locale, "mail-code-wrong", [("left", left)]));
            Ok(Outcome::WrongCredentials.tag(view.show(shown).await?))
        }
        Checked::Decided(Err(MailCodeRefusal::Wrong { .. }), _) => Ok(Outcome::WrongCredentials.tag(view.over(None))),
        Checked::SentTwice(location) => Ok(browser.answer(respond::see_other(&location))),
        // The others do not occur for a mailed code.
        Checked::Decided(_, _) => Ok(Outcome::Expired.tag(view.over(None))),
    }
}

/// Step 1: starts a flow, for any address.
async fn start(
    services: &Services,
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    form: &Params,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let request = match pending.request(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let typed = form.one("identifier")?.unwrap_or_default().trim().to_owned();
    let origin = browser.check_kept_form(tenant, passkey_button::PAGE, &pending.context(), form.one(ANTI_FORGERY_FIELD)?)?;
    let view = sign_in_page::View { handle, browser, pending, request: request.as_ref(), locale: &locale };
    if origin == FormOrigin::Stale {
        return Ok(Outcome::Expired.tag(view.show(SignInForm::stale(typed, &locale))));
    }
    let Ok(email) = EmailAddress::parse(&typed) else {
        let errors = BTreeMap::from([("identifier", message(&locale, "login-identifier-malformed", []))]);
        let form = SignInForm { identifier: typed, errors, status: StatusCode::BAD_REQUEST, ..SignInForm::default() };
        return Ok(Outcome::Refused.tag(view.show(form)));
    };
    let client = request.as_ref().map(|request| request.client).or_else(|| tenant.config.default_client());
    let identifier = tenant.keys.identifier()?.hash_email(&email);
    let locator = FlowLocator { account: services.random.account_id(), flow: services.random.flow_id() };
    let new = NewMailCode {
        id: locator.flow,
        account: locator.account,
        seed: services.random.bytes(),
        code_key_version: tenant.keys.proof()?.current_version(),
        identifier,
        browser: browser.binding(),
        client_id: client.ok_or_else(Problem::internal)?.client_id.clone(),
        locale: locale.clone(),
    };
    let begin = async |limit: CodeLimit| {
        let decide = || std::future::ready(Ok::<_, Infallible>(begin(new.clone(), limit, handle.now())));
        tenant.store.decide(&handle.request, decide).await
    };
    let started = match begin(CodeLimit::Short).await {
        Err(DecideError::LimitReached) => begin(CodeLimit::Long(handle.trigger(browser, &identifier))).await,
        started => started,
    };
    match started {
        // Counted by address and trigger, before anything is known of the address: the answer is the same for every one.
        Err(DecideError::LimitReached) => {
            let wait = until_tomorrow(handle.now());
            let hours = FluentValue::from((wait.as_seconds() + 3599).div_euclid(3600));
            let words = message(&locale, "login-mail-code-limit", [("hours", hours)]);
            let form = SignInForm { retry_after: Some(wait), ..SignInForm::refused_in_words(typed, words) };
            return Ok(Outcome::Throttled.tag(view.show(form.with_status(StatusCode::TOO_MANY_REQUESTS))));
        }
        started => started?,
    }
    let flow = tenant.keys.locator()?.flow_id(&locator);
    let address = username::seal(handle, browser, &typed)?;
    let page = pending.continue_at(tenant, "/login/code");
    let location = with_query(&page, [(MAIL_CODE, flow.as_str()), (USERNAME, address.as_str())]);
    Ok(browser.answer(respond::see_other(&location)))
}

/// A typed code, compared and decided.
enum Checked {
    /// The outcome, and the address of the flow, if it is stored.
    Decided(Result<Authenticated, MailCodeRefusal>, Option<IdentifierHash>),
    /// The same form signed in a moment ago: where that continued.
    SentTwice(String),
}

/// The page of one flow and one request.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    pending: &'a Pending,
    flow: FlowId,
    is_request: bool,
    locale: String,
}

/// What the page shows besides its form.
#[derive(Default)]
struct Shown {
    notice: Option<String>,
    success: Option<String>,
    error: Option<String>,
    status: StatusCode,
}

impl Shown {
    fn notice(words: String, status: StatusCode) -> Self {
        Self { notice: Some(words), status, ..Self::default() }
    }
    fn error(words: String) -> Self {
        Self { error: Some(words), status: StatusCode::BAD_REQUEST, ..Self::default() }
    }
}

impl<'a> View<'a> {
    /// The page, or the response to an address without a flow.
    fn open(handle: &'a TenantHandle, browser: &'a Browser, pending: &'a Pending) -> Result<Result<Self, Response>, Problem> {
        let tenant = &handle.tenant;
        let locale = browser.locale(tenant, pending.hint("ui_locales"));
        let is_request = match pending.request(tenant) {
            Ok(request) => request.is_some(),
            Err(refusal) => return Ok(Err(respond::refuse(tenant, &locale, &refusal))),
        };
        let locator = tenant.keys.locator()?;
        let flow = pending.step(MAIL_CODE).and_then(|sealed| locator.open_flow_id(sealed));
        Ok(match flow.filter(|_| tenant.config.sign_in.mail_code) {
            Some(FlowLocator { flow, .. }) => Ok(Self { handle, browser, pending, flow, is_request, locale }),
            None => Err(respond::see_other(&pending.continue_at(tenant, "/login"))),
        })
    }

    /// The context of the forms: the request, and the flow.
    fn form_context(&self) -> String {
        format!("{}\n{}", self.pending.context(), self.flow)
    }

    async fn find(&self) -> Result<Option<Flow>, Problem> {
        Ok(self.handle.tenant.store.find_mail_code(self.flow).await?)
    }

    /// Compares, decides, commits.
    async fn check(&self, typed: &SecretText, secrets: &NewSessionSecrets, attempt: NewAttempt) -> Result<Checked, Problem> {
        let Self { handle, browser, .. } = self;
        let (tenant, now, binding) = (&handle.tenant, handle.now(), browser.binding());
        let request = self.pending.request(tenant).ok().flatten();
        let remembering = remembering::of_first_step(tenant, self.pending, request.as_ref());
        let closed = OnceLock::new();
        let decide = || async {
            let Some(flow) = self.find().await? else {
                let over = Checked::Decided(Err(MailCodeRefusal::Over), None);
                return Ok::<_, Problem>(Decision::unchanged(over));
            };
            let fits = tenant.keys.proof()?.matches_code(&flow, typed)?;
            let is_ours = is_of_browser(&flow, &binding);
            let replaced = if fits && is_ours { session::find(handle, browser, None).await? } else { None };
            let owner = if fits && is_ours { tenant.store.find_mailed_account(&flow.identifier).await? } else { None };
            if let (Some(completion), Some((account, _)), Some(live)) = (flow.repeatable(now), &owner, &replaced)
                && live.session.account == account.account
            {
                let at = completion.at;
                let signed_in = Interaction { sid: live.session.id, at, since: at };
                return Ok(Decision::unchanged(Checked::SentTwice(signed_in::location_again(
                    self.pending,
                    tenant,
                    signed_in,
                )?)));
            }
            let device = match &owner {
                Some((_, data_key)) => Some(session::seal_device(handle, browser, data_key)?),
                None => None,
            };
            let new = NewSignIn {
                session: secrets.session(device),
                device: secrets.device(),
                replaced: replaced.as_ref().map(|replaced| &replaced.session),
                policy: &tenant.config.session,
                second_factor: tenant.config.sign_in.second_factor,
                keeps_expiry: false,
                attempt: Some(attempt),
                remembering,
            };
            let owner = owner.as_ref().map(|(account, _)| Owner { account, device: browser.device_of(account.account) });
            let Decision { changes, outcome } = redeem(&flow, fits, owner, &binding, new, now);
            if let Ok(Authenticated::Closed { due }) = outcome {
                let _ = closed.set((due, flow.identifier));
            }
            Ok(Decision { changes, outcome: Checked::Decided(outcome, Some(flow.identifier)) })
        };
        match (tenant.store.decide(&handle.request, decide).await, closed.get()) {
            // The restoration mails of the day are sent. They have the same link and code.
            (Err(DecideError::LimitReached), Some((due, identifier))) => {
                Ok(Checked::Decided(Ok(Authenticated::Closed { due: *due }), Some(*identifier)))
            }
            (decided, _) => Ok(decided?),
        }
    }

    /// Mails another code.
    async fn send_again(&self) -> Result<Response, Problem> {
        let Self { handle, browser, .. } = self;
        let decide = || async {
            let Some(flow) = self.find().await? else { return Ok::<_, Problem>(Decision::unchanged(Resent::Over)) };
            Ok(resend(&flow, &browser.binding(), handle.now()))
        };
        match handle.tenant.store.decide(&handle.request, decide).await? {
            Resent::Sent => {
                let success = Some(message(&self.locale, "mail-code-resent", []));
                self.show(Shown { success, ..Shown::default() }).await
            }
            Resent::NoneLeft => self.show(Shown::default()).await,
            Resent::Over => Ok(Outcome::Expired.tag(self.over(None))),
        }
    }

    /// The page, if the flow still waits for its code. It reads the flow.
    async fn show(&self, shown: Shown) -> Result<Response, Problem> {
        let Self { handle, browser, pending, locale, .. } = self;
        let (tenant, binding) = (&handle.tenant, browser.binding());
        let Some(flow) = self.find().await?.filter(|flow| is_open(flow, &binding, handle.now())) else {
            return Ok(Outcome::Expired.tag(self.over(None)));
        };
        let action = pending.continue_step_at(tenant, "/login/code");
        let values = context! {
            action => action.clone(),
            username => username::open(handle, browser, pending.step(USERNAME))?,
            passkey_script => RelyingParty::of(tenant).map(|_| SCRIPT_PATH.as_str()),
            digits => !flow.has_long_code(),
            can_resend => flow.generation < MAX_RESENDS,
            code_error => shown.error,
            notice => shown.notice,
            success => shown.success,
            sign_in => pending.continue_at(tenant, "/login"),
            register => tenant.config.registration.enabled.then(|| pending.continue_at(tenant, "/register")),
            anti_forgery => browser.anti_forgery(tenant, PAGE, &self.form_context()),
        };
        let mut page = Page::new(tenant, locale, "mail_code", values).status(shown.status);
        page = page.languages_of(&action, &pending.own_query());
        if self.is_request {
            page = page.ends_at_client();
        }
        Ok(browser.answer(page.into_response()))
    }

    /// The code counts no more. `words` say why, to a user who has shown the right one.
    fn over(&self, words: Option<String>) -> Response {
        let message = |id| message(&self.locale, id, []);
        let (tenant, is_known) = (&self.handle.tenant, words.is_some());
        let values = context! {
            heading => message(if is_known { "login-title" } else { "mail-code-over-title" }),
            text => words.unwrap_or_else(|| message("mail-code-over-text")),
            link => self.pending.continue_at(tenant, "/login"),
            link_label => message("mail-code-over-link"),
        };
        Page::new(tenant, &self.locale, "error", values).status(StatusCode::BAD_REQUEST).into_response()
    }
}

//! `/login/passkey/offer`: offers a passkey for this device after a sign-in or a registration (security 14, 17, 77).
//!
//! 1. Require a live session. Otherwise go back to where the user signs in.
//! 2. Show what a passkey is, with a button to add one and one to go on. Where nothing can be added, continue: the page is never a dead end.
//! 3. "Add" leads to `/account/passkeys/new`, which has its own rules. It returns here with the marker of this answer, and the request
//!    continues.
//! 4. "Not now" continues, with a sealed marker for the request. This browser remembers the answer for the account, so the page is shown
//!    once.

use crate::pending::{InteractionResult, Pending};
use crate::respond;
use crate::signed_in::is_confirmation;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri};
use latchkey::domain::id::AccountId;
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::authorize::Interaction;
use latchkey::domain::passkey::MAX_PASSKEYS;
use latchkey::domain::passkey::offer::CompletedSignIn;
use latchkey::locale::message;
use latchkey::services::Services;
use latchkey::store::session::SessionSnapshot;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::SCRIPT_PATH;
use latchkey::web::passkey_offer::{DEVICE_FIELD, MAX_INSIDE_ADDRESS, PATH, RETURN_PARAMETER, is_open, remember_answer};
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle, session};
use minijinja::context;

const PAGE: &str = "passkey-offer";

/// Whether a completed sign-in leads to the offer before it continues. Never if the application allows no page, if the user confirms their
/// identity for an account page, or if the offer was answered for this request or in this browser.
pub(crate) fn is_due(
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    form: &Params,
    completed: CompletedSignIn,
    account: AccountId,
) -> Result<bool, Problem> {
    Ok(form.one(DEVICE_FIELD)? == Some("true")
        && completed.is_offered_passkey()
        && allows_pages(handle, pending)
        && pending.interactions(&handle.tenant)?.offered.is_none()
        && is_open(handle, browser, account))
}

/// Whether the request lets pages be shown.
fn allows_pages(handle: &TenantHandle, pending: &Pending) -> bool {
    match pending.request(&handle.tenant) {
        Ok(Some(request)) => !request.prompt.none,
        Ok(None) => !is_confirmation(pending),
        Err(_) => false,
    }
}

/// Shows the offer, or continues.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    match View::open(&handle, &browser, &uri).await? {
        Ok(view) => view.show_or_continue(None),
        Err(response) => Ok(response),
    }
}

/// Handles the answer.
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
    let view = match View::open(&handle, &browser, &uri).await? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &view.form_context(), form.one(ANTI_FORGERY_FIELD)?)?;
    if origin == FormOrigin::Stale {
        let notice = message(&view.locale, "form-stale", []);
        return Ok(Outcome::Expired.tag(view.show_or_continue(Some(notice))?));
    }
    if form.one("decision")? == Some("add") { view.add(&services).await } else { Ok(Outcome::Denied.tag(view.proceed()?)) }
}

/// The page of one signed-in user and one request.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    uri: &'a Uri,
    pending: Pending,
    found: SessionSnapshot,
    locale: String,
}

impl<'a> View<'a> {
    /// The page, or the response to a request that is refused or has no session.
    async fn open(handle: &'a TenantHandle, browser: &'a Browser, uri: &'a Uri) -> Result<Result<Self, Response>, Problem> {
        let tenant = &handle.tenant;
        let pending = Pending::find(handle, uri).await?;
        let locale = browser.locale(tenant, pending.hint("ui_locales"));
        if let Err(refusal) = pending.request(tenant) {
            return Ok(Err(respond::refuse(tenant, &locale, &refusal)));
        }
        Ok(match session::find(handle, browser, None).await? {
            Some(found) => Ok(Self { handle, browser, uri, pending, found, locale }),
            None => Err(respond::see_other(&pending.continue_at(tenant, next(&pending)))),
        })
    }
    fn form_context(&self) -> String {
        format!("{}\n{}", self.pending.context(), self.found.session.id)
    }
    fn answered_now(&self) -> Interaction {
        let now = self.handle.now();
        Interaction { sid: self.found.session.id, at: now, since: now }
    }
    /// Whether the user has answered for this request in this session, and comes back from the page that adds a passkey.
    fn was_answered(&self) -> Result<bool, Problem> {
        let offered = self.pending.interactions(&self.handle.tenant)?.offered;
        Ok(offered.is_some_and(|offered| offered.sid == self.found.session.id))
    }
    fn show_or_continue(&self, notice: Option<String>) -> Result<Response, Problem> {
        let Self { handle, browser, pending, found, .. } = self;
        if self.was_answered()? {
            return self.proceed();
        }
        let account = &found.authentication;
        let can_add = usize::from(account.factors.passkeys) < MAX_PASSKEYS && is_open(handle, browser, account.account);
        if !can_add || !allows_pages(handle, pending) {
            // No form was answered: the sign-in before it counts no longer than it did.
            return Ok(browser.answer(respond::see_other(&self.unmarked())));
        }
        Ok(self.render(notice))
    }
    fn render(&self, notice: Option<String>) -> Response {
        let Self { handle, browser, pending, locale, .. } = self;
        let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        let values = context! {
            notice,
            passkey_script => SCRIPT_PATH.as_str(),
            anti_forgery => browser.anti_forgery(&handle.tenant, PAGE, &self.form_context()),
        };
        let mut page = Page::new(&handle.tenant, locale, "passkey_offer", values).status(status);
        if pending.is_request() {
            page = page.ends_at_client();
        }
        browser.answer(page.languages(self.uri.query().unwrap_or_default()).into_response())
    }
    /// To the page that adds a passkey. It returns to this one.
    async fn add(self, services: &Services) -> Result<Response, Problem> {
        let Self { handle, browser, .. } = self;
        let (tenant, answered) = (&handle.tenant, self.answered_now());
        let pending = self.pending.shortened_to(MAX_INSIDE_ADDRESS, services.random, handle).await?;
        let back = pending.address_at(tenant, PATH, InteractionResult::Offered, answered)?;
        let new = with_query(&respond::path(tenant, "/account/passkeys/new"), [(RETURN_PARAMETER, back.as_str())]);
        Ok(browser.answer(respond::see_other(&new)))
    }
    /// Back to the request, or to the account page. The browser remembers the answer.
    fn proceed(&self) -> Result<Response, Problem> {
        let Self { handle, browser, pending, found, .. } = self;
        let location = if pending.is_request() {
            pending.address_after(&handle.tenant, InteractionResult::Offered, self.answered_now())?
        } else {
            self.unmarked()
        };
        let mut response = respond::see_other(&location);
        remember_answer(handle, browser, &mut response, found.session.account);
        Ok(browser.answer(response))
    }
    /// As [`Self::proceed`], but the request gets no marker.
    fn unmarked(&self) -> String {
        let (tenant, pending) = (&self.handle.tenant, &self.pending);
        let page = pending.return_to(tenant).filter(|_| !pending.is_request());
        page.map_or_else(|| pending.continue_at(tenant, next(pending)), str::to_owned)
    }
}

/// Where the request continues, or the user signs in.
fn next(pending: &Pending) -> &'static str {
    if pending.is_request() { "/oauth2/authorize" } else { "/login" }
}

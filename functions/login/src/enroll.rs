//! `/login/enroll`: asks a signed-in user to set up a second factor or a passkey, because the tenant document or the application needs one
//! (security 14, 17, 77).
//!
//! 1. Require a live session, and a request that the account has no factor for. Otherwise the request continues.
//! 2. "Set up" leads to the page of the account that does it, which has its own rules. It returns here, and the request continues.
//! 3. "Later" continues without, with a sealed marker for the request, as long as that is possible. Without the level that an application
//!    needs, the application gets an error.

use crate::pending::{InteractionResult, Pending};
use crate::respond;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri};
use latchkey::domain::oauth::authorization_request::AuthorizationRequest;
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::authorize::{Interaction, counting_proofs, gap};
use latchkey::domain::passkey::MAX_PASSKEYS;
use latchkey::domain::sign_in::assurance::Acr;
use latchkey::domain::sign_in::policy::{Enrollment, EnrollmentReason, FactorRules, Gap};
use latchkey::domain::tenant::SecondFactorPolicy;
use latchkey::locale::{FluentValue, date, message};
use latchkey::services::{Services, Tenant};
use latchkey::store::session::SessionSnapshot;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::passkey::{RelyingParty, SCRIPT_PATH};
pub(crate) use latchkey::web::passkey_offer::ENROLL_PATH as PATH;
use latchkey::web::passkey_offer::{MAX_INSIDE_ADDRESS, RETURN_PARAMETER};
use latchkey::web::{Browser, Page, Problem, TenantHandle, session};
use minijinja::context;

const PAGE: &str = "enroll";

/// What the tenant document says about factors.
pub(crate) fn factor_rules(tenant: &Tenant) -> FactorRules {
    let policy = &tenant.config.sign_in;
    FactorRules {
        second_factor: policy.second_factor,
        passkeys: RelyingParty::of(tenant).is_some(),
        remembered_devices: policy.remember_device.is_some(),
    }
}

/// Shows the page, or continues.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    Ok(match View::open(&handle, &browser, &uri).await? {
        Ok(view) => view.render(None),
        Err(response) => response,
    })
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
        return Ok(Outcome::Expired.tag(view.render(Some((notice, StatusCode::FORBIDDEN)))));
    }
    match form.one("decision")? {
        Some("app") if view.can_set_up_app() => view.set_up(&services, "/account/two-step/app").await,
        Some("passkey") if view.can_add_passkey() => view.set_up(&services, "/account/passkeys/new").await,
        Some("later") if view.enrollment.reason != EnrollmentReason::Overdue => Ok(Outcome::Denied.tag(view.proceed()?)),
        _ => Ok(Outcome::Refused.tag(view.render(None))),
    }
}

/// The page of one signed-in user and one request.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    uri: &'a Uri,
    pending: Pending,
    request: AuthorizationRequest<'a>,
    found: SessionSnapshot,
    enrollment: Enrollment,
    locale: String,
}

impl<'a> View<'a> {
    /// The page, or the response to a request that is refused, has no session, or needs no factor by now.
    async fn open(handle: &'a TenantHandle, browser: &'a Browser, uri: &'a Uri) -> Result<Result<Self, Response>, Problem> {
        let tenant = &handle.tenant;
        let pending = Pending::find(handle, uri).await?;
        let locale = browser.locale(tenant, pending.hint("ui_locales"));
        let request = match pending.request(tenant) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(Err(respond::see_other(&pending.continue_at(tenant, "/login")))),
            Err(refusal) => return Ok(Err(respond::refuse(tenant, &locale, &refusal))),
        };
        let onward = || respond::see_other(&pending.continue_at(tenant, "/oauth2/authorize"));
        let (Some(found), now) = (session::find(handle, browser, None).await?, handle.now()) else {
            return Ok(Err(browser.answer(onward())));
        };
        let interactions = pending.interactions(tenant)?;
        let Some(proofs) = counting_proofs(&request, &found.session, interactions, now) else {
            return Ok(Err(browser.answer(onward())));
        };
        let account = &found.authentication;
        let enrollment = match gap(&request, &found.session, account, &proofs, factor_rules(tenant), now) {
            Gap::Enroll(enrollment) => enrollment,
            // The user has a passkey, but not here. The account is not protected by it yet, so another factor can be added.
            Gap::StepUp { level, is_required: true }
                if pending.is_other_factor() && can_enroll_another(account.protected, level) =>
            {
                Enrollment { level, reason: EnrollmentReason::Client }
            }
            Gap::None | Gap::StepUp { .. } | Gap::Unreachable => return Ok(Err(browser.answer(onward()))),
        };
        Ok(Ok(Self { handle, browser, uri, pending, request, found, enrollment, locale }))
    }
    fn form_context(&self) -> String {
        format!("{}\n{}", self.pending.context(), self.found.session.id)
    }
    fn can_set_up_app(&self) -> bool {
        let is_allowed = self.handle.tenant.config.sign_in.second_factor != SecondFactorPolicy::Off;
        is_allowed && self.enrollment.level <= Acr::Aal2
    }
    fn can_add_passkey(&self) -> bool {
        RelyingParty::of(&self.handle.tenant).is_some()
            && usize::from(self.found.authentication.factors.passkeys) < MAX_PASSKEYS
    }
    fn answered_now(&self) -> Interaction {
        let now = self.handle.now();
        Interaction { sid: self.found.session.id, at: now, since: now }
    }
    /// To the page of the account that sets up a factor. It returns to this one.
    async fn set_up(self, services: &Services, path: &str) -> Result<Response, Problem> {
        let (tenant, answered) = (&self.handle.tenant, self.answered_now());
        let pending = self.pending.shortened_to(MAX_INSIDE_ADDRESS, services.random, self.handle).await?;
        let back = pending.address_at(tenant, PATH, InteractionResult::Enrolled, answered)?;
        let page = with_query(&respond::path(tenant, path), [(RETURN_PARAMETER, back.as_str())]);
        Ok(self.browser.answer(respond::see_other(&page)))
    }
    /// Back to the request, without a factor.
    fn proceed(&self) -> Result<Response, Problem> {
        let answered = self.answered_now();
        let location = self.pending.address_after(&self.handle.tenant, InteractionResult::Enrolled, answered)?;
        Ok(self.browser.answer(respond::see_other(&location)))
    }
    fn render(&self, notice: Option<(String, StatusCode)>) -> Response {
        let Self { handle, browser, locale, enrollment, .. } = self;
        let tenant = &handle.tenant;
        let status = notice.as_ref().map_or(StatusCode::OK, |(_, status)| *status);
        let name = self.request.client.client_name.get(locale).to_owned();
        let lead = match enrollment.reason {
            EnrollmentReason::Postponable { until } => {
                message(locale, "enroll-until", [("date", FluentValue::from(date(locale, until)))])
            }
            EnrollmentReason::Overdue => message(locale, "enroll-overdue", []),
            EnrollmentReason::Client => message(locale, "enroll-client", [("client", FluentValue::from(name.clone()))]),
        };
        let is_overdue = enrollment.reason == EnrollmentReason::Overdue;
        let later = match enrollment.reason {
            EnrollmentReason::Postponable { .. } => Some(message(locale, "enroll-later", [])),
            EnrollmentReason::Client => Some(message(locale, "enroll-decline", [("client", FluentValue::from(name))])),
            EnrollmentReason::Overdue => None,
        };
        let values = context! {
            lead,
            later,
            is_overdue,
            app => self.can_set_up_app(),
            passkey => self.can_add_passkey(),
            passkey_script => SCRIPT_PATH.as_str(),
            notice => notice.map(|(words, _)| words),
            sign_out => respond::path(tenant, "/oauth2/logout"),
            export => respond::path(tenant, "/account/export"),
            delete => respond::path(tenant, "/account/delete"),
            anti_forgery => browser.anti_forgery(tenant, PAGE, &self.form_context()),
        };
        let page = Page::new(tenant, locale, "enroll", values).status(status).ends_at_client();
        browser.answer(page.languages(self.uri.query().unwrap_or_default()).into_response())
    }
}

/// Whether an account that could reach this level may set up another factor for it: nothing protects it yet, and an app is enough.
pub(crate) const fn can_enroll_another(is_protected: bool, level: Acr) -> bool {
    !is_protected && matches!(level, Acr::None | Acr::Aal1 | Acr::Aal2)
}

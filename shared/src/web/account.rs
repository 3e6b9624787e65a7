//! Account pages, for a signed-in user. Other users are sent to sign in and then come back (security 118, 120, 121).
//!
//! A page that changes what protects the account, or exports its data, needs a sign-in in the last five minutes (RFC 9470). After an
//! older one the user confirms the password, and comes back to exactly this page.

use super::browser::{Browser, FormOrigin};
use super::extract::{TenantHandle, is_local_path};
use super::funnel::Outcome;
use super::page::Page;
use super::params::{Params, ParamsError};
use super::problem::Problem;
use super::self_service::{AccountCredential, Principal, PrincipalParts};
use crate::domain::id::SessionId;
use crate::domain::lost_factor;
use crate::domain::time::Span;
use crate::keys::KeyError;
use crate::locale;
use crate::services::{Services, Tenant};
use crate::store::StoreError;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderValue, StatusCode, Uri};
use minijinja::value::{Serde, Value};
use serde::Serialize;
use std::sync::OnceLock;

/// The form of the banner that cancels a removal of lost second factors.
pub const REMOVAL_FORM: &str = "account/lost-factor";
/// The page of values that name a result.
const RESULT: &str = "account result";

/// The context of an account page: its tenant, its browser, its address.
pub struct AccountPage {
    /// The tenant.
    pub handle: TenantHandle,
    /// The browser.
    pub browser: Browser,
    /// The query of its address.
    pub query: Params,
    /// The locale of the page.
    pub locale: String,
    uri: Uri,
    /// The banner of a removal that waits, set when the user is admitted.
    removal: OnceLock<RemovalBanner>,
}

/// A removal of lost second factors that waits, as every account page shows it.
#[derive(Debug, Clone, Serialize)]
struct RemovalBanner {
    /// When the factors can be removed.
    due: String,
    /// Where it is cancelled.
    action: String,
    /// The anti-forgery value of that form.
    anti_forgery: String,
}

/// Why a page is not shown, or a form is not accepted.
#[derive(Debug)]
pub enum AccountPageError {
    /// The user is not signed in: sign in, then come back.
    SignIn,
    /// The sign-in is too old: confirm it, then come back.
    Confirm,
    /// The form is stale: its cookie is gone. Open the page again.
    Stale,
    /// Another failure.
    Problem(Problem),
}

impl From<Problem> for AccountPageError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
impl From<StoreError> for AccountPageError {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<KeyError> for AccountPageError {
    fn from(error: KeyError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<ParamsError> for AccountPageError {
    fn from(error: ParamsError) -> Self {
        Self::Problem(error.into())
    }
}

/// The signed-in user of a page and its forms.
pub struct AdmittedUser {
    /// What the browser presented.
    pub presented: AccountCredential,
    /// The account and session that it proves.
    pub principal: Principal,
    sid: SessionId,
}

impl AdmittedUser {
    /// The session of the browser.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.sid
    }
}

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `/account`
    Profile,
    /// `/account/security` and its subpages.
    Security,
    /// `/account/sessions`
    Sessions,
    /// `/account/consents`
    Consents,
    /// `/account/privacy` and its subpages.
    Privacy,
}

impl Section {
    const ALL: [Self; 5] = [Self::Profile, Self::Security, Self::Sessions, Self::Consents, Self::Privacy];

    const fn path(self) -> &'static str {
        match self {
            Self::Profile => "/account",
            Self::Security => "/account/security",
            Self::Sessions => "/account/sessions",
            Self::Consents => "/account/consents",
            Self::Privacy => "/account/privacy",
        }
    }
    const fn word(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Security => "security",
            Self::Sessions => "sessions",
            Self::Consents => "consents",
            Self::Privacy => "privacy",
        }
    }
}

/// One entry of the navigation.
#[derive(Serialize)]
struct Entry {
    word: &'static str,
    href: String,
    is_current: bool,
}

impl FromRequestParts<Services> for AccountPage {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Problem> {
        let handle = TenantHandle::from_request_parts(parts, services).await?;
        let browser = Browser::from_request_parts(parts, services).await?;
        let query = Params::of_query(&parts.uri)?;
        let locale = browser.locale(&handle.tenant, query.one("ui_locales")?);
        Ok(Self { handle, browser, query, locale, uri: parts.uri.clone(), removal: OnceLock::new() })
    }
}

impl AccountPage {
    /// Admits a signed-in user.
    ///
    /// # Errors
    /// [`AccountPageError::SignIn`], or the failure.
    pub async fn admit(&self, parts: PrincipalParts) -> Result<AdmittedUser, AccountPageError> {
        let presented = AccountCredential::of_browser(&self.browser).ok_or(AccountPageError::SignIn)?;
        let principal = presented.load(&self.handle, parts).await?.ok_or(AccountPageError::SignIn)?;
        let sid = principal.snapshot.session.as_ref().map(|session| session.id).ok_or(AccountPageError::SignIn)?;
        let admitted = AdmittedUser { presented, principal, sid };
        if let Some(request) = lost_factor::pending(admitted.principal.authentication(), self.handle.now()) {
            let banner = RemovalBanner {
                due: locale::date_and_time(&self.locale, request.due_at()),
                action: self.path("/account/lost-factor"),
                anti_forgery: self.anti_forgery(REMOVAL_FORM, &admitted),
            };
            // A page may admit its user twice: the banner is the same.
            let _ = self.removal.set(banner);
        }
        Ok(admitted)
    }
    /// Admits a user who signed in during the last five minutes.
    ///
    /// # Errors
    /// [`AccountPageError::SignIn`], [`AccountPageError::Confirm`], or the failure.
    pub async fn admit_recent(&self, parts: PrincipalParts) -> Result<AdmittedUser, AccountPageError> {
        let admitted = self.admit(parts).await?;
        if admitted.principal.is_recent(self.handle.now()) { Ok(admitted) } else { Err(AccountPageError::Confirm) }
    }
    /// The anti-forgery value of a form of this page. It is bound to the session: no other user can submit the form.
    #[must_use]
    pub fn anti_forgery(&self, page: &'static str, admitted: &AdmittedUser) -> String {
        self.browser.anti_forgery(&self.handle.tenant, page, &admitted.sid.to_string())
    }
    /// Checks a form of this page.
    ///
    /// # Errors
    /// If it is not a form of this page in this browser and session (security 120).
    pub fn check_form(&self, page: &'static str, admitted: &AdmittedUser, form: &Params) -> Result<(), AccountPageError> {
        let value = form.one(super::browser::ANTI_FORGERY_FIELD)?;
        match self.browser.check_kept_form(&self.handle.tenant, page, &admitted.sid.to_string(), value)? {
            FormOrigin::Genuine => Ok(()),
            FormOrigin::Stale => Err(AccountPageError::Stale),
        }
    }
    /// A value for the address of a page that shows a result. Only this browser shows the result: a link that another person made
    /// cannot claim that something was done.
    #[must_use]
    pub fn result_value(&self, result: &str) -> String {
        self.browser.anti_forgery(&self.handle.tenant, RESULT, result)
    }
    /// Whether this browser made the value of this result.
    #[must_use]
    pub fn is_own_result(&self, result: &str, value: Option<&str>) -> bool {
        self.browser.is_own_value(&self.handle.tenant, RESULT, result, value)
    }
    /// 303 to a page of this tenant that shows this result.
    #[must_use]
    pub fn see_done(&self, path: &str, result: &str) -> Response {
        self.see_other(&format!("{path}?done={result}&check={}", self.result_value(result)))
    }
    /// The result in the address of the page, if this browser made it.
    ///
    /// # Errors
    /// If a parameter is repeated.
    pub fn own_done(&self) -> Result<Option<&str>, ParamsError> {
        let done = self.query.one("done")?;
        let check = self.query.one("check")?;
        Ok(done.filter(|result| self.is_own_result(result, check)))
    }
    /// The address of a path of this tenant, for links in its pages.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        path_of(&self.handle.tenant, path)
    }
    /// 303 to a page of this tenant.
    #[must_use]
    pub fn see_other(&self, path: &str) -> Response {
        self.browser.answer(see_other(&self.path(path)))
    }
    /// A page of this template inside the account layout: `nav` and `sign_out` are added to the page's own values.
    #[must_use]
    pub fn show(&self, section: Section, template: &'static str, status: StatusCode, values: impl Serialize) -> Response {
        self.plain(template, status, self.frame(section, values))
    }
    fn frame(&self, section: Section, values: impl Serialize) -> Value {
        let entry = |section_of: Section| Entry {
            word: section_of.word(),
            href: self.path(section_of.path()),
            is_current: section_of == section,
        };
        minijinja::context! {
            wide => true,
            nav => Value::from(Serde(Section::ALL.map(entry))),
            sign_out => self.path("/oauth2/logout"),
            removal => self.removal.get().map(|banner| Value::from(Serde(banner.clone()))),
            ..Value::from(Serde(values))
        }
    }
    /// The same page, refused for this time: 429 with `Retry-After`.
    #[must_use]
    pub fn show_blocked(
        &self,
        section: Section,
        template: &'static str,
        retry_after: Span,
        values: impl Serialize,
    ) -> Response {
        self.render(self.page(template, self.frame(section, values)).blocked(retry_after))
    }
    /// A page of this template without the layout, for a user who is not signed in.
    #[must_use]
    pub fn plain(&self, template: &'static str, status: StatusCode, values: impl Serialize) -> Response {
        self.render(self.page(template, values).status(status))
    }
    fn page(&self, template: &'static str, values: impl Serialize) -> Page {
        Page::new(&self.handle.tenant, &self.locale, template, values).languages(self.uri.query().unwrap_or_default())
    }
    fn render(&self, page: Page) -> Response {
        self.browser.answer(page.into_response())
    }
    /// The response. A user who must sign in first is redirected, and comes back to this page.
    #[must_use]
    pub fn answer(&self, result: Result<Response, AccountPageError>) -> Response {
        let target = self.uri.path_and_query().map_or("/account", http::uri::PathAndQuery::as_str);
        match result {
            Ok(response) => response,
            Err(AccountPageError::SignIn) => self.sign_in_to_open(target, false),
            Err(AccountPageError::Confirm) => self.sign_in_to_open(target, true),
            Err(AccountPageError::Stale) => {
                let message = |id| locale::message(&self.locale, id, []);
                let values = minijinja::context! {
                    heading => message("form-stale-title"),
                    text => message("form-stale-text"),
                    link => self.path(target),
                    link_label => message("form-stale-open"),
                };
                Outcome::Expired.tag(self.plain("error", StatusCode::FORBIDDEN, values))
            }
            Err(AccountPageError::Problem(problem)) => problem.into_response(),
        }
    }
    /// Sends a user to the sign-in page, which returns to this path. A user who `confirms` is signed in.
    #[must_use]
    pub fn sign_in_to_open(&self, target: &str, confirms: bool) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", &self.path(target));
        if confirms {
            query.append_pair("prompt", "login");
        }
        Outcome::SignInRequired.tag(self.see_other(&format!("/login?{}", query.finish())))
    }
}

/// A path of this tenant, always without a host, because a proxy may have renamed it (security 89).
#[must_use]
pub fn path_of(tenant: &Tenant, path: &str) -> String {
    let id = &tenant.config.tenant;
    if id.is_default() { path.to_owned() } else { format!("/t/{id}{path}") }
}

/// 303: the browser continues with GET and drops the posted data (security 14).
#[must_use]
pub fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => Problem::internal().into_response(),
    }
}

/// Whether the sign-in page may continue to this address: an account page of the same tenant (security 121).
#[must_use]
pub fn is_account_path(tenant: &Tenant, address: &str) -> bool {
    let account = path_of(tenant, "/account");
    let rest = address.strip_prefix(&account);
    is_local_path(address) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'))
}

//! The sign-in page and its form.

use crate::passkey_button::{self, PAGE};
use crate::pending::Pending;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use latchkey::domain::oauth::authorization_request::AuthorizationRequest;
use latchkey::domain::time::Span;
use latchkey::locale::{FluentValue, message};
use latchkey::web::{Browser, Page, TenantHandle};
use minijinja::context;
use std::collections::BTreeMap;

/// The values that the form shows in addition to the layout.
pub(crate) struct SignInForm {
    pub(crate) identifier: String,
    pub(crate) errors: BTreeMap<&'static str, String>,
    pub(crate) notice: Option<String>,
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Span>,
    /// A user is signed in, and must confirm their identity.
    pub(crate) confirms: bool,
    /// What the browser is told about passkeys.
    pub(crate) signals: Option<String>,
}

impl Default for SignInForm {
    fn default() -> Self {
        Self {
            identifier: String::new(),
            errors: BTreeMap::new(),
            notice: None,
            status: StatusCode::OK,
            retry_after: None,
            confirms: false,
            signals: None,
        }
    }
}

impl SignInForm {
    pub(crate) fn refused(identifier: String, locale: &str, words: &'static str) -> Self {
        Self::refused_in_words(identifier, message(locale, words, []))
    }
    pub(crate) fn refused_in_words(identifier: String, notice: String) -> Self {
        Self { identifier, notice: Some(notice), status: StatusCode::BAD_REQUEST, ..Self::default() }
    }
    pub(crate) fn unavailable(identifier: String, locale: &str, retry_after: Span) -> Self {
        let notice = Some(message(locale, "login-unavailable", []));
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { identifier, notice, status, retry_after: Some(retry_after), ..Self::default() }
    }
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
    pub(crate) fn stale(identifier: String, locale: &str) -> Self {
        let notice = Some(message(locale, "form-stale", []));
        Self { identifier, notice, status: StatusCode::FORBIDDEN, ..Self::default() }
    }
    pub(crate) fn blocked(identifier: String, locale: &str, retry_after: Span) -> Self {
        let minutes = (retry_after.as_seconds() + 59).div_euclid(60);
        let notice = Some(message(locale, "login-blocked", [("minutes", FluentValue::from(minutes))]));
        Self { identifier, notice, status: StatusCode::TOO_MANY_REQUESTS, retry_after: Some(retry_after), ..Self::default() }
    }
}

/// The page that contains the form.
pub(crate) struct View<'a> {
    pub(crate) handle: &'a TenantHandle,
    pub(crate) browser: &'a Browser,
    pub(crate) pending: &'a Pending,
    pub(crate) request: Option<&'a AuthorizationRequest<'a>>,
    pub(crate) locale: &'a str,
}

impl View<'_> {
    pub(crate) fn show(&self, form: SignInForm) -> Response {
        let tenant = &self.handle.tenant;
        let register = tenant.config.registration.enabled.then(|| self.pending.continue_at(tenant, "/register"));
        let values = context! {
            client => self.request.map(|request| request.client.client_name.get(self.locale)),
            identifier => form.identifier,
            confirms => form.confirms,
            signals => form.signals,
            errors => form.errors,
            notice => form.notice,
            anti_forgery => self.browser.anti_forgery(tenant, PAGE, &self.pending.context()),
            register,
            action => self.pending.continue_at(tenant, "/login"),
            recover => self.pending.continue_at(tenant, "/recover"),
            mail_code => tenant.config.sign_in.mail_code.then(|| self.pending.continue_at(tenant, "/login/code")),
            passkey => passkey_button::of(self.handle, self.browser, self.pending),
        };
        let mut page = Page::new(tenant, self.locale, "sign_in", values).status(form.status).retry_after(form.retry_after);
        page = page.languages_of(&self.pending.continue_at(tenant, "/login"), &self.pending.own_query()).fetches();
        if self.request.is_some() {
            page = page.ends_at_client();
        }
        self.browser.answer(page.into_response())
    }
}

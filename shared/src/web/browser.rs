//! The browser at the other end: its cookies, its anti-forgery values, where its request came from.
//!
//! Cookie names carry the tenant (`__Host-lk-{what}` for the default tenant, `__Host-lk-{what}-{tenant}` for others; without
//! `__Host-` and `Secure` only for an http origin on localhost): `session`, `device`, `browser` (a random value that forms and flows
//! are bound to).
use super::Problem;
use crate::domain::id::AccountId;
use crate::domain::secret::{Secret256, SecretHash};
use crate::domain::time::Span;
use crate::keys::locator::SessionLocator;
use crate::services::{Services, Tenant};
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;

/// What the browser sent that only it could know. Malformed or duplicate cookies count as absent (security 61).
pub struct Browser {
    /// The session cookie, opened.
    pub session: Option<(SessionLocator, Secret256)>,
    /// The known device, opened: whose it is and its id (first 8 bytes of its SHA-256).
    pub device: Option<(AccountId, u64)>,
    // owner: web (binding value, request origin facts, locale header, what cookies to set on the answer)
}

impl FromRequestParts<Services> for Browser {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Problem> {
        let _ = (parts, services);
        todo!()
    }
}

impl Browser {
    /// The hash of the browser's binding value: what a flow notes down.
    #[must_use]
    pub fn binding(&self) -> SecretHash {
        todo!()
    }
    /// The anti-forgery value for a form of this browser: bound to browser, tenant, page and context (such as the query it goes on with).
    #[must_use]
    pub fn anti_forgery(&self, tenant: &Tenant, page: &'static str, context: &str) -> String {
        let _ = (tenant, page, context);
        todo!()
    }
    /// Checks a posted form: anti-forgery value of this very browser, page and context; `Origin`/`Sec-Fetch-Site` same-origin
    /// (security 17, 120).
    ///
    /// # Errors
    /// A 403 problem (rendered as a page by page handlers).
    pub fn check_form(&self, tenant: &Tenant, page: &'static str, context: &str, value: Option<&str>) -> Result<(), Problem> {
        let _ = (tenant, page, context, value);
        todo!()
    }
    /// Sets what this browser lacks (the binding cookie) on a response. Every page handler ends with it.
    #[must_use]
    pub fn answer(&self, response: Response) -> Response {
        todo!("{:?}", response.status())
    }
    /// Sets the session cookie.
    pub fn set_session(
        &self,
        response: &mut Response,
        tenant: &Tenant,
        locator: &SessionLocator,
        secret: &Secret256,
        lifetime: Span,
    ) {
        let _ = (response, tenant, locator, secret, lifetime);
        todo!()
    }
    /// Clears the session cookie.
    pub fn clear_session(&self, response: &mut Response) {
        let _ = response;
        todo!()
    }
    /// Sets the device cookie (sealed, 400 days).
    pub fn set_device(&self, response: &mut Response, tenant: &Tenant, account: AccountId, device: [u8; 16]) {
        let _ = (response, tenant, account, device);
        todo!()
    }
    /// The locale for this browser: `ui_locales` hint, else `Accept-Language`, among those the tenant offers.
    #[must_use]
    pub fn locale(&self, tenant: &Tenant, ui_locales: Option<&str>) -> String {
        let _ = (tenant, ui_locales);
        todo!()
    }
    /// The browser in words ("Firefox on Linux"), for the list of sessions.
    #[must_use]
    pub fn device_words(&self) -> String {
        todo!()
    }
}

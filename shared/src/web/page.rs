//! Pages: one layout, minijinja templates, Fluent messages, a nonce for the inline style and script.
use crate::services::Tenant;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

/// A page to render: a template of `web/templates`, its values, its locale.
pub struct Page {
    status: StatusCode,
    // owner: web
}

impl Page {
    /// The page of this template (`sign_in` is `templates/sign_in.html`) with these values. The template also sees `tenant` (name,
    /// accent, links), `locale`, `dir`, `nonce` and the function `t(id, arg=…)`.
    #[must_use]
    pub fn new(tenant: &Tenant, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        let _ = (tenant, locale, template, values);
        todo!()
    }
    /// With another status than 200.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
    /// Lets forms of this page end at another origin: `form-action` gets the origin or scheme of this validated redirect URI.
    #[must_use]
    pub fn form_action(self, redirect_uri: &str) -> Self {
        let _ = redirect_uri;
        todo!()
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        todo!()
    }
}

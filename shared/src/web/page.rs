//! Pages: one layout, minijinja templates, Fluent messages, a nonce for the inline style and script.

use super::{Problem, headers, template};
use crate::colour::Palette;
use crate::config::TenantConfig;
use crate::locale;
use crate::services::{Random, Tenant};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

/// A page to render: a template of `web/templates`, its values, its locale.
pub struct Page {
    status: StatusCode,
    template: &'static str,
    locale: String,
    frame: Frame,
    values: Value,
    form_action: Option<String>,
    query: Option<String>,
}

/// What the layout shows of a tenant.
#[derive(Debug, Clone, Serialize)]
struct Frame {
    name: String,
    palette: Palette,
    icon: String,
    privacy_url: Option<String>,
    support_url: Option<String>,
    #[serde(skip)]
    locales: Vec<String>,
}

/// One entry in the choice of languages.
#[derive(Debug, Serialize)]
struct Language {
    locale: String,
    name: String,
    current: bool,
    href: String,
}

impl Frame {
    fn of(config: &TenantConfig, locale: &str) -> Self {
        let name = config.name.get(locale).to_owned();
        let palette = Palette::of(&config.brand.accent);
        Self {
            icon: palette.icon(&name),
            name,
            palette,
            privacy_url: config.brand.privacy_url.clone(),
            support_url: config.brand.support_url.clone(),
            locales: config.locales.clone(),
        }
    }
    /// For an answer that belongs to no tenant.
    fn unbranded() -> Self {
        let palette = Palette::of("");
        let name = "Latchkey".to_owned();
        Self { icon: palette.icon(&name), name, palette, privacy_url: None, support_url: None, locales: Vec::new() }
    }
}

impl Page {
    /// The page of this template (`sign_in` is `templates/sign_in.html`) with these values. The template also sees `tenant` (name,
    /// palette, icon, links), `locale`, `dir`, `nonce`, `languages` and the function `t(id, arg=…)`.
    #[must_use]
    pub fn new(tenant: &Tenant, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self::framed(Frame::of(&tenant.config, locale), locale, template, values)
    }
    /// As [`Self::new`], where the tenant's keys are not at hand.
    pub(super) fn of_config(config: &TenantConfig, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self::framed(Frame::of(config, locale), locale, template, values)
    }
    /// A page without a tenant's looks: where the tenant is unknown or can't be loaded.
    #[must_use]
    pub fn unbranded(locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self::framed(Frame::unbranded(), locale, template, values)
    }
    /// The page that hands an authorization response to the client by a form that posts itself (OAuth 2.0 Form Post Response Mode;
    /// security 7). Without JavaScript the person presses its button.
    #[must_use]
    pub fn form_post(tenant: &Tenant, locale: &str, redirect_uri: &str, parameters: &[(&str, &str)]) -> Self {
        let values = context! { redirect_uri, parameters => Value::from(Serde(parameters)) };
        Self::new(tenant, locale, "form_post", values).form_action(redirect_uri)
    }
    fn framed(frame: Frame, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self {
            status: StatusCode::OK,
            template,
            locale: locale.to_owned(),
            frame,
            values: Value::from(Serde(values)),
            form_action: None,
            query: None,
        }
    }
    /// With another status than 200.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
    /// Lets forms of this page end at another origin: `form-action` gets the origin or scheme of this validated redirect URI.
    #[must_use]
    pub fn form_action(mut self, redirect_uri: &str) -> Self {
        self.form_action = headers::form_action_source(redirect_uri);
        self
    }
    /// Offers the tenant's other languages: links to this same page, whose query (without `?`) is this, with another `ui_locales`.
    #[must_use]
    pub fn languages(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    fn language_links(&self) -> Vec<Language> {
        let Some(query) = self.query.as_ref().filter(|_| self.frame.locales.len() > 1) else { return Vec::new() };
        let link = |wanted: &String| {
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            pairs.extend_pairs(url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "ui_locales"));
            pairs.append_pair("ui_locales", wanted);
            Language {
                name: locale::name(wanted),
                current: *wanted == self.locale,
                href: format!("?{}", pairs.finish()),
                locale: wanted.clone(),
            }
        };
        self.frame.locales.iter().map(link).collect()
    }

    /// The page as HTML, with the nonce that its policy names.
    ///
    /// # Errors
    /// When its template fails.
    pub(super) fn render(&self, nonce: &str) -> Result<String, minijinja::Error> {
        let values = context! {
            tenant => Value::from(Serde(&self.frame)),
            locale => self.locale.as_str(),
            dir => locale::direction(&self.locale),
            nonce,
            languages => Value::from(Serde(self.language_links())),
            ..self.values.clone()
        };
        template::render(&self.locale, &format!("{}.html", self.template), values)
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let nonce = data_encoding::BASE64URL_NOPAD.encode(&Random.bytes::<16>());
        let html = match self.render(&nonce) {
            Ok(html) => html,
            Err(error) => {
                // The error's text may quote values: only where it happened is told.
                tracing::error!(template = self.template, kind = ?error.kind(), line = error.line(), "a page does not render");
                return Problem::internal().into_response();
            }
        };
        let mut response = Response::new(html.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(policy) = HeaderValue::from_str(&headers::page_policy(&nonce, self.form_action.as_deref())) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

//! Pages: one layout, minijinja templates, Fluent messages, and a nonce for the inline style and script.

use super::headers::{self, FormTarget};
use super::{Problem, template};
use crate::colour::Palette;
use crate::context::Random;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::Span;
use crate::locale;
use crate::services::Tenant;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
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
    form_target: FormTarget,
    fetches: bool,
    query: Option<String>,
    address: String,
    retry_after: Option<Span>,
}

/// The values of a tenant that the layout shows.
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

/// One entry of the language list.
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
        let palette = Palette::new(&config.brand.accent);
        Self {
            icon: palette.icon(&name),
            name,
            palette,
            privacy_url: config.brand.privacy_url.clone(),
            support_url: config.brand.support_url.clone(),
            locales: config.locales.clone(),
        }
    }
    /// For a response without a tenant.
    fn unbranded() -> Self {
        let palette = Palette::new("");
        let name = "Latchkey".to_owned();
        Self { icon: palette.icon(&name), name, palette, privacy_url: None, support_url: None, locales: Vec::new() }
    }
}

impl Page {
    /// The page of this template (`sign_in` is `templates/sign_in.html`) with these values. The template also gets `tenant` (name,
    /// palette, icon, links), `locale`, `dir`, `nonce`, `languages` and the function `t(id, arg=…)`.
    #[must_use]
    pub fn new(tenant: &Tenant, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self::framed(Frame::of(&tenant.config, locale), locale, template, values)
    }
    /// As [`Self::new`], without the tenant's keys.
    pub(super) fn of_config(config: &TenantConfig, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self::framed(Frame::of(config, locale), locale, template, values)
    }
    /// A page without a tenant's branding: the tenant is unknown or cannot be loaded.
    #[must_use]
    pub fn unbranded(locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self::framed(Frame::unbranded(), locale, template, values)
    }
    /// The page that sends an authorization response to the client by a form that submits itself (OAuth 2.0 Form Post Response Mode;
    /// security 7). Without JavaScript the user presses its button.
    #[must_use]
    pub fn form_post(tenant: &Tenant, locale: &str, redirect_uri: &str, parameters: &[(&str, &str)]) -> Self {
        let values = context! { redirect_uri, parameters => Value::from(Serde(parameters)) };
        Self::new(tenant, locale, "form_post", values).ends_at_client()
    }
    fn framed(frame: Frame, locale: &str, template: &'static str, values: impl Serialize) -> Self {
        Self {
            status: StatusCode::OK,
            template,
            locale: locale.to_owned(),
            frame,
            values: Value::from(Serde(values)),
            form_target: FormTarget::Own,
            fetches: false,
            query: None,
            address: String::new(),
            retry_after: None,
        }
    }
    /// Sets another status than 200.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
    /// Refuses for this time: 429 with `Retry-After`. A page has no other way to this status.
    #[must_use]
    pub fn blocked(mut self, retry_after: Span) -> Self {
        self.status = StatusCode::TOO_MANY_REQUESTS;
        self.retry_after = Some(retry_after);
        self
    }
    /// Says when the user can try again.
    #[must_use]
    pub fn retry_after(mut self, retry_after: Option<Span>) -> Self {
        self.retry_after = retry_after;
        self
    }
    /// A form of this page may end at the callback of a client.
    #[must_use]
    pub fn ends_at_client(mut self) -> Self {
        self.form_target = FormTarget::Client;
        self
    }
    /// A script of this page may fetch from this origin.
    #[must_use]
    pub fn fetches(mut self) -> Self {
        self.fetches = true;
        self
    }
    /// Links to this page in the tenant's other languages: the same query (given without `?`) with another `ui_locales`.
    #[must_use]
    pub fn languages(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    /// As [`Self::languages`], for the page at this address: this response may be to a form of another path.
    #[must_use]
    pub fn languages_of(mut self, address: &str, query: &str) -> Self {
        address.split('?').next().unwrap_or_default().clone_into(&mut self.address);
        self.languages(query)
    }

    /// The page as a file to keep and to open offline. Its template contains style and layout, and no script.
    ///
    /// # Errors
    /// If it does not render: our fault.
    pub fn to_file(&self) -> Result<String, Problem> {
        self.render("").map_err(|error| self.broken(&error))
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
                href: format!("{}?{}", self.address, pairs.finish()),
                locale: wanted.clone(),
            }
        };
        self.frame.locales.iter().map(link).collect()
    }

    /// All values for the template. The page's own values cannot override those of the layout.
    fn context(&self, nonce: &str) -> Value {
        context! {
            tenant => Value::from(Serde(&self.frame)),
            locale => self.locale.as_str(),
            dir => locale::direction(&self.locale),
            nonce,
            languages => Value::from(Serde(self.language_links())),
            ..self.values.clone()
        }
    }
    /// The text of the error may quote values, so only its location is logged.
    fn broken(&self, error: &minijinja::Error) -> Problem {
        tracing::error!(template = self.template, kind = ?error.kind(), line = error.line(), "a page could not be rendered");
        Problem::internal()
    }
    fn render(&self, nonce: &str) -> Result<String, minijinja::Error> {
        template::render(&self.locale, &format!("{}.html", self.template), self.context(nonce))
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let nonce = data_encoding::BASE64URL_NOPAD.encode(&Random.bytes::<16>());
        let html = match self.render(&nonce) {
            Ok(html) => html,
            Err(error) => return self.broken(&error).into_response(),
        };
        let mut response = Response::new(html.into());
        *response.status_mut() = self.status;
        let fields = response.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(span) = self.retry_after {
            fields.insert(RETRY_AFTER, headers::seconds(span));
        }
        if let Ok(policy) = HeaderValue::from_str(&headers::page_policy(&nonce, self.form_target, self.fetches)) {
            fields.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{% extends "base.html" %}
{% import "_form.html" as form %}
{% block title %}Create your account{% endblock %}
{% block content %}
<form method="post">
{{ form.anti_forgery("x") }}
{{ form.text("identifier", t("field-email"), type="email", value=identifier, error=errors.identifier) }}
{{ form.password("password", t("field-password"), help="At least 8 characters.", error=errors.password) }}
{{ form.submit(t("action-continue")) }}
</form>
{% endblock %}"#;

    fn sample(locale: &str, values: Value) -> String {
        let mut page = Page::unbranded(locale, "sample", ()).languages("client_id=a%26b&ui_locales=en");
        page.frame.locales = vec!["en".to_owned(), "de".to_owned()];
        page.frame.name = "<Acme & Sons>".to_owned();
        page.values = values;
        template::render_source(locale, SAMPLE, page.context("abc")).unwrap()
    }
    fn text_of(response: Response) -> (http::HeaderMap, String) {
        let (parts, body) = response.into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(axum::body::to_bytes(body, usize::MAX)).unwrap();
        (parts.headers, String::from_utf8(bytes.into()).unwrap())
    }

    #[test]
    fn a_field_refers_to_its_help_and_its_error() {
        let errors = context! { password => "Too short." };
        let html = sample("en", context! { identifier => "ada@example.com", errors });
        assert!(html.contains(r#"aria-describedby="password-help password-error" aria-invalid="true""#), "{html}");
        assert!(html.contains(r##"<li><a href="#password">Too short.</a></li>"##), "{html}");
        assert!(html.contains(r#"role="alert""#), "{html}");
        assert!(!sample("en", context! {}).contains("role=\"alert\""));
    }

    #[test]
    fn a_page_uses_its_locale_even_in_macros_and_links_the_other_ones() {
        let html = sample("de", context! {});
        for part in [r#"<html lang="de" dir="ltr">"#, "E-Mail-Adresse", "Weiter"] {
            assert!(html.contains(part), "{part}");
        }
        assert!(html.contains(r#"href="?client_id=a%26b&amp;ui_locales=en" lang="en""#), "{html}");
    }

    #[test]
    fn values_of_users_and_operators_are_escaped() {
        // security 110
        let html = sample("en", context! { identifier => "\"><script>alert(1)</script>", notice => "<b>" });
        assert!(html.contains("&quot;&gt;&lt;script&gt;") && html.contains("&lt;Acme &amp; Sons&gt;"), "{html}");
        assert!(!html.contains("<script>alert") && !html.contains("<b>") && !html.contains("<Acme"), "{html}");
    }

    #[test]
    fn values_of_a_page_cannot_override_the_layout() {
        let html = sample("en", context! { nonce => "stolen", tenant => "x", locale => "xx" });
        assert!(html.contains(r#"<script nonce="abc">"#) && html.contains("lang=\"en\""));
    }

    #[test]
    fn each_page_has_a_policy_with_its_own_nonce() {
        // security 117
        let page = || text_of(Page::unbranded("en", "error", context! { heading => "x", text => "y" }).into_response());
        let ((headers, html), (others, _)) = (page(), page());
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let nonce = policy.split("style-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!(nonce.len(), 22);
        assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
        assert!(!html.contains(" style=\"") && !html.contains(" onclick="), "inline code would be blocked");
        assert!(policy.contains("form-action 'self';") && policy.contains("frame-ancestors 'none'"));
        assert_ne!(others[CONTENT_SECURITY_POLICY], headers[CONTENT_SECURITY_POLICY]);
        assert_eq!(headers[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn the_form_post_page_escapes_state_and_posts_only_to_the_client() {
        // security 7
        let values = context! {
            redirect_uri => "https://app.example.com/cb",
            parameters => vec![("code", "c"), ("state", "\"><script>x</script>")],
        };
        let page = Page::unbranded("en", "form_post", values).ends_at_client();
        let (headers, html) = text_of(page.into_response());
        assert!(html.contains(r#"name="state" value="&quot;&gt;&lt;script&gt;x"#), "{html}");
        assert!(
            html.contains(r#"action="https:&#x2f;&#x2f;app.example.com&#x2f;cb""#) && html.contains(r#"id="submit""#),
            "{html}"
        );
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(!policy.contains("form-action"), "{policy}");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
    }

    /// Engines of old phones stop at the first line that they cannot parse, and then nothing runs.
    #[test]
    fn the_script_has_conservative_syntax_and_form_post_has_its_own_line() {
        let script = include_str!("templates/script.js");
        for newer in ["=>", "const ", "let ", "`", "?.", "...", ".at(", "class ", "async ", "??", "for (var field of", " of "] {
            assert!(!script.contains(newer), "{newer}");
        }
        let values = context! { redirect_uri => "https://app.example.com/cb", parameters => vec![("code", "c")] };
        let (_, html) = text_of(Page::unbranded("en", "form_post", values).into_response());
        let code = html.split("<script").nth(1).unwrap().split_once('>').unwrap().1.split("</script>").next().unwrap();
        assert_eq!(code, "HTMLFormElement.prototype.submit.call(document.forms[0]);");
        assert_eq!(html.matches("<script").count(), 1);
    }

    #[test]
    fn an_explanation_shows_code_as_code() {
        let paragraphs = ["Wait as `Retry-After` says, <now>."];
        let values = context! { code => "x", status => 429, heading => "y", paragraphs };
        let (_, html) = text_of(Page::unbranded("en", "problem_explained", values).into_response());
        assert!(html.contains("<p>Wait as <code>Retry-After</code> says, &lt;now&gt;.</p>"), "{html}");
        assert!(html.contains(r#"<main class="wide">"#), "{html}");
    }

    #[test]
    fn every_problem_has_texts_in_every_locale() {
        for kind in super::super::problem::ProblemKind::ALL {
            for part in ["title", "text"] {
                let id = format!("problem-{}-{part}", kind.code());
                for locale in locale::available() {
                    assert_ne!(locale::message(locale, &id, []), id);
                }
            }
            assert_eq!(super::super::problem::ProblemKind::find(kind.code()), Some(kind));
            assert!(!kind.explanation().is_empty());
        }
    }
}

//! The gateway's own pages: templates, messages, and a content security policy with a nonce.

use super::state::PageError;
use axum::response::{IntoResponse as _, Response};
use data_encoding::BASE64URL_NOPAD;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use latchkey::context::Random;
use latchkey::locale;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, State};
use std::sync::LazyLock;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.add_function("t", text);
    // The same design tokens as Latchkey's pages.
    environment.add_global(
        "tokens",
        Value::from_safe_string(include_str!("../../../../shared/src/web/templates/style.css").to_owned()),
    );
    let templates = [
        ("layout.html", include_str!("templates/layout.html")),
        ("art.html", include_str!("templates/art.html")),
        ("shop.html", include_str!("templates/shop.html")),
        ("mailbox.html", include_str!("templates/mailbox.html")),
        ("api.html", include_str!("templates/api.html")),
    ];
    for (name, source) in templates {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(template = name, %error, "a template does not parse");
        }
    }
    environment
});

fn text(state: &State<'_, '_>, id: &str, arguments: Kwargs) -> Result<String, Error> {
    let spoken = state.lookup("locale").map(|locale| locale.to_string()).unwrap_or_default();
    let mut values = Vec::new();
    for name in arguments.args() {
        let value: Value = arguments.get(name)?;
        let value = value.as_i64().map_or_else(|| locale::FluentValue::from(value.to_string()), locale::FluentValue::from);
        values.push((name, value));
    }
    Ok(locale::message(&spoken, id, values))
}

/// Renders a page from this template. The page may load frames of the gateway and request JSON from it.
pub(super) fn page(template: &str, values: &Value) -> Result<Response, PageError> {
    let nonce = BASE64URL_NOPAD.encode(&Random.bytes::<16>());
    let context = minijinja::context! { nonce => nonce.as_str(), ..values.clone() };
    let html = ENVIRONMENT.get_template(template)?.render(context)?;
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; frame-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    Ok(html_response(html, &policy))
}

/// HTML with this content security policy.
pub(super) fn html_response(html: String, policy: &str) -> Response {
    let mut response = html.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

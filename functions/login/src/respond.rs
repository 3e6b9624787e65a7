//! What the pages of this function answer with: redirects, authorization responses, refusals that are shown here.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use latchkey::domain::oauth::authorization_request::{LocalRefusal, Refusal};
use latchkey::domain::oauth::authorization_response::AuthorizationResponse;
use latchkey::domain::oauth::client::ResponseMode;
use latchkey::locale::message;
use latchkey::services::Tenant;
use latchkey::web::Page;
pub use latchkey::web::account::{path_of as path, see_other};
use latchkey::web::funnel::Outcome;
use minijinja::context;

/// The answer of the authorization endpoint to the client.
#[must_use]
pub fn to_client(tenant: &Tenant, locale: &str, response: &AuthorizationResponse) -> Response {
    match response.response_mode {
        ResponseMode::Query => see_other(&response.location()),
        ResponseMode::FormPost => {
            let parameters: Vec<_> = response.parameters.iter().map(|(name, value)| (*name, value.expose())).collect();
            Page::form_post(tenant, locale, &response.redirect_uri, &parameters).into_response()
        }
    }
}

/// The refusal of an authorization request: shown here, or answered at the redirect URI.
#[must_use]
pub fn refuse(tenant: &Tenant, locale: &str, refusal: &Refusal) -> Response {
    Outcome::Refused.of(match refusal {
        Refusal::Local(refusal) => show_local(tenant, locale, *refusal),
        Refusal::Answer { to, error, description } => to_client(tenant, locale, &to.error(&tenant.issuer, *error, description)),
    })
}

fn show_local(tenant: &Tenant, locale: &str, refusal: LocalRefusal) -> Response {
    show_error(tenant, locale, "login-request-refused", &refusal.to_string())
}

/// A 400 page: what went wrong in words for a person (`{message}-title`, `{message}-text`), and the detail for a developer.
#[must_use]
pub fn show_error(tenant: &Tenant, locale: &str, message_id: &str, detail: &str) -> Response {
    let heading = message(locale, &format!("{message_id}-title"), []);
    let text = message(locale, &format!("{message_id}-text"), []);
    let page = Page::new(tenant, locale, "error", context! { heading, text, detail });
    page.status(StatusCode::BAD_REQUEST).into_response()
}

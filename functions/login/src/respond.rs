//! The responses of this function's pages: redirects, authorization responses, error pages.

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

/// The response of the authorization endpoint to the client.
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

/// The refusal of an authorization request: shown here, or sent to the redirect URI.
#[must_use]
pub fn refuse(tenant: &Tenant, locale: &str, refusal: &Refusal) -> Response {
    Outcome::Refused.tag(match refusal {
        Refusal::Local(refusal) => show_local(tenant, locale, refusal),
        Refusal::Answer { to, error, description } => to_client(tenant, locale, &to.error(&tenant.issuer, *error, description)),
    })
}

fn show_local(tenant: &Tenant, locale: &str, refusal: &LocalRefusal) -> Response {
    if let LocalRefusal::RedirectUriNotRegistered { client_id, requested } = refusal {
        // Without its query, which may contain anything.
        let redirect_uri = requested.split(['?', '#']).next().unwrap_or_default();
        tracing::info!(%client_id, ?redirect_uri, "redirect_uri is not registered");
    }
    show_error(tenant, locale, "login-request-refused", &refusal.to_string())
}

/// A 400 page: a message for the user (`{message}-title`, `{message}-text`) and a detail for developers.
#[must_use]
pub fn show_error(tenant: &Tenant, locale: &str, message_id: &str, detail: &str) -> Response {
    let heading = message(locale, &format!("{message_id}-title"), []);
    let text = message(locale, &format!("{message_id}-text"), []);
    let page = Page::new(tenant, locale, "error", context! { heading, text, detail });
    page.status(StatusCode::BAD_REQUEST).into_response()
}

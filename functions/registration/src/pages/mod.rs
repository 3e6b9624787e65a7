//! The pages: they work without JavaScript, and a successful POST answers 303 (security 14).

mod form;
mod passkey;
pub(crate) mod register;
mod running;
pub(crate) mod verify;

use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use latchkey::locale::{self, FluentValue};
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle};

/// The parameter with the page of the account to continue at.
const RETURN_TO: &str = "return_to";

/// A path of this tenant for links: never with a host (security 89, 121).
fn path(handle: &TenantHandle, path: &str) -> String {
    let id = &handle.tenant.config.tenant;
    if id.is_default() { path.to_owned() } else { format!("/t/{id}{path}") }
}

/// Redirects to a page of this tenant.
fn see_other(handle: &TenantHandle, path_and_query: &str) -> Result<Response, Problem> {
    see_location(&path(handle, path_and_query))
}

/// Redirects to this address.
fn see_location(location: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(location)
        .map_err(|_| Problem::new(ProblemKind::InvalidRequest, "The address of the next page is not valid."))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// A message of the pages.
fn message(locale: &str, id: &str) -> String {
    locale::message(locale, id, [])
}

/// A message of the pages with one number.
fn message_with(locale: &str, id: &str, name: &'static str, number: usize) -> String {
    locale::message(locale, id, [(name, FluentValue::from(number))])
}

//! The registration function: from a form to a verified account, as pages and as JSON.
//!
//! | route | file |
//! |---|---|
//! | `GET /v1/registration/form` | `api::form` |
//! | `POST /v1/registrations` | `api::start` |
//! | `POST /v1/registrations/{id}/verification` | `api::verification` |
//! | `POST /v1/registrations/{id}/resend` | `api::resend` |
//! | `GET`, `POST /register` | `pages::register` |
//! | `GET`, `POST /verify` | `pages::verify` |
//!
//! Pages and API use the same two steps: `begin` (two puts, no read) and `prove` (load, decide, commit).

mod api;
mod begin;
mod client;
mod legacy_directory;
mod pages;
mod prove;
mod way_in;

use axum::Router;
use axum::handler::Handler as _;
use axum::routing::{get, post};
use latchkey::purpose::Purpose;
use latchkey::services::Services;
use latchkey::web::funnel::{Method, Step, funnel_layer};

/// The keys of this function: it seals the form's data, hashes addresses, checks codes, and seals ids.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    let started = |method| funnel_layer(Step::RegistrationStarted, method);
    Router::new()
        .route("/v1/registration/form", get(api::form::form))
        .route("/v1/registrations", post(api::start::start.layer(started(Method::Api))))
        .route("/v1/registrations/{id}/resend", post(api::resend::resend))
        .route("/register", get(pages::register::show).post(pages::register::submit.layer(started(Method::Page))))
        .merge(proofs())
}

/// The routes that verify an address. They belong to this function, or to `login` while users are imported from a legacy user pool: only
/// `login` may call that pool.
pub fn proofs() -> Router<Services> {
    let verified = funnel_layer(Step::RegistrationVerified, Method::Code);
    Router::new()
        .route("/v1/registrations/{id}/verification", post(api::verification::verification.layer(verified)))
        .route("/verify", get(pages::verify::show).post(pages::verify::submit))
}

//! The profile function: users view and change their own data, as JSON (`/v1/me…`) and as pages (`/account…`).
//!
//! JSON handlers and pages use the same commands, one file each. A command loads the user together with the data concerned, decides,
//! commits, and returns the result. The handler or page renders it.

pub mod address_proof;
pub mod api;
mod command_error;
pub mod consents;
pub mod deletion;
pub mod edit;
pub mod email;
pub mod history;
pub mod lost_factor;
pub mod not_me;
mod pages;
pub mod passkeys;
pub mod password;
pub mod remembered_devices;
pub mod second_factor;
pub mod sessions;
pub mod terms;
pub mod undo;

pub use command_error::CommandError;

use axum::Router;
use axum::handler::Handler as _;
use axum::routing::{delete, get, post};
use latchkey::purpose::Purpose;
use latchkey::services::Services;
use latchkey::web::funnel::{Method, Step, funnel_layer};

/// The keys that this function needs.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Locator, Purpose::Proof, Purpose::Signing];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    let deleted = funnel_layer(Step::AccountDeleted, Method::Api);
    let restored = funnel_layer(Step::AccountRestored, Method::Api);
    Router::new()
        .route("/v1/me", get(api::me::get).patch(api::me::patch).delete(api::deletion::request.layer(deleted)))
        .route("/v1/me/password", post(api::password::post))
        .route("/v1/me/email", post(api::email::start))
        .route("/v1/me/email/verification", post(api::email::verify))
        .route("/v1/me/factors", get(api::factors::get))
        .route("/v1/me/sessions", get(api::sessions::list))
        .route("/v1/me/sessions/{sid}", delete(api::sessions::end))
        .route("/v1/me/consents", get(api::consents::list))
        .route("/v1/me/consents/{client_id}", delete(api::consents::withdraw))
        .route("/v1/me/terms", get(api::terms::list))
        .route("/v1/me/terms/{document}", post(api::terms::accept).delete(api::terms::withdraw))
        .route("/v1/me/restoration", post(api::deletion::restore.layer(restored)))
        .merge(pages::routes())
}

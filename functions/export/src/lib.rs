//! The export function: everything held about a person, built when it is read; nothing of it is stored.
//!
//! 1. Beginning one needs a fresh sign-in. Everything is read and packed once to see how it will be; the record `data_exported` is
//!    put; what comes out is an id: a sealed value that says of which moment the export is, and what must not change (`ticket`).
//! 2. Whoever began it reads it within the hour: everything is read and packed again, and given out if it is still the same.

mod api;
mod held;
pub mod package;
mod pages;
mod read;
mod ticket;

use axum::Router;
use axum::routing::{get, post};
use latchkey::purpose::Purpose;
use latchkey::services::Services;

/// The keys that this function needs.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Locator, Purpose::Signing];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    Router::new()
        .route("/v1/me/exports", post(api::begin))
        .route("/v1/me/exports/{id}", get(api::status))
        .route("/v1/me/exports/{id}/document", get(api::document))
        .route("/account/export", get(pages::start).post(pages::begin))
        .route("/account/export/{id}", get(pages::ready))
        .route("/account/export/{id}/document", get(pages::document))
}

//! The export function: all data stored about a user. The package is built at download time and never stored.
//!
//! 1. Starting an export needs a recent sign-in. All data is read and packed once to determine the result, and the record `data_exported`
//!    is written. The export's id is a sealed value with the time of the export and a digest of what must not change (`export_request`).
//! 2. The user downloads it within one hour. All data is read and packed again, and sent if it is still the same.

mod api;
mod export_request;
pub mod package;
mod pages;
mod personal_data;
mod read;

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

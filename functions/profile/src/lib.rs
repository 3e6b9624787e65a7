//! The profile function: what people see and change about themselves, as JSON and as pages.

use axum::Router;
use latchkey::keys::Purpose;
use latchkey::services::Services;

/// The keys that this function needs.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Locator, Purpose::Proof, Purpose::Signing];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    Router::new()
}

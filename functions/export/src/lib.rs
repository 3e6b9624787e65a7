//! The export function: everything held about a person, built when it is read.

use axum::Router;
use latchkey::keys::Purpose;
use latchkey::services::Services;

/// The keys that this function needs.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Locator, Purpose::Signing];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    Router::new()
}

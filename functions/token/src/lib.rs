//! x
use axum::Router;
use latchkey::services::Services;

/// The routes of this function.
pub fn routes() -> Router<Services> {
    Router::new()
}

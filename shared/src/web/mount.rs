//! Mounting a function's routes: both tenant forms, every layer.
use crate::services::Services;
use axum::Router;

/// The routes at `/` and at `/t/{tenant}`, behind: request log, panic → 500, size limits (security 122), security headers on
/// every response (117), `no-store` unless the handler said otherwise (118).
pub fn mount(services: Services, routes: Router<Services>) -> Router {
    let _ = (services, routes);
    todo!()
}

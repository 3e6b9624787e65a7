//! The login function: authorization requests, the sign-in and consent pages, password recovery, sign-out.
//!
//! ```text
//! application ─▶ /oauth2/authorize ─▶ /login ─▶ /oauth2/authorize ─▶ /consent ─▶ /oauth2/authorize ─▶ application
//!                                       └─▶ /recover ─▶ mail ─▶ /recover ─▶ /login
//! ```
//!
//! No page keeps state on the server: an authorization request travels in the query of each page's address, and each page validates
//! it anew. What the person did for it meanwhile travels in sealed marks (see [`pending`]).

pub mod authorize;
pub mod consent;
pub mod hint;
pub mod login;
pub mod logout;
pub mod pending;
pub mod recover;
pub mod respond;

use axum::Router;
use axum::routing::get;
use latchkey::keys::Purpose;
use latchkey::services::Services;

/// The keys that this function needs.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Locator, Purpose::Proof, Purpose::Signing];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    Router::new()
        .route("/oauth2/authorize", get(authorize::get).post(authorize::post))
        .route("/oauth2/logout", get(logout::get).post(logout::post))
        .route("/login", get(login::get).post(login::post))
        .route("/consent", get(consent::get).post(consent::post))
        .route("/recover", get(recover::get).post(recover::post))
}

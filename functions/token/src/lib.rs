//! The token function: the endpoints for clients and resource servers, without pages.
//!
//! | route | file | standard |
//! |---|---|---|
//! | `GET /.well-known/openid-configuration`, `/.well-known/oauth-authorization-server` | `discovery` | OIDC Discovery, RFC 8414 |
//! | `GET /.well-known/jwks.json` | `jwks` | RFC 7517 |
//! | `GET /.well-known/change-password` | `change_password` | W3C |
//! | `GET /.well-known/{file}` | `passkeys` | W3C, WebAuthn, Apple, Google |
//! | `POST /oauth2/token` | `token`, one file below it for each grant | RFC 6749 |
//! | `POST /oauth2/revoke` | `revoke` | RFC 7009 |
//! | `POST /oauth2/introspect` | `introspect` | RFC 7662 |
//! | `GET`, `POST /userinfo` | `userinfo` | OpenID Connect Core §5.3 |
//! | `GET /healthz`, `/problems/{code}` | `health`, `problems` | RFC 9457 |
//!
//! Requests without a route (404, 405) end here too: `web::mount` answers them.

mod change_password;
mod discovery;
mod health;
mod introspect;
mod jwks;
mod passkeys;
mod problems;
mod profile;
mod revoke;
mod token;
mod userinfo;

use axum::Router;
use axum::routing::{get, post};
use latchkey::purpose::Purpose;
use latchkey::services::Services;

/// The keys of this function: it opens locators, derives refresh tokens, signs, decrypts profiles for userinfo, and finds the subjects of a
/// legacy user pool.
pub const PURPOSES: &[Purpose] = &[Purpose::Locator, Purpose::Refresh, Purpose::Signing, Purpose::Data, Purpose::Identifier];

/// The routes of this function.
pub fn routes() -> Router<Services> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route("/.well-known/jwks.json", get(jwks::keys))
        .route("/.well-known/{file}", get(passkeys::well_known))
        .route("/assets/{file}", get(passkeys::script))
        .route("/.well-known/change-password", get(change_password::redirect))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/revoke", post(revoke::revoke))
        .route("/oauth2/introspect", post(introspect::introspect))
        .route("/userinfo", get(userinfo::by_header).post(userinfo::by_header_or_body))
        .route("/healthz", get(health::health))
        .route("/problems/{code}", get(problems::explain))
}

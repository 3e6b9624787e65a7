//! The login function: authorization requests, the sign-in and consent pages, password recovery, sign-out.
//!
//! ```text
//! application ─▶ /oauth2/authorize ─▶ /login ─▶ /oauth2/authorize ─▶ /consent ─▶ /oauth2/authorize ─▶ application
//!                                       ├─▶ /login/code
//!                                       ├─▶ /login/second-step
//!                                       └─▶ /recover ─▶ mail ─▶ /recover ─▶ /login
//! ```
//!
//! If the account has no factor that is needed, `/oauth2/authorize` leads to `/login/enroll`. If something is due of the account, `/oauth2/authorize` leads to `/complete` before `/consent`, and back. After a sign-in,
//! `/login/passkey/offer` may come first.
//!
//! No page keeps state on the server. The authorization request is in the query of each page's address, and each page validates it again.
//! Completed interactions of the user travel in sealed markers (see [`pending`]).

mod attempt;
pub mod authorize;
pub mod complete;
pub mod consent;
pub mod enroll;
pub mod hint;
mod legacy_directory;
pub mod login;
pub mod logout;
pub mod lost_factor;
pub mod mail_code;
pub mod passkey;
mod passkey_button;
pub mod passkey_offer;
pub mod pending;
pub mod recover;
mod remembering;
pub mod respond;
pub mod second_step;
mod sign_in_page;
pub mod signed_in;
mod username;

use axum::Router;
use axum::handler::Handler as _;
use axum::routing::{get, post};
use latchkey::purpose::Purpose;
use latchkey::services::Services;
use latchkey::web::funnel::{Method, Step, funnel_layer};

/// The keys that this function needs.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Locator, Purpose::Proof, Purpose::Signing];

/// The routes of this function in a deployment. They include the routes that verify a registration: the API sends these here while users
/// are imported from a legacy user pool.
pub fn deployed_routes() -> Router<Services> {
    routes().merge(registration::proofs())
}

/// The routes of this function.
pub fn routes() -> Router<Services> {
    let asked = funnel_layer(Step::Authorization, Method::Session);
    let signed_in = funnel_layer(Step::SignIn, Method::Password);
    let stepped = funnel_layer(Step::SecondStep, Method::Code);
    let with_passkey = funnel_layer(Step::SignIn, Method::Passkey);
    let enrolled = funnel_layer(Step::Enrollment, Method::Page);
    let offered = funnel_layer(Step::PasskeyOffer, Method::Page);
    let completed = funnel_layer(Step::Completion, Method::Page);
    let answered = funnel_layer(Step::Consent, Method::Page);
    Router::new()
        .route("/oauth2/authorize", get(authorize::get.layer(asked)).post(authorize::post))
        .route("/oauth2/logout", get(logout::get).post(logout::post))
        .route("/login", get(login::get).post(login::post.layer(signed_in)))
        .route("/login/code", get(mail_code::get).post(mail_code::post))
        .route("/login/enroll", get(enroll::get).post(enroll::post.layer(enrolled)))
        .route("/login/lost-factor", get(lost_factor::get).post(lost_factor::post))
        .route("/login/passkey", post(passkey::post.layer(with_passkey)))
        .route("/login/passkey/options", get(passkey::options))
        .route("/login/passkey/offer", get(passkey_offer::get).post(passkey_offer::post.layer(offered)))
        .route("/login/second-step", get(second_step::get).post(second_step::post.layer(stepped)))
        .route("/complete", get(complete::get).post(complete::post.layer(completed)))
        .route("/consent", get(consent::get).post(consent::post.layer(answered)))
        .route("/recover", get(recover::get).post(recover::post))
}

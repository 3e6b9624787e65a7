//! The account pages (`/account…`): they work without JavaScript, a successful POST answers 303 (security 14), GET changes nothing.

pub(crate) mod confirm_address;
mod consents;
pub(crate) mod delete;
mod draft;
pub(crate) mod email;
pub(crate) mod lost_factor;
mod messages;
pub(crate) mod not_me;
mod offer;
pub(crate) mod passkeys;
pub(crate) mod password;
pub(crate) mod privacy;
pub(crate) mod profile;
pub(crate) mod restore;
pub(crate) mod security;
pub(crate) mod sessions;
pub(crate) mod two_step;
pub(crate) mod undo;

use crate::CommandError;
use axum::Router;
use axum::handler::Handler as _;
use axum::routing::get;
use latchkey::services::Services;
use latchkey::web::AccountPageError;
use latchkey::web::funnel::{Method, Step, funnel_layer};

/// The routes of the pages.
pub(crate) fn routes() -> Router<Services> {
    let deleted = funnel_layer(Step::AccountDeleted, Method::Page);
    let restored = funnel_layer(Step::AccountRestored, Method::Page);
    Router::new()
        .route("/account", get(profile::get).post(profile::post))
        .route("/account/security", get(security::get))
        .route("/account/password", get(password::get).post(password::post))
        .route("/account/confirm-address", get(confirm_address::get).post(confirm_address::post))
        .route("/account/lost-factor", get(lost_factor::get).post(lost_factor::post))
        .route("/account/not-me", get(not_me::get).post(not_me::post))
        .route("/account/passkeys", get(passkeys::get).post(passkeys::post))
        .route("/account/passkeys/new", get(passkeys::get_new).post(passkeys::post_new))
        .route("/account/email", get(email::get).post(email::post))
        .route("/account/email/undo", get(undo::get).post(undo::post))
        .route("/account/two-step", get(two_step::get).post(two_step::post))
        .route("/account/two-step/app", get(two_step::app::get).post(two_step::app::post))
        .route("/account/two-step/codes", get(two_step::codes::get).post(two_step::codes::post))
        .route("/account/two-step/codes/file", get(two_step::codes::file))
        .route("/account/two-step/remove", get(two_step::remove::get).post(two_step::remove::post))
        .route("/account/sessions", get(sessions::get).post(sessions::post))
        .route("/account/consents", get(consents::get).post(consents::post))
        .route("/account/privacy", get(privacy::get).post(privacy::post))
        .route("/account/delete", get(delete::get).post(delete::post.layer(deleted)))
        .route("/account/restore", get(restore::get).post(restore::post.layer(restored)))
}

impl From<CommandError> for AccountPageError {
    fn from(reason: CommandError) -> Self {
        match reason {
            CommandError::SignedOut => Self::SignIn,
            CommandError::NotRecent(_) => Self::Confirm,
            error @ CommandError::ProveAddress => Self::Problem(error.into()),
            CommandError::Problem(problem) => Self::Problem(problem),
        }
    }
}

//! The gateway's own pages and endpoints: API reference, mailbox, clock, jobs, demo storefront. They are never part of a deployed
//! function, and are available only on this machine ([`guard`]).

mod api;
mod clock;
mod demo;
mod guard;
mod html;
mod mails;
mod operator_token;
mod state;
mod tables;
mod visitor;

pub use guard::Peer;
pub use operator_token::OperatorToken;
pub use state::Pages;
pub use tables::{TABLES_BODY, TABLES_PATH};

use crate::assemble;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};

/// All routes of the gateway: the functions' routes and these pages, behind the same layers.
pub fn mount(pages: Pages) -> Router {
    let services = pages.services.clone();
    let tables = pages.tables.clone().map(|(engine, token)| tables::router(engine, token, pages.port));
    let own = Router::new()
        .route("/", get(async || Redirect::to("/demo/")))
        .route("/openapi.json", get(api::document))
        .route("/dev/api", get(api::page))
        .route("/dev/mailbox", get(mails::page))
        .route("/dev/mailbox/{id}", get(mails::body))
        .route("/dev/mailbox.json", get(mails::list))
        .route("/dev/clock", post(clock::advance))
        .route("/dev/run", post(clock::run))
        .route("/demo", get(async || Redirect::to("/demo/")))
        .route("/demo/", get(demo::shop))
        .route("/demo/sign-in", post(demo::sign_in))
        .route("/demo/callback", get(demo::callback))
        .route("/demo/refresh", post(demo::refresh))
        .route("/demo/sign-out", post(demo::sign_out))
        .route_layer(from_fn_with_state(pages.clone(), guard::only_this_machine))
        .with_state(pages);
    // The tables use DynamoDB's protocol: larger bodies, and their own error format.
    let mounted = latchkey::web::mount(services, assemble::routes().merge(own));
    tables.unwrap_or_default().fallback_service(mounted)
}

//! The gateway's own pages and endpoints: API reference, mailbox, clock, jobs, demo storefront. They are never part of a deployed
//! function, and are available only on this machine ([`guard`]).

mod api;
mod clock;
mod demo;
mod guard;
mod html;
mod mails;
mod tables;
mod visitor;

pub use guard::Peer;
pub use tables::{OperatorToken, TABLES_BODY, TABLES_PATH};

use crate::assemble;
use crate::engine::Engine;
use crate::gateway::mailbox::{Mailbox, MailboxError};
use crate::gateway::state_table::{StateTable, StateTableError};
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};
use latchkey::services::Services;
use latchkey::web::Problem;
use latchkey::web::problem::ProblemKind;
use retention::RetentionError;

/// The state of the pages. Clones are inexpensive.
#[derive(Clone)]
pub struct Pages {
    /// The gateway's own table.
    pub state_table: StateTable,
    /// The stream and its mails.
    pub mailbox: Mailbox,
    /// The services of the functions.
    pub services: Services,
    /// The port that a `Host` header must have.
    pub port: u16,
    /// The functions' routes, for the demo client in this process.
    pub functions: Router,
    /// The tables and the operator token that opens them. `None` if nothing is stored.
    pub tables: Option<(Engine, OperatorToken)>,
}

impl FromRef<Pages> for Mailbox {
    fn from_ref(pages: &Pages) -> Self {
        pages.mailbox.clone()
    }
}

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

/// Logs an internal failure. The caller gets a generic error.
fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a page of the gateway failed");
    Problem::new(ProblemKind::Internal, "The gateway failed to answer this request. Its log shows the reason.")
}

struct PageError(Problem);

impl axum::response::IntoResponse for PageError {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}
impl From<StateTableError> for PageError {
    fn from(error: StateTableError) -> Self {
        Self(failed(&error))
    }
}
impl From<MailboxError> for PageError {
    fn from(error: MailboxError) -> Self {
        Self(failed(&error))
    }
}
impl From<RetentionError> for PageError {
    fn from(error: RetentionError) -> Self {
        Self(failed(&error))
    }
}
impl From<minijinja::Error> for PageError {
    fn from(error: minijinja::Error) -> Self {
        Self(failed(&error))
    }
}
impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

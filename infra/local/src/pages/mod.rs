//! The gateway's own pages and calls: mailbox, clock, jobs, demo storefront. Never part of a deployed function, and answered only to
//! this machine ([`guard`]).

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
use crate::gateway::notebook::{Notebook, NotebookError};
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};
use latchkey::services::Services;
use latchkey::web::Problem;
use latchkey::web::problem::ProblemKind;
use retention::RetentionError;

/// What the pages are given. Cheap to clone.
#[derive(Clone)]
pub struct Pages {
    /// What the gateway keeps.
    pub notebook: Notebook,
    /// The stream and its mails.
    pub mailbox: Mailbox,
    /// What the functions were given.
    pub services: Services,
    /// The port that a `Host` must name.
    pub port: u16,
    /// The functions' routes, for a client on this very server.
    pub functions: Router,
    /// The tables and the token that opens them to an operator; none when nothing is kept.
    pub tables: Option<(Engine, OperatorToken)>,
}

impl FromRef<Pages> for Mailbox {
    fn from_ref(pages: &Pages) -> Self {
        pages.mailbox.clone()
    }
}

/// Everything that the gateway answers: the functions' routes and these pages, behind the same layers.
pub fn mount(pages: Pages) -> Router {
    let services = pages.services.clone();
    let tables = pages.tables.clone().map(|(engine, token)| tables::router(engine, token, pages.port));
    let own = Router::new()
        .route("/", get(async || Redirect::to("/demo/")))
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
    // The tables speak DynamoDB's protocol: larger bodies, and errors of its own.
    let mounted = latchkey::web::mount(services, assemble::routes().merge(own));
    tables.unwrap_or_default().fallback_service(mounted)
}

/// What a page could not do is logged; the caller learns that it is our fault.
fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a page of the gateway failed");
    Problem::new(ProblemKind::Internal, "The gateway could not do this. Its log says why.")
}

struct Failure(Problem);

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}
impl From<NotebookError> for Failure {
    fn from(error: NotebookError) -> Self {
        Self(failed(&error))
    }
}
impl From<MailboxError> for Failure {
    fn from(error: MailboxError) -> Self {
        Self(failed(&error))
    }
}
impl From<RetentionError> for Failure {
    fn from(error: RetentionError) -> Self {
        Self(failed(&error))
    }
}
impl From<minijinja::Error> for Failure {
    fn from(error: minijinja::Error) -> Self {
        Self(failed(&error))
    }
}
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

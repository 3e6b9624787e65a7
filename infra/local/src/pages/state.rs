//! What the pages of the gateway are given, and what they answer when something fails.

use crate::engine::Engine;
use crate::gateway::mailbox::{Mailbox, MailboxError};
use crate::gateway::state_table::{StateTable, StateTableError};
use crate::pages::operator_token::OperatorToken;
use axum::Router;
use axum::extract::FromRef;
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

/// Logs an internal failure. The caller gets a generic error.
fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a page of the gateway failed");
    Problem::new(ProblemKind::Internal, "The gateway failed to answer this request. Its log shows the reason.")
}

pub(super) struct PageError(Problem);

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

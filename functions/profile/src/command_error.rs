//! Why a command made no decision.

use latchkey::keys::KeyError;
use latchkey::keys::password::HasherBusy;
use latchkey::store::{DecideError, StoreError};
use latchkey::web::problem::ProblemKind;
use latchkey::web::{NotRecent, Problem};

/// Why a command made no decision. For the first two, the API answers 401; a page redirects the user to sign in, and back.
#[derive(Debug)]
pub enum CommandError {
    /// The session or token is no longer valid.
    SignedOut,
    /// The sign-in is too old, or weaker than the account needs (RFC 9470).
    NotRecent(NotRecent),
    /// The session must first prove the address of the account by a mailed code (security 77).
    ProveAddress,
    /// Any other problem.
    Problem(Problem),
}

impl From<CommandError> for Problem {
    fn from(reason: CommandError) -> Self {
        match reason {
            CommandError::SignedOut => Self::invalid_token(),
            CommandError::NotRecent(needed) => needed.into(),
            CommandError::ProveAddress => {
                Self::new(ProblemKind::Forbidden, "This needs the code from a mail, on the account pages.")
            }
            CommandError::Problem(problem) => problem,
        }
    }
}
impl From<NotRecent> for CommandError {
    fn from(needed: NotRecent) -> Self {
        Self::NotRecent(needed)
    }
}
impl From<Problem> for CommandError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<HasherBusy> for CommandError {
    fn from(error: HasherBusy) -> Self {
        Self::Problem(error.into())
    }
}
impl From<DecideError<CommandError>> for CommandError {
    fn from(error: DecideError<CommandError>) -> Self {
        match error {
            DecideError::Decide(reason) => reason,
            DecideError::Busy => Self::Problem(DecideError::<Problem>::Busy.into()),
            DecideError::LimitReached => Self::Problem(DecideError::<Problem>::LimitReached.into()),
            DecideError::Store(error) => Self::Problem(error.into()),
        }
    }
}

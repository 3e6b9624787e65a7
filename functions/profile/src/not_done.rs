//! Why a command made no decision.

use latchkey::keys::KeyError;
use latchkey::keys::password::HasherBusy;
use latchkey::store::{DecideError, StoreError};
use latchkey::web::Problem;

/// Why a command made no decision. For the first two, the API answers 401; a page redirects the user to sign in, and back.
#[derive(Debug)]
pub enum NotDone {
    /// The session or token is no longer valid.
    SignedOut,
    /// The sign-in is too old (RFC 9470).
    NotRecent,
    /// Any other problem.
    Problem(Problem),
}

impl From<NotDone> for Problem {
    fn from(reason: NotDone) -> Self {
        match reason {
            NotDone::SignedOut => Self::invalid_token(),
            NotDone::NotRecent => Self::insufficient_user_authentication(),
            NotDone::Problem(problem) => problem,
        }
    }
}
impl From<Problem> for NotDone {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<KeyError> for NotDone {
    fn from(error: KeyError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<HasherBusy> for NotDone {
    fn from(error: HasherBusy) -> Self {
        Self::Problem(error.into())
    }
}
impl From<DecideError<NotDone>> for NotDone {
    fn from(error: DecideError<NotDone>) -> Self {
        match error {
            DecideError::Decide(reason) => reason,
            DecideError::Busy => Self::Problem(DecideError::<Problem>::Busy.into()),
            DecideError::LimitReached => Self::Problem(DecideError::<Problem>::LimitReached.into()),
            DecideError::Store(error) => Self::Problem(error.into()),
        }
    }
}

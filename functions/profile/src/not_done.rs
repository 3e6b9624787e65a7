//! Why a command decided nothing.

use latchkey::keys::KeyError;
use latchkey::keys::password::HasherBusy;
use latchkey::store::{DecideError, StoreError};
use latchkey::web::Problem;

/// Why a command decided nothing. The API answers 401 to the first two; a page sends the person to sign in, and back.
#[derive(Debug)]
pub enum NotDone {
    /// What was presented counts no more.
    SignedOut,
    /// The sign-in lies too far back (RFC 9470).
    NotRecent,
    /// Something else.
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

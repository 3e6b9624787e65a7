//! The JSON API (`/v1/me…`): an access token with scope `account`, and answers that say what was wrong and what to do.

pub(crate) mod consents;
pub(crate) mod deletion;
pub(crate) mod email;
pub(crate) mod factors;
pub(crate) mod me;
pub(crate) mod password;
pub(crate) mod sessions;
pub(crate) mod terms;

use latchkey::web::Problem;
use latchkey::web::problem::{FieldProblem, ProblemKind};

/// A 400 about one member of the body.
fn flawed(pointer: &str, code: &'static str, detail: impl Into<String>) -> Problem {
    let error = FieldProblem { pointer: pointer.to_owned(), code, detail: detail.into() };
    Problem::new(ProblemKind::InvalidRequest, "A value is not valid. `errors` says which one.").with_errors(vec![error])
}

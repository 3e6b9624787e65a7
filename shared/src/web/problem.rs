//! The renderer of the API's errors: `application/problem+json` (RFC 9457). With `oauth_error`, the only place with status codes.
use crate::domain::time::Span;
use axum::response::{IntoResponse, Response};

/// A problem as a caller may see it: stable code, words, fields. Never carries log text.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Which.
    pub kind: ProblemKind,
    /// What was wrong here, and what to do; plain words, no personal data of others.
    pub detail: String,
    /// What was wrong with which field.
    pub errors: Vec<FieldProblem>,
    /// `Retry-After`.
    pub retry_after: Option<Span>,
}

/// One field's problem.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// Stable code.
    pub code: &'static str,
    /// In words.
    pub detail: String,
}

/// Every problem there is: status, code, title. `/problems/{code}` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// 400: the request can't be read, or a field is wrong.
    InvalidRequest,
    /// 400: the code is wrong, spent or expired, or the flow is over.
    InvalidCode,
    /// 401: no or no valid access token.
    InvalidToken,
    /// 403: the token lacks a scope, the anti-forgery value does not fit, or registration is off.
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409: the address got an account meanwhile.
    AlreadyRegistered,
    /// 413.
    TooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 429.
    TooManyRequests,
    /// 431.
    HeadersTooLarge,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
}

impl Problem {
    /// A problem in these words.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        todo!()
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        let _ = error;
        todo!()
    }
}
impl From<crate::keys::KeyError> for Problem {
    fn from(error: crate::keys::KeyError) -> Self {
        let _ = error;
        todo!()
    }
}
impl<E: Into<Problem>> From<crate::store::DecideError<E>> for Problem {
    fn from(error: crate::store::DecideError<E>) -> Self {
        let _ = error;
        todo!()
    }
}

//! The renderer of protocol errors: RFC 6749 §5.2 JSON, RFC 6750 §3 challenges.
use crate::domain::oauth::error::OAuthErrorCode;
use axum::response::{IntoResponse, Response};

/// An error of a protocol endpoint.
#[derive(Debug, Clone)]
pub struct OAuthError {
    /// The code.
    pub code: OAuthErrorCode,
    /// `error_description`: ASCII, no personal data.
    pub description: &'static str,
    /// The caller used HTTP Basic: 401 carries `WWW-Authenticate: Basic` (RFC 6749 §5.2).
    pub basic: bool,
    /// The endpoint takes bearer tokens: 401 carries `WWW-Authenticate: Bearer` with the code (RFC 6750 §3).
    pub bearer: bool,
    /// The scope that is lacking (RFC 6750 §3).
    pub scope: Option<&'static str>,
}

impl OAuthError {
    /// An error of the token endpoint and its neighbours.
    #[must_use]
    pub const fn new(code: OAuthErrorCode, description: &'static str) -> Self {
        Self { code, description, basic: false, bearer: false, scope: None }
    }
    /// An error of a bearer-protected endpoint.
    #[must_use]
    pub const fn bearer(code: OAuthErrorCode, description: &'static str) -> Self {
        Self { code, description, basic: false, bearer: true, scope: None }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        todo!()
    }
}

impl From<crate::store::StoreError> for OAuthError {
    fn from(error: crate::store::StoreError) -> Self {
        let _ = error;
        todo!()
    }
}
impl From<crate::keys::KeyError> for OAuthError {
    fn from(error: crate::keys::KeyError) -> Self {
        let _ = error;
        todo!()
    }
}
impl<E: Into<OAuthError>> From<crate::store::DecideError<E>> for OAuthError {
    fn from(error: crate::store::DecideError<E>) -> Self {
        let _ = error;
        todo!()
    }
}

//! Renders protocol errors: RFC 6749 §5.2 JSON, RFC 6750 §3 challenges.
use super::problem::{is_transient, is_transient_key};
use crate::domain::oauth::error::OAuthErrorCode;
use crate::keys::KeyError;
use crate::services::TenantError;
use crate::store::{DecideError, StoreError};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

/// An error of a protocol endpoint.
#[derive(Debug, Clone)]
pub struct OAuthError {
    /// The code.
    pub code: OAuthErrorCode,
    /// `error_description`: ASCII without `"` and `\`, no personal data.
    pub description: &'static str,
    /// The caller used HTTP Basic: 401 has `WWW-Authenticate: Basic` (RFC 6749 §5.2).
    pub basic: bool,
    /// The endpoint accepts bearer tokens: 401 has `WWW-Authenticate: Bearer` with the code (RFC 6750 §3).
    pub bearer: bool,
    /// The missing scope (RFC 6750 §3).
    pub scope: Option<&'static str>,
    /// Too many requests instead of a failure: 429 instead of 503.
    pub busy: bool,
}

impl OAuthError {
    /// An error of the token endpoint and similar endpoints.
    #[must_use]
    pub const fn new(code: OAuthErrorCode, description: &'static str) -> Self {
        Self { code, description, basic: false, bearer: false, scope: None, busy: false }
    }
    /// An error of a bearer-protected endpoint.
    #[must_use]
    pub const fn bearer(code: OAuthErrorCode, description: &'static str) -> Self {
        Self { code, description, basic: false, bearer: true, scope: None, busy: false }
    }
    /// A request without any credentials: the response is the challenge alone, and names no error (RFC 6750 §3.1).
    #[must_use]
    pub const fn no_credentials() -> Self {
        Self::bearer(OAuthErrorCode::InvalidToken, "")
    }
    const fn transient(busy: bool) -> Self {
        let mut error = Self::new(OAuthErrorCode::TemporarilyUnavailable, "Try again shortly");
        error.busy = busy;
        error
    }
    const fn unexpected() -> Self {
        Self::new(OAuthErrorCode::ServerError, "The request could not be completed")
    }

    /// The status (RFC 6749 §5.2, RFC 6750 §3.1).
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self.code {
            OAuthErrorCode::InvalidRequest
            | OAuthErrorCode::InvalidGrant
            | OAuthErrorCode::UnauthorizedClient
            | OAuthErrorCode::UnsupportedGrantType
            | OAuthErrorCode::UnsupportedResponseType
            | OAuthErrorCode::InvalidScope
            | OAuthErrorCode::InvalidTarget
            | OAuthErrorCode::AccessDenied
            | OAuthErrorCode::LoginRequired
            | OAuthErrorCode::ConsentRequired
            | OAuthErrorCode::InteractionRequired
            | OAuthErrorCode::UnmetAuthenticationRequirements
            | OAuthErrorCode::RequestNotSupported
            | OAuthErrorCode::RequestUriNotSupported
            | OAuthErrorCode::UnsupportedTokenType => StatusCode::BAD_REQUEST,
            OAuthErrorCode::InvalidClient | OAuthErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
            OAuthErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
            OAuthErrorCode::TemporarilyUnavailable if self.busy => StatusCode::TOO_MANY_REQUESTS,
            OAuthErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            OAuthErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn challenge(&self) -> Option<String> {
        if self.basic && self.status() == StatusCode::UNAUTHORIZED {
            return Some(r#"Basic realm="latchkey", charset="UTF-8""#.to_owned());
        }
        if !self.bearer {
            return None;
        }
        if self.description.is_empty() {
            return Some("Bearer".to_owned());
        }
        let mut challenge = format!(r#"Bearer error="{}", error_description="{}""#, self.code.as_str(), self.description);
        if let Some(scope) = self.scope {
            challenge.push_str(&format!(r#", scope="{scope}""#));
        }
        Some(challenge)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        #[derive(serde::Serialize)]
        struct Body {
            error: &'static str,
            #[serde(skip_serializing_if = "str::is_empty")]
            error_description: &'static str,
        }
        let is_bare = self.bearer && self.description.is_empty();
        let body = Body { error: self.code.as_str(), error_description: self.description };
        let body = if is_bare { Vec::new() } else { serde_json::to_vec(&body).unwrap_or_default() };
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if !is_bare {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if self.code == OAuthErrorCode::TemporarilyUnavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        if is_transient(&error) { Self::transient(false) } else { Self::unexpected() }
    }
}
impl From<KeyError> for OAuthError {
    fn from(error: KeyError) -> Self {
        if is_transient_key(&error) { Self::transient(false) } else { Self::unexpected() }
    }
}
impl From<TenantError> for OAuthError {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Unknown => Self::new(OAuthErrorCode::InvalidRequest, "There is no such tenant"),
            TenantError::Store(error) => error.into(),
            TenantError::Keys(error) => error.into(),
            TenantError::Document(_) => {
                super::problem::log_failure(&error);
                Self::unexpected()
            }
        }
    }
}
impl From<super::params::ParamsError> for OAuthError {
    fn from(error: super::params::ParamsError) -> Self {
        let description = match error {
            super::params::ParamsError::Malformed => "The parameters are not well-formed",
            super::params::ParamsError::Repeated(_) => "A parameter must not be repeated",
        };
        Self::new(OAuthErrorCode::InvalidRequest, description)
    }
}
impl<E: Into<OAuthError>> From<DecideError<E>> for OAuthError {
    fn from(error: DecideError<E>) -> Self {
        match error {
            DecideError::Busy | DecideError::LimitReached => Self::transient(true),
            DecideError::Store(error) => error.into(),
            DecideError::Decide(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(response: &Response, name: http::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn each_error_has_its_status_and_its_challenge() {
        let mut basic = OAuthError::new(OAuthErrorCode::InvalidClient, "Client authentication failed");
        basic.basic = true;
        let mut scope = OAuthError::bearer(OAuthErrorCode::InsufficientScope, "The token lacks a scope");
        scope.scope = Some("account");
        let cases = [
            (OAuthError::new(OAuthErrorCode::InvalidGrant, "x"), 400, ""),
            (OAuthError::new(OAuthErrorCode::InvalidClient, "x"), 401, ""),
            // security 25
            (basic, 401, r#"Basic realm="latchkey", charset="UTF-8""#),
            (
                OAuthError::bearer(OAuthErrorCode::InvalidToken, "gone"),
                401,
                r#"Bearer error="invalid_token", error_description="gone""#,
            ),
            (OAuthError::no_credentials(), 401, "Bearer"),
            (scope, 403, r#"Bearer error="insufficient_scope", error_description="The token lacks a scope", scope="account""#),
        ];
        for (error, status, challenge) in cases {
            let code = error.code;
            let response = error.into_response();
            assert_eq!(response.status().as_u16(), status, "{code:?}");
            assert_eq!(header(&response, WWW_AUTHENTICATE), challenge, "{code:?}");
            assert_eq!(header(&response, CONTENT_TYPE).is_empty(), challenge == "Bearer", "{code:?}");
            // security 24
            assert_eq!(header(&response, CACHE_CONTROL), "no-store", "{code:?}");
        }
    }

    #[test]
    fn a_transient_error_has_retry_after() {
        for (error, status) in [(DecideError::<OAuthError>::Busy, 429), (DecideError::LimitReached, 429)] {
            let response = OAuthError::from(error).into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(header(&response, RETRY_AFTER), "1");
        }
        let response = OAuthError::from(StoreError::Unavailable("down".into())).into_response();
        assert_eq!((response.status().as_u16(), header(&response, RETRY_AFTER)), (503, "1"));
    }
}

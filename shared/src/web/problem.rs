//! Renders the errors of the API: `application/problem+json` (RFC 9457). Only this module and `oauth_error` have status codes.
//!
//! A [`Problem`] becomes a response that contains itself as an extension. `mount` then adds the issuer and the request id, which only it
//! knows. A browser that requested a page gets the same problem as a page.

use crate::domain::time::Span;
use crate::keys::KeyError;
use crate::store::{DecideError, StoreError};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

/// A problem in the form that a caller may see: stable code, text, fields. It never contains log text.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The kind.
    pub kind: ProblemKind,
    /// What is wrong with this request, and what to do: plain text, without personal data of other users.
    pub detail: String,
    /// The faults of fields.
    pub errors: Vec<FieldProblem>,
    /// `Retry-After`.
    pub retry_after: Option<Span>,
    /// `WWW-Authenticate`, if it has more than the kind's own.
    pub challenge: Option<&'static str>,
}

/// The fault of one field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// Stable code.
    pub code: &'static str,
    /// The fault in words.
    pub detail: String,
}

/// Every kind of problem: status, code, title. `/problems/{code}` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// 400: the request cannot be read, or a field is wrong.
    InvalidRequest,
    /// 400: the code is wrong, used or expired, or the flow has ended.
    InvalidCode,
    /// 401: no or no valid access token.
    InvalidToken,
    /// 401: the sign-in is too old for this (RFC 9470).
    InsufficientUserAuthentication,
    /// 403: the token lacks a scope, the anti-forgery value is wrong, or registration is closed.
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409: the address got an account in the meantime.
    AlreadyRegistered,
    /// 409: the data of the export has changed since.
    ExportStale,
    /// 412: the item was changed after it was read.
    PreconditionFailed,
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

impl ProblemKind {
    /// Every kind, by status.
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::InvalidCode,
        Self::InvalidToken,
        Self::InsufficientUserAuthentication,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::AlreadyRegistered,
        Self::ExportStale,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The kind with this code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
    /// Its status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::InvalidCode => StatusCode::BAD_REQUEST,
            Self::InvalidToken | Self::InsufficientUserAuthentication => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::AlreadyRegistered | Self::ExportStale => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    /// Its stable code: the last segment of `type`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidCode => "invalid_code",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::AlreadyRegistered => "already_registered",
            Self::ExportStale => "export_stale",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::TooManyRequests => "too_many_requests",
            Self::HeadersTooLarge => "headers_too_large",
            Self::Internal => "internal_error",
            Self::Unavailable => "unavailable",
        }
    }
    /// The challenge of `WWW-Authenticate` (RFC 6750 §3, RFC 9470 §3).
    const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::InvalidToken => Some(r#"Bearer error="invalid_token""#),
            Self::InsufficientUserAuthentication => Some(concat!(
                r#"Bearer error="insufficient_user_authentication", "#,
                r#"error_description="A more recent sign-in is needed", max_age=300"#
            )),
            Self::InvalidRequest
            | Self::InvalidCode
            | Self::Forbidden
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::AlreadyRegistered
            | Self::ExportStale
            | Self::PreconditionFailed
            | Self::TooLarge
            | Self::UnsupportedMediaType
            | Self::TooManyRequests
            | Self::HeadersTooLarge
            | Self::Internal
            | Self::Unavailable => None,
        }
    }
    /// Its title: the same for every occurrence (RFC 9457 §3.1.3).
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::InvalidCode => "The code is not valid",
            Self::InvalidToken => "A valid access token is needed",
            Self::InsufficientUserAuthentication => "A fresh sign-in is needed",
            Self::Forbidden => "This is not allowed",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::AlreadyRegistered => "The address has an account",
            Self::ExportStale => "The export is out of date",
            Self::PreconditionFailed => "It was changed meanwhile",
            Self::TooLarge => "The request is too large",
            Self::UnsupportedMediaType => "The media type is not supported",
            Self::TooManyRequests => "Too many requests",
            Self::HeadersTooLarge => "The request line and headers are too large",
            Self::Internal => "An unexpected error",
            Self::Unavailable => "Unavailable for the moment",
        }
    }
    /// Its meaning and what to do, for a developer: the text of `GET /problems/{code}`, one paragraph each.
    #[must_use]
    pub const fn explanation(self) -> &'static [&'static str] {
        match self {
            Self::InvalidRequest => &[
                "The request cannot be read, or one of its values breaks a rule. `errors` lists each value by its JSON pointer (RFC 6901), with a code and a description.",
                "Correct the values and send the request again. An unchanged request gets the same answer. Unknown members are also refused, so check their spelling.",
            ],
            Self::InvalidCode => &[
                "The code is wrong, already used or expired, or there were too many wrong attempts. The answer does not say which.",
                "Ask the user for the newest code that was sent. After five wrong codes, start again.",
            ],
            Self::InvalidToken => &[
                "The call needs an access token in `Authorization: Bearer …`. The token is missing, expired, revoked or for another audience.",
                "Get a new access token, with the refresh token if there is one, and send the request again.",
            ],
            Self::InsufficientUserAuthentication => &[
                "The call changes a credential of the account or exports its data, so it needs a sign-in that is at most five minutes old (RFC 9470).",
                "Send the user to the authorization endpoint with `max_age=300` or `prompt=login`, and repeat the call with the new access token.",
            ],
            Self::Forbidden => &[
                "The request is valid but not allowed: the access token lacks a scope, a form was sent from another site or another browser, or the feature is off.",
                "Reload the page and send the form again, or request the scope that `detail` names.",
            ],
            Self::NotFound => &[
                "No resource has this address, or you have no access to it. Both get the same answer.",
                "Check the path, and the tenant in it.",
            ],
            Self::MethodNotAllowed => {
                &["The address exists, but not for this method.", "Use one of the methods that the `Allow` header names."]
            }
            Self::AlreadyRegistered => &[
                "An account for this address was created while the address was being verified. Only a user who has just verified the address gets this answer.",
                "Sign in to the account, or reset its password.",
            ],
            Self::ExportStale => &[
                "An export is a snapshot. The profile, a session, a grant or a consent has changed since it was prepared, so its parts would no longer be consistent.",
                "Start a new export, and download all its parts without changing anything in between.",
            ],
            Self::PreconditionFailed => &[
                "`If-Match` does not name the current version: it was changed in the meantime, and this request would overwrite that change.",
                "Read it again, apply your change to the current version, and send it with the new `ETag`.",
            ],
            Self::TooLarge => {
                &["A request body may have at most 64 KiB.", "Send less in one request. Compressed bodies are not accepted."]
            }
            Self::UnsupportedMediaType => &[
                "This address does not accept the media type of the body, or the body is compressed.",
                "Send `application/json` (or, for forms and the token endpoint, `application/x-www-form-urlencoded`) without `Content-Encoding`.",
            ],
            Self::TooManyRequests => &[
                "There were too many requests of this kind for this account, this address or this recipient, or several requests changed the same item at once.",
                "Wait as long as the `Retry-After` header says, in seconds, then try again.",
            ],
            Self::HeadersTooLarge => &[
                "The request line and the headers may have at most 9 KiB together.",
                "Shorten the query, or clear the cookies of this site in the browser.",
            ],
            Self::Internal => &[
                "An unexpected error occurred on our side. Your request made no lasting change, unless a later answer shows one.",
                "Try again. If the error persists, report the `request_id`, which identifies the cause in the log.",
            ],
            Self::Unavailable => &[
                "A service that this request needs does not answer at the moment.",
                "Wait as long as the `Retry-After` header says, in seconds, then try again. The request made no partial change.",
            ],
        }
    }
}

impl Problem {
    /// A problem with this detail.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after: None, challenge: None }
    }
    /// Adds the faults of fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors;
        self
    }
    /// Adds the time after which a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, span: Span) -> Self {
        self.retry_after = Some(span);
        self
    }
    /// Sets its own challenge (RFC 6750 §3).
    #[must_use]
    pub fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }
    /// An unexpected failure on our side. The caller gets no details; the log has them.
    pub fn internal() -> Self {
        Self::new(ProblemKind::Internal, "The request could not be completed. Try again; if it stays, report the request id.")
    }
    pub(super) fn unavailable() -> Self {
        Self::new(ProblemKind::Unavailable, "The service can't answer at the moment. Try again shortly.")
            .retry_after(Span::seconds(2))
    }

    /// The problem as JSON. `base` is the issuer; without it `type` is a relative reference (RFC 9457 §3.1.1).
    pub(super) fn json(&self, base: &str, request_id: Option<&str>) -> Vec<u8> {
        #[derive(serde::Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'static str,
            status: u16,
            detail: &'a str,
            code: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'a str>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldProblem],
        }
        let body = Body {
            r#type: format!("{base}/problems/{}", self.kind.code()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            code: self.kind.code(),
            request_id,
            errors: &self.errors,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.json("", None).into());
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(span) = self.retry_after {
            headers.insert(RETRY_AFTER, super::headers::seconds(span));
        }
        if let Some(challenge) = self.challenge.or(self.kind.challenge()) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Logs an unexpected failure once, at the edge: the error and its sources, but never the content of an item.
pub(super) fn log_failure(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error = chain(error), "unexpected failure");
}

/// An error and its sources in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Whether a failure of the store may pass. Logs it in both cases.
pub(super) fn is_transient(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) => {
            log_failure(error);
            true
        }
        StoreError::Refused(_) => {
            log_failure(error);
            false
        }
        StoreError::Malformed { kind, .. } => {
            // A malformed item may be personal data, and a parser quotes its input: only the kind is logged.
            tracing::error!(kind, "a stored item is malformed");
            false
        }
    }
}

/// Whether a failure of keys may pass. Logs it in both cases.
pub(super) fn is_transient_key(error: &KeyError) -> bool {
    match error {
        KeyError::Store(error) => is_transient(error),
        // An operator can repair a vault that refuses (a disabled key, a missing permission). Then the same request succeeds: nothing was
        // consumed.
        KeyError::VaultUnavailable(_) | KeyError::VaultRefused(_) | KeyError::NoActiveKey(_) => {
            log_failure(error);
            true
        }
        KeyError::NoKmsKey(_)
        | KeyError::DoesNotOpen(_)
        | KeyError::NotGranted(_)
        | KeyError::UnknownVersion
        | KeyError::Failed(_) => {
            log_failure(error);
            false
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if is_transient(&error) { Self::unavailable() } else { Self::internal() }
    }
}
impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        if is_transient_key(&error) { Self::unavailable() } else { Self::internal() }
    }
}
impl From<crate::services::TenantError> for Problem {
    fn from(error: crate::services::TenantError) -> Self {
        use crate::services::TenantError;
        match error {
            TenantError::Unknown => Self::new(ProblemKind::NotFound, "There is no such tenant. Check the address."),
            TenantError::Store(error) => error.into(),
            TenantError::Keys(error) => error.into(),
            TenantError::Document(_) => {
                log_failure(&error);
                Self::internal()
            }
        }
    }
}
impl From<crate::legacy_directory::LegacyDirectoryError> for Problem {
    fn from(error: crate::legacy_directory::LegacyDirectoryError) -> Self {
        error.log();
        let detail = "The former sign-in service does not answer. Nothing is lost; send the form again in a few seconds.";
        Self::new(ProblemKind::Unavailable, detail).retry_after(error.retry_after())
    }
}
impl From<crate::keys::password::HasherBusy> for Problem {
    fn from(_: crate::keys::password::HasherBusy) -> Self {
        Self::new(ProblemKind::TooManyRequests, "Too many people are signing in at this moment. Try again shortly.")
            .retry_after(Span::seconds(1))
    }
}
impl<E: Into<Problem>> From<DecideError<E>> for Problem {
    fn from(error: DecideError<E>) -> Self {
        match error {
            DecideError::Busy => {
                Self::new(ProblemKind::TooManyRequests, "The same thing was changed by several requests at once. Try again.")
                    .retry_after(Span::seconds(1))
            }
            DecideError::LimitReached => {
                Self::new(ProblemKind::TooManyRequests, "Too many tries. Try again later.").retry_after(Span::hours(1))
            }
            DecideError::Store(error) => error.into(),
            DecideError::Decide(error) => error.into(),
        }
    }
}
impl From<super::params::ParamsError> for Problem {
    fn from(error: super::params::ParamsError) -> Self {
        Self::new(ProblemKind::InvalidRequest, format!("{error}."))
    }
}
/// For decisions that can fail only in the store.
impl From<std::convert::Infallible> for Problem {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

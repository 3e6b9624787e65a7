//! The funnel of sign-up and sign-in: the step of a request, its method and its outcome. It counts, and never identifies a user.
//!
//! 1. A route (or a handler that decides the step by its form) records the step before anything can fail.
//! 2. The response has its [`Outcome`] if its status is not enough.
//! 3. `mount` writes both into the single log line of the request. CloudWatch reads the line as a metric (`runtime::log`).

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::StatusCode;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tower::util::MapRequestLayer;

/// A step between a visitor and a signed-in user, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A completed form was sent.
    RegistrationStarted,
    /// The address was verified: the account exists.
    RegistrationVerified,
    /// Identifier and password were sent.
    SignIn,
    /// The code of a second step was sent.
    SecondStep,
    /// The user answered the offer of a passkey.
    PasskeyOffer,
    /// An application requested a code.
    Authorization,
    /// The user answered the consent request of an application.
    Consent,
    /// The user was asked to set up a factor, and answered.
    Enrollment,
    /// The user was asked for what is due after a sign-in, and answered.
    Completion,
    /// The application exchanged the code for tokens.
    CodeRedeemed,
    /// A new password was requested.
    RecoveryStarted,
    /// The new password was sent with its proof.
    RecoveryCompleted,
    /// The account was closed by its owner.
    AccountDeleted,
    /// A closed account was restored.
    AccountRestored,
}

impl Step {
    /// Its name as a metric dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegistrationStarted => "registration_started",
            Self::RegistrationVerified => "registration_verified",
            Self::SignIn => "sign_in",
            Self::SecondStep => "second_step",
            Self::PasskeyOffer => "passkey_offer",
            Self::Authorization => "authorization",
            Self::Consent => "consent",
            Self::Enrollment => "enrollment",
            Self::Completion => "completion",
            Self::CodeRedeemed => "code_redeemed",
            Self::RecoveryStarted => "recovery_started",
            Self::RecoveryCompleted => "recovery_completed",
            Self::AccountDeleted => "account_deleted",
            Self::AccountRestored => "account_restored",
        }
    }
}

/// How a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// On one of our pages.
    Page,
    /// By a JSON call.
    Api,
    /// By the mailed or issued code.
    Code,
    /// By the mailed link.
    Link,
    /// By password.
    Password,
    /// By passkey.
    Passkey,
    /// By the session of the browser, or its absence.
    Session,
    /// The user just signed in, or gave consent, for exactly this request.
    Interaction,
}

impl Method {
    /// Its name as a metric dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Code => "code",
            Self::Link => "link",
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::Session => "session",
            Self::Interaction => "interaction",
        }
    }
}

/// The outcome of a step: a response extension, if the status alone is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Succeeded,
    /// Wrong password, code or link, or no such account: metrics do not distinguish them either.
    WrongCredentials,
    /// Too many failures before: this identifier has to wait.
    Locked,
    /// The flow, the link or the session has expired.
    Expired,
    /// The user refused.
    Denied,
    /// The user has to sign in first, or again.
    SignInRequired,
    /// The user has to give consent first.
    ConsentRequired,
    /// The user has to do or postpone what is due first.
    CompletionRequired,
    /// The user has to set up a factor, or to go on without, first.
    EnrollmentRequired,
    /// The input cannot be accepted.
    Refused,
    /// A concurrent change was first.
    Conflict,
    /// Too many requests.
    Throttled,
    /// Our fault.
    Failed,
}

impl Outcome {
    /// Its name as a metric dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::WrongCredentials => "wrong_credentials",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::Denied => "denied",
            Self::SignInRequired => "sign_in_required",
            Self::ConsentRequired => "consent_required",
            Self::CompletionRequired => "completion_required",
            Self::EnrollmentRequired => "enrollment_required",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
        }
    }

    /// A response with this outcome.
    #[must_use]
    pub fn tag(self, answer: impl IntoResponse) -> Response {
        (self, answer).into_response()
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::SignInRequired,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Self::Conflict,
            StatusCode::GONE => Self::Expired,
            StatusCode::TOO_MANY_REQUESTS => Self::Throttled,
            status if status.is_server_error() => Self::Failed,
            status if status.is_client_error() => Self::Refused,
            _ => Self::Succeeded,
        }
    }
}

impl IntoResponseParts for Outcome {
    type Error = Infallible;
    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

/// The recorded facts of a running request. They outlive the route, so a panic or a timeout does not lose them.
#[derive(Debug, Clone, Default)]
pub struct Funnel(Arc<Mutex<RecordedStep>>);

#[derive(Debug, Clone, Default)]
struct RecordedStep {
    route: Option<MatchedPath>,
    step: Option<(Step, Method)>,
}

impl Funnel {
    /// Records that this request is a step. The last call counts.
    pub fn enter(&self, step: Step, method: Method) {
        self.lock_record().step = Some((step, method));
    }
    pub(super) fn matched(&self, route: MatchedPath) {
        self.lock_record().route = Some(route);
    }
    pub(super) fn route(&self) -> Option<MatchedPath> {
        self.lock_record().route.clone()
    }
    /// Step, method and outcome of a request with this response. `None` if it is not a step.
    pub(super) fn outcome(&self, answer: &Response) -> Option<(Step, Method, Outcome)> {
        let (step, method) = self.lock_record().step?;
        let told = answer.extensions().get::<Outcome>().copied();
        Some((step, method, told.unwrap_or_else(|| Outcome::of_status(answer.status()))))
    }
    fn lock_record(&self) -> std::sync::MutexGuard<'_, RecordedStep> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a handler that decides the step by its form.
impl<S: Send + Sync> FromRequestParts<S> for Funnel {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // `mount` gives every request one. Without `mount` nothing is counted.
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// A layer for the handler of this step, for every outcome.
pub fn funnel_layer(
    step: Step,
    method: Method,
) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    MapRequestLayer::new(move |request: Request| {
        if let Some(funnel) = request.extensions().get::<Funnel>() {
            funnel.enter(step, method);
        }
        request
    })
}

//! The funnel of sign-up and sign-in: which step a request is, how it is taken, what it came to. Counted, never about whom.
//!
//! 1. A route (or a handler whose form decides) notes the step before anything can go wrong.
//! 2. The answer carries its [`Outcome`] where its status says too little.
//! 3. `mount` writes both into the request's one log line, which CloudWatch reads as a metric (`runtime::log`).

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::StatusCode;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tower::util::MapRequestLayer;

/// A step on the way from a stranger to somebody signed in, and back out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A filled form was sent.
    RegistrationStarted,
    /// The address was proven: the account exists.
    RegistrationVerified,
    /// Identifier and password were sent.
    SignIn,
    /// An application asked for a code.
    Authorization,
    /// The person answered what an application asks for.
    Consent,
    /// The application turned the code into tokens.
    CodeRedeemed,
    /// A new password was asked for.
    RecoveryStarted,
    /// The new password was sent, with its proof.
    RecoveryCompleted,
    /// The account was closed by its owner.
    AccountDeleted,
    /// A closed account was opened again.
    AccountRestored,
}

impl Step {
    /// Its name as a dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegistrationStarted => "registration_started",
            Self::RegistrationVerified => "registration_verified",
            Self::SignIn => "sign_in",
            Self::Authorization => "authorization",
            Self::Consent => "consent",
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
    /// On a page of ours.
    Page,
    /// By a JSON call.
    Api,
    /// By the mailed or issued code.
    Code,
    /// By the mailed link.
    Link,
    /// By password.
    Password,
    /// By the session that the browser has, or lacks.
    Session,
    /// The person just signed in, or gave consent, for this very request.
    Interaction,
}

impl Method {
    /// Its name as a dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Code => "code",
            Self::Link => "link",
            Self::Password => "password",
            Self::Session => "session",
            Self::Interaction => "interaction",
        }
    }
}

/// What a step came to: a response extension, where the status alone would say too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Succeeded,
    /// Wrong password, code or link, or no such account: not told apart here either.
    WrongCredentials,
    /// Too many wrong ones before: this identifier has to wait.
    Locked,
    /// The flow, the link or the session is over.
    Expired,
    /// The person said no.
    Denied,
    /// Somebody has to sign in first, or again.
    SignInRequired,
    /// The person has to be asked first.
    ConsentRequired,
    /// What was sent can't be accepted.
    Refused,
    /// Something else was there first.
    Conflict,
    /// Too many at once.
    Throttled,
    /// Our fault.
    Failed,
}

impl Outcome {
    /// Its name as a dimension.
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
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
        }
    }

    /// The answer with this outcome.
    #[must_use]
    pub fn of(self, answer: impl IntoResponse) -> Response {
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

/// What is known of a request while it runs. It outlives the route, so that a panic or a deadline takes nothing of it away.
#[derive(Debug, Clone, Default)]
pub struct Funnel(Arc<Mutex<Noted>>);

#[derive(Debug, Clone, Default)]
struct Noted {
    route: Option<MatchedPath>,
    step: Option<(Step, Method)>,
}

impl Funnel {
    /// This request is a step; the last word counts.
    pub fn enter(&self, step: Step, method: Method) {
        self.noted().step = Some((step, method));
    }
    pub(super) fn matched(&self, route: MatchedPath) {
        self.noted().route = Some(route);
    }
    pub(super) fn route(&self) -> Option<MatchedPath> {
        self.noted().route.clone()
    }
    /// Step, method and outcome of a request that was answered so; `None` when it is no step.
    pub(super) fn outcome(&self, answer: &Response) -> Option<(Step, Method, Outcome)> {
        let (step, method) = self.noted().step?;
        let told = answer.extensions().get::<Outcome>().copied();
        Some((step, method, told.unwrap_or_else(|| Outcome::of_status(answer.status()))))
    }
    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a handler whose form decides which step it is.
impl<S: Send + Sync> FromRequestParts<S> for Funnel {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // `mount` gives every request one; outside of it nothing is counted.
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// A layer for the handler that is this step, whatever becomes of it.
pub fn entering(step: Step, method: Method) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    MapRequestLayer::new(move |request: Request| {
        if let Some(funnel) = request.extensions().get::<Funnel>() {
            funnel.enter(step, method);
        }
        request
    })
}

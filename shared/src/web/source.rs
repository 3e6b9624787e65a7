//! Limits per source at every endpoint that verifies a secret or sends a mail to a typed address (security 147, decision 35).
//!
//! 1. The rule of the route names the event that it can cause: a failure or a mail.
//! 2. The source is the client address (IPv6 by /64): with the account of a presented token, session or known device, at the OAuth endpoints
//!    with the client. Where an address is typed, only the device of the account with this address counts, and at a second step
//!    only that of its account. So no stranger locks out a session or a known device of another user, and a former device none of the owner's.
//! 3. A permit of this instance's bucket is taken, and if the source is active, the shared counter is read. Without a permit, or at the
//!    shared limit, the answer is 429 before anything is read, hashed or written.
//! 4. The route runs. Its response shows whether the event occurred.

use super::bearer::{grant_of, header_token, read_access_token};
use super::browser::Browser;
use super::client_authentication::claimed_client;
use super::extract::TenantHandle;
use super::funnel::{Funnel, Method as StepMethod, Outcome, Step};
use super::headers;
use super::oauth_error::OAuthError;
use super::params::Params;
use super::problem::{Problem, ProblemKind, log_failure};
use super::sign_in_attempt;
use crate::digest::sha256;
use crate::domain::change::{Change, Changes};
use crate::domain::id::AccountId;
use crate::domain::identifier::EmailAddress;
use crate::domain::oauth::client::TokenEndpointAuthMethod;
use crate::domain::oauth::error::OAuthErrorCode;
use crate::domain::source::{Admitted, NoPermit, SourceEvent, SourceLimits};
use crate::domain::time::{Span, Timestamp};
use crate::services::{Services, SourceLimiter};
use crate::store::CommitError;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{Method, StatusCode};
use std::time::Duration;

/// The limited endpoints. A test compares them with the routes.
pub const LIMITED_ROUTES: [&str; 23] = [
    "/login",
    "/login/code",
    "/login/lost-factor",
    "/login/passkey",
    "/login/second-step",
    "/recover",
    "/register",
    "/verify",
    "/v1/registrations",
    "/v1/registrations/{id}/resend",
    "/v1/registrations/{id}/verification",
    "/oauth2/token",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/v1/me/password",
    "/v1/me/email",
    "/v1/me/email/verification",
    "/v1/me/restoration",
    "/account/password",
    "/account/email",
    "/account/confirm-address",
    "/account/two-step/app",
    "/account/two-step/codes",
];

/// Pages of mailed links: they verify a mailed secret, too.
pub const LIMITED_LINKS: [&str; 4] = ["/account/email/undo", "/account/lost-factor", "/account/not-me", "/account/restore"];

/// What a request can cause, and the step of the funnel that a refusal counts as.
struct Rule {
    event: SourceEvent,
    step: Option<(Step, StepMethod)>,
}

impl Rule {
    /// The rule of a route. `None` for one without limits.
    fn of(route: &str, query: &Params, form: &Params) -> Option<Self> {
        use SourceEvent::{Failure, Mail};
        let has = |params: &Params, name: &str| params.all(name).next().is_some();
        let (event, step) = match route {
            "/login" => (Failure, Some((Step::SignIn, StepMethod::Password))),
            "/login/code" if !has(query, "lk_code") || form.all("decision").any(|decision| decision == "resend") => {
                (Mail, None)
            }
            "/login/code" => (Failure, Some((Step::SignIn, StepMethod::Code))),
            "/login/passkey" => (Failure, Some((Step::SignIn, StepMethod::Passkey))),
            "/login/second-step" => (Failure, Some((Step::SecondStep, StepMethod::Code))),
            "/recover" if has(query, "flow") => (Failure, Some((Step::RecoveryCompleted, StepMethod::Code))),
            "/recover" => (Mail, Some((Step::RecoveryStarted, StepMethod::Page))),
            "/register" => (Mail, Some((Step::RegistrationStarted, StepMethod::Page))),
            "/v1/registrations" => (Mail, Some((Step::RegistrationStarted, StepMethod::Api))),
            "/verify" if form.all("action").any(|action| action == "resend") => (Mail, None),
            "/v1/registrations/{id}/resend" => (Mail, None),
            "/verify" | "/v1/registrations/{id}/verification" => {
                (Failure, Some((Step::RegistrationVerified, StepMethod::Code)))
            }
            // The page takes a code first.
            "/account/email" if has(form, "email") && !has(form, "code") => (Mail, None),
            "/v1/me/email" => (Mail, None),
            "/login/lost-factor" if !has(form, "mail_code") && !has(form, "decision") => (Mail, None),
            "/account/two-step/app" if has(form, "send") => (Mail, None),
            "/account/confirm-address" if !has(form, "mail_code") => (Mail, None),
            route if LIMITED_ROUTES.contains(&route) || LIMITED_LINKS.contains(&route) => (Failure, None),
            _ => return None,
        };
        Some(Self { event, step })
    }
}

/// The middleware.
pub(super) async fn limit(
    State(services): State<Services>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let Some(route) = route.filter(|_| request.method() == Method::POST) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    // `mount` has already read it within its limit.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    match Attempt::admit(&services, route.as_str(), &mut parts, &body).await {
        Ok(None) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Some(attempt)) => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            let seen = Seen::of(route.as_str(), attempt.event, &response);
            attempt.conclude(&services, seen).await;
            response
        }
        Err(refusal) => refusal,
    }
}

/// How long a request waits for a permit that another one holds. Lambda runs one request at a time in an instance, so only the local
/// gateway waits.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A permit. A request that is dropped has used it.
struct Permit {
    sources: SourceLimiter,
    key: String,
}

impl Permit {
    /// Takes a permit. Waits while requests in flight hold all of them.
    async fn take(
        sources: &SourceLimiter,
        key: String,
        limits: SourceLimits,
        now: Timestamp,
    ) -> Result<(Self, Admitted), Span> {
        let end = tokio::time::Instant::now() + LONGEST_WAIT;
        loop {
            let concluded = sources.concluded().notified();
            let taken = sources.lock().take(&key, limits, now);
            match taken {
                Ok(admitted) => return Ok((Self { sources: sources.clone(), key }, admitted)),
                Err(NoPermit::Wait(wait)) => return Err(wait),
                Err(NoPermit::InFlight) if tokio::time::timeout_at(end, concluded).await.is_err() => return Err(limits.refill),
                Err(NoPermit::InFlight) => {}
            }
        }
    }
    fn give_back(&self) {
        self.sources.lock().give_back(&self.key);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.sources.lock().settle(&self.key);
        self.sources.concluded().notify_waiters();
    }
}

/// An admitted request.
struct Attempt {
    event: SourceEvent,
    limits: SourceLimits,
    handle: TenantHandle,
    source: [u8; 32],
    permit: Permit,
    admitted: Admitted,
}

impl Attempt {
    /// Takes a permit. `None` if the route has no limits.
    async fn admit(services: &Services, route: &str, parts: &mut Parts, body: &Bytes) -> Result<Option<Self>, Response> {
        let query = Params::of_query(&parts.uri).unwrap_or_default();
        let form = Params::parse(body).unwrap_or_default();
        let Some(rule) = Rule::of(route, &query, &form).filter(|_| services.sources.is_on()) else { return Ok(None) };
        // The route answers a tenant that cannot be loaded.
        let Ok(handle) = TenantHandle::from_request_parts(parts, services).await else { return Ok(None) };
        let Some(limits) = handle.tenant.config.sources.limits(rule.event) else { return Ok(None) };
        let Some(source) = Source::of(services, &handle, route, parts, (&query, &form)).await else { return Ok(None) };
        let source = source.hash(rule.event);
        let key = format!("{}\n{}", handle.tenant.config.tenant, BASE64URL_NOPAD.encode(&source));
        let refuse = |wait: Span| {
            if let (Some(funnel), Some((step, method))) = (parts.extensions.get::<Funnel>(), rule.step) {
                funnel.enter(step, method);
            }
            refusal(route, wait)
        };
        let now = handle.now();
        let (permit, admitted) = Permit::take(&services.sources, key, limits, now).await.map_err(refuse)?;
        if handle.request.address_hash.is_some() && (admitted == Admitted::Active || limits.always_shared) {
            match handle.tenant.store.find_source_count(&source, now).await {
                Ok(count) if count < limits.shared => {}
                Ok(_) => {
                    permit.give_back();
                    let wait = services.sources.lock().close(&permit.key, now);
                    return Err(refuse(wait));
                }
                Err(error) => {
                    permit.give_back();
                    return Err(failed(route, error));
                }
            }
        }
        Ok(Some(Self { event: rule.event, limits, handle, source, permit, admitted }))
    }

    /// Counts the event if it occurred.
    async fn conclude(self, services: &Services, seen: Seen) {
        match seen {
            Seen::Event => {}
            // Asking again and again costs reads, so the permit comes back with time only.
            Seen::Blocked => return,
            Seen::Nothing => {
                self.permit.give_back();
                return;
            }
        }
        services.sources.lock().record(&self.permit.key, self.handle.now());
        // The shared counter has a key by the keyed hash of the address alone.
        if self.handle.request.address_hash.is_none() {
            return;
        }
        // The first mail of a source in an instance costs no unit.
        if self.event == SourceEvent::Mail && self.admitted == Admitted::Quiet && !self.limits.always_shared {
            return;
        }
        let counted = Changes::one(Change::count_source(self.source, self.limits.shared, self.handle.now()));
        match self.handle.tenant.store.commit(&counted, &self.handle.request).await {
            Ok(()) | Err(CommitError::LimitReached) => {}
            // What was decided is stored and must be answered. The bucket of this instance still limits.
            Err(error @ (CommitError::Conflict(_) | CommitError::Store(_))) => log_failure(&error),
        }
    }
}

/// What a response shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The event occurred.
    Event,
    /// The account was blocked: nothing was evaluated.
    Blocked,
    /// Neither.
    Nothing,
}

impl Seen {
    fn of(route: &str, event: SourceEvent, response: &Response) -> Self {
        let outcome = response.extensions().get::<Outcome>();
        let problem = response.extensions().get::<Problem>().map(|problem| problem.kind);
        let occurred = match event {
            SourceEvent::Mail => response.status().is_success() || response.status().is_redirection(),
            SourceEvent::Failure => {
                outcome == Some(&Outcome::WrongCredentials)
                    || problem == Some(ProblemKind::InvalidCode)
                    || (problem.is_none() && outcome.is_none() && is_refusal(route, response.status()))
            }
        };
        match (occurred, outcome) {
            (true, _) => Self::Event,
            (false, Some(Outcome::Locked)) => Self::Blocked,
            (false, _) => Self::Nothing,
        }
    }
}

/// Client authentication failed, or a mailed link is wrong or over. Other endpoints answer 401 to a request without a token, which is no guess.
fn is_refusal(route: &str, status: StatusCode) -> bool {
    status == StatusCode::GONE || (is_oauth(route) && status == StatusCode::UNAUTHORIZED)
}

fn is_oauth(route: &str) -> bool {
    route.starts_with("/oauth2/")
}

fn refusal(route: &str, wait: Span) -> Response {
    if !is_oauth(route) {
        let detail =
            "Too many attempts came from your network or your account. Wait as long as Retry-After says, then try again.";
        return Problem::new(ProblemKind::TooManyRequests, detail).retry_after(wait).into_response();
    }
    let description = "Too many failed attempts. Wait as long as Retry-After says, then try again";
    let error = OAuthError { busy: true, ..OAuthError::new(OAuthErrorCode::TemporarilyUnavailable, description) };
    let mut response = error.into_response();
    response.headers_mut().insert(RETRY_AFTER, headers::seconds(wait));
    response
}

fn failed(route: &str, error: crate::store::StoreError) -> Response {
    if is_oauth(route) { OAuthError::from(error).into_response() } else { Problem::from(error).into_response() }
}

/// Who a request comes from.
enum Source {
    /// The holder of a session, a token or a known device of this account, at this address. They may be over or forgotten: the cookies and
    /// tokens are not looked up.
    Account(AccountId, String),
    /// This client, at this address.
    Client(String, String),
    /// This address.
    Address(String),
}

impl Source {
    /// The source of a request. `None` for a public client without a secret: it has nothing to guess, and its failures must not stop its
    /// other users in the same network.
    async fn of(
        services: &Services,
        handle: &TenantHandle,
        route: &str,
        parts: &mut Parts,
        (query, form): (&Params, &Params),
    ) -> Option<Self> {
        // Without the key that hashes addresses, the bucket of this instance is kept by the address itself, and nothing is stored.
        let address = handle
            .request
            .address_hash
            .clone()
            .or_else(|| handle.client_address.map(|address| address.to_canonical().to_string()))
            .unwrap_or_default();
        if is_oauth(route) {
            let clients = &handle.tenant.config.clients;
            let claimed =
                claimed_client(&parts.headers, form).and_then(|(id, secret)| Some((clients.get(&id.parse().ok()?)?, secret)));
            return match claimed {
                Some((client, _)) if client.token_endpoint_auth_method != TokenEndpointAuthMethod::None => {
                    Some(Self::Client(address, client.client_id.to_string()))
                }
                Some((_, false)) => None,
                // An invented name gets no bucket of its own, nor does a public client with a secret that it cannot have.
                Some((_, true)) | None => Some(Self::Client(address, String::new())),
            };
        }
        let typed = form.all("identifier").next().filter(|_| ["/login", "/recover"].contains(&route));
        let account = if route == "/register" {
            // Who registers has no account. One that an attacker made must not be a further source.
            None
        } else if let Some(typed) = typed {
            // Only the device of the account with this address: each account that an attacker made would be a further source.
            let browser = Browser::from_request_parts(parts, services).await.ok();
            browser.and_then(|browser| known_account(handle, &browser, typed))
        } else if route.starts_with("/v1/") {
            token_account(handle, parts)
        } else if let Some(attempt) = query.all(sign_in_attempt::PARAMETER).next() {
            // Only a device of the account that the code is for, as where an address is typed.
            let account = handle.tenant.keys.locator().ok().and_then(|keys| sign_in_attempt::account_of(keys, attempt));
            let browser = Browser::from_request_parts(parts, services).await.ok();
            account.filter(|account| browser.is_some_and(|browser| browser.device_of(*account).is_some()))
        } else {
            Browser::from_request_parts(parts, services).await.ok().and_then(|browser| {
                let session = browser.session.as_ref().map(|(session, _)| session.account);
                session.or(browser.newest_account())
            })
        };
        Some(match account {
            Some(account) => Self::Account(account, address),
            None => Self::Address(address),
        })
    }

    fn hash(&self, event: SourceEvent) -> [u8; 32] {
        let event = match event {
            SourceEvent::Failure => "failure",
            SourceEvent::Mail => "mail",
        };
        let named = match self {
            Self::Account(account, address) => format!("account\n{account}\n{address}"),
            Self::Client(address, client) => format!("client\n{address}\n{client}"),
            Self::Address(address) => format!("address\n{address}"),
        };
        sha256(format!("source\n{event}\n{named}").as_bytes())
    }
}

/// The account that signed in with this browser and the typed address.
fn known_account(handle: &TenantHandle, browser: &Browser, typed: &str) -> Option<AccountId> {
    let keyring = handle.tenant.keys.identifier().ok()?;
    browser.account_with(keyring, &keyring.hash_email(&EmailAddress::parse(typed).ok()?))
}

/// The account of a valid access token.
fn token_account(handle: &TenantHandle, parts: &Parts) -> Option<AccountId> {
    let token = header_token(&parts.headers).ok()??;
    let claims = read_access_token(&handle.tenant, token, handle.now()).ok()??;
    Some(grant_of(&handle.tenant, &claims, false).ok()??.account)
}

//! Mounts the routes of a function: both forms of the tenant, and every layer.
//!
//! 1. The host's facts must be present (security 143). The request line, headers, encoding and body must be within their limits
//!    (security 122).
//! 2. `/t/{tenant}` is removed from the path, so that each route is written, matched and logged once. RFC 8414 §3 puts it last.
//! 3. A preflight is answered (security 119). Otherwise the route runs within the remaining time (security 141). A panic becomes a 500
//!    without details.
//! 4. A [`Problem`] gets its issuer and request id, or becomes a page for a browser.
//! 5. The response gets the security headers (security 117) and `no-store` (security 118). One log line is written, without the query
//!    and without personal data. It counts a step of the funnel.

use super::extract::{Host, no_host};
use super::funnel::Funnel;
use super::problem::{Problem, ProblemKind};
use super::tenant_name::TenantName;
use super::{Page, cors, headers, params, source};
use crate::context::Deadline;
use crate::domain::id::TenantId;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::Timestamp;
use crate::locale;
use crate::services::Services;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// The maximum size of request line and headers together, in bytes.
const MAX_HEAD: usize = 9 * 1024;
/// The maximum size of a body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The time reserved for the response after its route has ended.
const RESPONSE_RESERVE: Duration = Duration::from_millis(200);

/// The routes at `/` and at `/t/{tenant}`, behind these layers: request log, panic → 500, size limits (security 122), security headers
/// on every response (security 117), and `no-store` unless the handler sets another value (security 118).
pub fn mount(services: Services, routes: Router<Services>) -> Router {
    let routes = routes
        .fallback(async || Problem::new(ProblemKind::NotFound, "There is nothing at this address. Check the path."))
        .method_not_allowed_fallback(async || {
            Problem::new(ProblemKind::MethodNotAllowed, "This address does not take this method. `Allow` names those it takes.")
        })
        .layer(from_fn_with_state(services.clone(), source::limit))
        .layer(from_fn(note_route))
        .with_state(services.clone());
    Router::new()
        .fallback_service(routes)
        // A panic ends only this request. The panic hook has logged the location. The panic message may contain a value.
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        // A layer of the outer router runs before the inner router matches, so it can rewrite the path.
        .layer(from_fn_with_state(services, edge))
}

async fn note_route(
    route: Option<MatchedPath>,
    Extension(funnel): Extension<Funnel>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(route) = route {
        funnel.matched(route);
    }
    next.run(request).await
}

/// The facts of a request that are kept while its route runs.
struct Facts {
    method: Method,
    path: String,
    tenant: Option<TenantId>,
    request_id: Option<String>,
    origin: Option<String>,
    wants_page: bool,
    accept_language: Option<String>,
    /// The language that the user chose on the page before.
    ui_locales: Option<String>,
    began: Instant,
    deadline: Deadline,
    funnel: Funnel,
}

impl Facts {
    fn of(request: &Request, tenant: &TenantName, path: &str) -> Self {
        let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        Self {
            method: request.method().clone(),
            path: path.to_owned(),
            tenant: tenant.0.parse().ok(),
            request_id: request.extensions().get::<Host>().map(|host| host.request_id.to_string()),
            origin: cors::origin(request.headers()).map(str::to_owned),
            wants_page: text(ACCEPT).is_some_and(|accepted| accepted.contains("text/html")),
            accept_language: text(ACCEPT_LANGUAGE).map(str::to_owned),
            ui_locales: chosen_language(request.uri()),
            began: Instant::now(),
            deadline: request.extensions().get::<Host>().map(|host| host.deadline).unwrap_or_default(),
            funnel: Funnel::default(),
        }
    }
    fn tenant_text(&self) -> &str {
        self.tenant.as_ref().map_or("-", TenantId::as_str)
    }
}

/// The language in the address, if its query can be read.
fn chosen_language(uri: &Uri) -> Option<String> {
    params::Params::of_query(uri).ok()?.one("ui_locales").ok()?.map(str::to_owned)
}

async fn edge(State(services): State<Services>, request: Request, next: Next) -> Response {
    let (tenant, path) = split_tenant(request.uri().path());
    let facts = Facts::of(&request, &tenant, &path);
    let span = tracing::info_span!("request", request_id = facts.request_id.as_deref(), tenant = facts.tenant_text());
    answer(services, facts, tenant, request, next).instrument(span).await
}

async fn answer(services: Services, facts: Facts, tenant: TenantName, request: Request, next: Next) -> Response {
    let readers = cors::readers(&facts.path);
    let is_preflight = readers != cors::Readers::SameOrigin && cors::is_preflight(request.method(), request.headers());
    let headers = if is_preflight { request.headers().clone() } else { HeaderMap::new() };
    let mut response = match admit(request, tenant, &facts).await {
        Err(problem) => problem.into_response(),
        Ok(_) if is_preflight => match config_of(&services, &facts).await {
            Some(config) => cors::preflight(&config, readers, &headers),
            None => Problem::new(ProblemKind::NotFound, "There is no such tenant.").into_response(),
        },
        Ok(request) => in_time(facts.deadline, next.run(request)).await,
    };
    complete(&services, &facts, &mut response).await;
    if readers == cors::Readers::Everyone {
        cors::open_for_everyone(&mut response);
    } else if readers != cors::Readers::SameOrigin {
        cors::vary(&mut response);
        if let Some(origin) = facts.origin.as_deref().filter(|_| !is_preflight)
            && let Some(config) = config_of(&services, &facts).await
        {
            cors::open(&mut response, readers, &config, origin);
        }
    }
    headers::secure(&mut response, &facts.path);
    log(&facts, &response, services.clock.now());
    response
}

/// Writes one line for each request. Verb, request id and tenant have a checked alphabet. The route is our own text, not the path.
fn log(facts: &Facts, response: &Response, now: Timestamp) {
    let route = facts.funnel.route();
    let counted = facts.funnel.outcome(response);
    tracing::info!(
        target: "latchkey::request",
        verb = facts.method.as_str(),
        route = route.as_ref().map_or("-", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = u64::try_from(facts.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        // A field without a value is omitted.
        step = counted.map(|(step, ..)| step.as_str()),
        method = counted.map(|(_, method, _)| method.as_str()),
        outcome = counted.map(|(.., outcome)| outcome.as_str()),
        Steps = counted.map(|_| 1_u64),
        at = counted.map(|_| now.millis()),
        "answered"
    );
}

/// The tenant in a path, and the path without it.
fn split_tenant(path: &str) -> (TenantName, String) {
    // RFC 8414 §3.1: the well-known segment comes before the issuer's path.
    const METADATA: &str = "/.well-known/oauth-authorization-server";
    let (before, after) = match path.strip_prefix(METADATA) {
        Some(after) => (METADATA, after),
        None => ("", path),
    };
    let Some(rest) = after.strip_prefix("/t/") else { return (TenantName::default(), path.to_owned()) };
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if !before.is_empty() && !rest.is_empty() {
        return (TenantName::default(), path.to_owned());
    }
    // The default tenant has one issuer. A second address for it would allow mix-ups.
    let name = if name == TenantId::default_tenant().as_str() { "" } else { name };
    let path = format!("{before}{rest}");
    (TenantName(name.to_owned()), if path.is_empty() { "/".to_owned() } else { path })
}

/// Admits a request: checks its limits, reads its body and rewrites its path.
async fn admit(request: Request, tenant: TenantName, facts: &Facts) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    if parts.extensions.get::<Host>().is_none() {
        return Err(no_host());
    }
    if headers::request_size(&parts.method, &parts.uri, &parts.headers) > MAX_HEAD {
        let detail = "The request line and the headers may have at most 9 KiB together.";
        return Err(Problem::new(ProblemKind::HeadersTooLarge, detail));
    }
    let readable = |text: &str| params::decode(text.as_bytes(), false).is_ok();
    if !readable(parts.uri.path()) || !readable(parts.uri.query().unwrap_or_default()) {
        let detail = "The address is not valid: every % needs two hexadecimal digits, and the whole must be UTF-8 without NUL.";
        return Err(Problem::new(ProblemKind::InvalidRequest, detail));
    }
    // A compressed body could exceed the limit after decompression.
    if parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, "A compressed body is not accepted."));
    }
    let body = axum::body::to_bytes(body, MAX_BODY).await.map_err(|error| unread(&error))?;
    parts.uri = with_path(&parts.uri, &facts.path)?;
    parts.extensions.insert(tenant);
    parts.extensions.insert(facts.funnel.clone());
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn unread(error: &axum::Error) -> Problem {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return Problem::new(ProblemKind::TooLarge, "The body may have at most 64 KiB.");
        }
        source = cause.source();
    }
    Problem::new(ProblemKind::InvalidRequest, "The body could not be read.")
}

fn with_path(uri: &Uri, path: &str) -> Result<Uri, Problem> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    target.parse().map_err(|_| Problem::new(ProblemKind::InvalidRequest, "The address is not valid."))
}

/// Stops a route shortly before the host would. The caller gets our response, and nothing keeps running after it (security 141).
async fn in_time(deadline: Deadline, route: impl Future<Output = Response>) -> Response {
    let Some(left) = deadline.left() else { return route.await };
    tokio::time::timeout(left.saturating_sub(RESPONSE_RESERVE), route).await.unwrap_or_else(|_| {
        tracing::error!("the route did not end in time");
        Problem::unavailable().into_response()
    })
}

async fn config_of(services: &Services, facts: &Facts) -> Option<Arc<TenantConfig>> {
    let tenant = facts.tenant.as_ref()?;
    services.tenants.find(tenant, &services.store, services.clock.now()).await.ok().flatten()
}

/// Adds the missing parts to a problem, or converts it to a page for a browser.
async fn complete(services: &Services, facts: &Facts, response: &mut Response) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    // The length of the body that is replaced here.
    response.headers_mut().remove(CONTENT_LENGTH);
    if facts.wants_page {
        let page = problem_page(services, facts, &problem).await.into_response();
        let (page, body) = page.into_parts();
        replace(response.headers_mut(), page.headers, &[CONTENT_TYPE, CONTENT_SECURITY_POLICY]);
        *response.body_mut() = body;
    } else {
        let issuer = match &facts.tenant {
            Some(tenant) => services.origin.issuer(tenant),
            None => services.origin.as_str().to_owned(),
        };
        *response.body_mut() = problem.json(&issuer, facts.request_id.as_deref()).into();
    }
    if facts.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
}

fn replace(headers: &mut HeaderMap, mut with: HeaderMap, names: &[http::HeaderName]) {
    for name in names {
        if let Some(value) = with.remove(name) {
            headers.insert(name, value);
        }
    }
}

async fn problem_page(services: &Services, facts: &Facts, problem: &Problem) -> Page {
    // The page has its own texts for each kind. Only for this kind does the detail help a user.
    let detail = (problem.kind == ProblemKind::InvalidRequest).then_some(problem.detail.as_str());
    let wait = problem.retry_after.filter(|_| problem.kind == ProblemKind::TooManyRequests);
    let values = |locale: &str| {
        minijinja::context! {
            code => problem.kind.code(),
            detail,
            wait => wait.map(|wait| locale::wait(locale, wait)),
            request_id => facts.request_id.as_deref(),
        }
    };
    match config_of(services, facts).await {
        Some(config) => {
            let locale = locale::negotiate(&config.locales, facts.ui_locales.as_deref(), facts.accept_language.as_deref());
            Page::of_config(&config, locale, "problem", values(locale))
        }
        None => {
            let offered: Vec<String> = locale::available().map(str::to_owned).collect();
            let locale = locale::negotiate(&offered, facts.ui_locales.as_deref(), facts.accept_language.as_deref());
            Page::unbranded(locale, "problem", values(locale))
        }
    }
}

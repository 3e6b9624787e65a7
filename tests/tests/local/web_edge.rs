//! The edge of every function: the checks that `web::mount` adds to its routes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this file is test code: a broken expectation ends the test")]

use axum::body::Body;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use latchkey::context::Deadline;
use latchkey::services::Services;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::cors::CallingClient;
use latchkey::web::{Browser, FormBody, Host, JsonBody, Page, Problem, QueryParams, TenantHandle, mount};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::net::IpAddr;
use tower::ServiceExt as _;

const ACME: &str = r##"
name = "Acme"
locales = ["de"]
[brand]
accent = "#0f766e"
[mail]
from = "no-reply@example.com"
"##;

struct Edge {
    router: Router,
}

type Answer = Response<String>;

/// Stub routes that return what reached them.
fn stubs() -> Router<Services> {
    Router::new()
        .route("/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/v1/echo/{id}", get(facts).post(async |JsonBody(body): JsonBody<Value>| Json(body)))
        .route("/v1/query", get(async |QueryParams(params): QueryParams| format!("{params:?}")))
        .route("/v1/called", get(async || (Extension(CallingClient("demo-app".parse().unwrap())), "called")))
        .route("/.well-known/oauth-authorization-server", get(facts_without_id))
        .route("/.well-known/jwks.json", get(async || ([("cache-control", "public, max-age=900")], "{}")))
        .route("/cached-cookie", get(async || ([("cache-control", "public"), ("set-cookie", "a=b")], "")))
        .route("/boom", get(panic_route))
        .route("/form", get(show_form).post(take_form))
        .route("/only-post", post(async || "posted"))
}

async fn facts(handle: TenantHandle, Path(id): Path<String>) -> Json<Value> {
    Json(json!({
        "id": id, "issuer": handle.tenant.issuer, "request_id": handle.request.request_id,
        "address": handle.client_address, "address_hash": handle.request.address_hash, "attempt": handle.request.attempt,
    }))
}
async fn facts_without_id(handle: TenantHandle) -> String {
    handle.tenant.issuer
}
async fn panic_route() -> StatusCode {
    panic!("hunter2 and a stack of secrets")
}
async fn show_form(handle: TenantHandle, browser: Browser) -> Response<Body> {
    let value = browser.anti_forgery(&handle.tenant, "form", "ctx");
    browser.answer(([("x-anti-forgery", value)], browser.locale(&handle.tenant, None)).into_response())
}
async fn take_form(handle: TenantHandle, browser: Browser, FormBody(form): FormBody) -> Result<Page, Problem> {
    if browser.check_kept_form(&handle.tenant, "form", "ctx", form.one(ANTI_FORGERY_FIELD)?)? == FormOrigin::Stale {
        return Ok(
            Page::new(&handle.tenant, "en", "error", json!({"heading": "Stale", "text": "x"})).status(StatusCode::FORBIDDEN)
        );
    }
    Ok(Page::new(&handle.tenant, &browser.locale(&handle.tenant, None), "error", json!({"heading": "Done", "text": "x"})))
}

impl Edge {
    async fn at(origin: &str) -> Self {
        let world = World::builder().origin(origin).tenant("acme", ACME).build().await.unwrap();
        Self { router: mount(world.services.clone(), stubs()) }
    }
    async fn new() -> Self {
        Self::at("https://id.example.com").await
    }
    async fn send(&self, mut request: Request<Body>) -> Answer {
        let client_address = Some("192.0.2.1".parse().unwrap());
        request.extensions_mut().insert(Host {
            request_id: "req-1".parse().unwrap(),
            client_address,
            deadline: Deadline::default(),
        });
        self.send_without_host(request).await
    }
    async fn send_without_host(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Response::from_parts(parts, String::from_utf8(bytes.into()).unwrap())
    }
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request("GET", path, headers, Body::empty())).await
    }
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send(request("POST", path, headers, body.into())).await
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}
fn json(answer: &Answer) -> Value {
    serde_json::from_str(answer.body()).unwrap_or_else(|_| panic!("{} {}", answer.status(), answer.body()))
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_is_not_stored() {
    // security 117, 118
    let edge = Edge::new().await;
    let long = format!("/{}", "x".repeat(10_000));
    let answers = [
        (200, edge.get("/healthz", &[]).await),
        (404, edge.get("/nothing", &[]).await),
        (404, edge.get("/nothing", &[("accept", "text/html")]).await),
        (405, edge.get("/only-post", &[]).await),
        (431, edge.get(&long, &[]).await),
        (413, edge.post("/v1/echo/1", &[("content-type", "application/json")], vec![b' '; 70_000]).await),
        (415, edge.post("/v1/echo/1", &[("content-type", "text/plain")], "{}").await),
        (500, edge.get("/boom", &[]).await),
        (400, edge.get("/v1/query?a=%00", &[]).await),
        (403, edge.send_without_host(request("GET", "/healthz", &[], Body::empty())).await),
        (
            204,
            edge.send(request(
                "OPTIONS",
                "/v1/x",
                &[("origin", "https://x.test"), ("access-control-request-method", "GET")],
                Body::empty(),
            ))
            .await,
        ),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(header(&answer, "strict-transport-security"), "max-age=31536000; includeSubDomains", "{status}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{status}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{status}");
        assert_eq!(header(&answer, "cache-control"), "no-store", "{status}");
        let policy = header(&answer, "content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action "] {
            assert!(policy.contains(part), "{status} {policy}");
        }
    }
    assert_eq!(header(&edge.get("/.well-known/jwks.json", &[]).await, "cache-control"), "public, max-age=900");
    // security 118: a cookie is never stored in a shared cache, whatever the handler sets.
    assert_eq!(header(&edge.get("/cached-cookie", &[]).await, "cache-control"), "no-store");
}

#[tokio::test]
async fn a_problem_has_its_issuer_and_request_id() {
    let edge = Edge::new().await;
    let answer = edge.get("/nothing", &[]).await;
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    let body = json(&answer);
    assert_eq!(body["type"], "https://id.example.com/problems/not_found");
    assert_eq!((&body["status"], &body["code"], &body["request_id"]), (&json!(404), &json!("not_found"), &json!("req-1")));
    let body = json(&edge.get("/t/acme/nothing", &[]).await);
    assert_eq!(body["type"], "https://id.example.com/t/acme/problems/not_found");

    let answer = edge.get("/only-post", &[]).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "allow")), (405, "POST"));
    assert_eq!(json(&answer)["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_browser_sees_a_problem_as_a_page_of_the_tenant() {
    let edge = Edge::new().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("accept-language", "en")];
    let answer = edge.get("/t/acme/nothing", &browser).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (404, "text/html; charset=utf-8"));
    for part in ["Seite nicht gefunden", "Acme", "req-1", "lang=\"de\""] {
        assert!(answer.body().contains(part), "{part}: {}", answer.body());
    }
    let unknown = edge.get("/t/unknown/v1/echo/1", &browser).await;
    assert_eq!(unknown.status().as_u16(), 404);
    assert!(unknown.body().contains("Page not found"));
}

#[tokio::test]
async fn a_panic_is_a_500_without_details() {
    let edge = Edge::new().await;
    for accept in ["application/json", "text/html"] {
        let answer = edge.get("/boom", &[("accept", accept)]).await;
        assert_eq!(answer.status().as_u16(), 500);
        assert!(!answer.body().contains("hunter2"));
    }
    assert_eq!(edge.get("/healthz", &[]).await.status().as_u16(), 200);
}

#[tokio::test]
async fn both_forms_of_a_tenant_url_reach_the_same_route() {
    let edge = Edge::new().await;
    let issuer = |answer: &Answer| json(answer)["issuer"].as_str().unwrap().to_owned();
    assert_eq!(issuer(&edge.get("/v1/echo/7", &[]).await), "https://id.example.com");
    let answer = edge.get("/t/acme/v1/echo/7", &[]).await;
    assert_eq!(issuer(&answer), "https://id.example.com/t/acme");
    assert_eq!(json(&answer)["id"], "7");
    // RFC 8414 §3.1
    let path = "/.well-known/oauth-authorization-server";
    assert_eq!(edge.get(path, &[]).await.body(), "https://id.example.com");
    assert_eq!(edge.get(&format!("{path}/t/acme"), &[]).await.body(), "https://id.example.com/t/acme");
    assert_eq!(edge.get(&format!("/t/acme{path}"), &[]).await.body(), "https://id.example.com/t/acme");
    // The default tenant has one URL. Unknown tenants have none.
    for path in
        ["/t/default/v1/echo/7", "/t/unknown/v1/echo/7", "/t//v1/echo/7", "/t/Acme/v1/echo/7", "/t/acme/t/acme/v1/echo/7"]
    {
        assert_eq!(edge.get(path, &[]).await.status().as_u16(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_address_comes_from_the_host_only() {
    // security 115
    let edge = Edge::new().await;
    let plain = json(&edge.get("/v1/echo/1", &[]).await);
    assert_eq!(plain["address"], "192.0.2.1");
    let forged = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"), ("x-real-ip", "\u{7f}junk,,")];
    let forged: Vec<_> = forged.into_iter().filter(|(_, value)| value.bytes().all(|b| b >= 0x20 && b != 0x7f)).collect();
    assert_eq!(json(&edge.get("/v1/echo/1", &forged).await), plain);

    let hash_of = async |address: &str| {
        let mut request = request("GET", "/v1/echo/1", &[], Body::empty());
        let client_address: IpAddr = address.parse().unwrap();
        request.extensions_mut().insert(Host {
            request_id: "r".parse().unwrap(),
            client_address: Some(client_address),
            deadline: Deadline::default(),
        });
        json(&edge.send_without_host(request).await)["address_hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash_of("2001:db8::1").await, hash_of("2001:db8::ffff:1").await, "IPv6 counts by /64");
    assert_ne!(hash_of("2001:db8::1").await, hash_of("2001:db8:0:1::1").await);
    assert_ne!(hash_of("192.0.2.1").await, hash_of("192.0.2.2").await);
}

#[tokio::test]
async fn too_large_or_malformed_requests_are_refused() {
    // security 122
    let edge = Edge::new().await;
    let json_type = ("content-type", "application/json");
    let status = async |answer: Answer| answer.status().as_u16();
    let value = "x".repeat(9 * 1024 - 200);
    assert_eq!(status(edge.get("/healthz", &[("x-long", &value)]).await).await, 200);
    assert_eq!(status(edge.get("/healthz", &[("x-long", &format!("{value}{value}"))]).await).await, 431);
    assert_eq!(status(edge.get(&format!("/healthz?{value}"), &[("x-long", &"x".repeat(200))]).await).await, 431);

    let body = |size: usize| format!("[{}]", " ".repeat(size - 2));
    assert_eq!(status(edge.post("/v1/echo/1", &[json_type], body(64 * 1024)).await).await, 200);
    assert_eq!(status(edge.post("/v1/echo/1", &[json_type], body(64 * 1024 + 1)).await).await, 413);
    assert_eq!(status(edge.post("/v1/echo/1", &[json_type, ("content-encoding", "gzip")], "[]").await).await, 415);

    for target in ["/v1/query?a=%ff", "/v1/query?a=%", "/v1/query?%00", "/v1/echo/%00", "/v1/echo/%c3", "/v1/echo/%zz"] {
        assert_eq!(status(edge.get(target, &[]).await).await, 400, "{target}");
    }
    assert_eq!(status(edge.get(&format!("/v1/query?{}", "a=1&".repeat(65)), &[]).await).await, 400);
    assert_eq!(status(edge.post("/v1/echo/1", &[json_type], r#"{"a":1,"a":2}"#).await).await, 400);
    assert_eq!(status(edge.post("/v1/echo/1", &[("content-type", "text/plain")], "{}").await).await, 415, "security 120");
}

#[tokio::test]
async fn only_origins_of_registered_clients_read_answers_without_credentials() {
    // security 119
    let edge = Edge::new().await;
    let (ours, foreign) = ("https://id.example.com", "https://evil.test");
    let allowed = async |answer: Answer| {
        assert_eq!(header(&answer, "access-control-allow-credentials"), "");
        header(&answer, "access-control-allow-origin").to_owned()
    };
    let preflight = |path: &str, origin: &str| {
        request("OPTIONS", path, &[("origin", origin), ("access-control-request-method", "POST")], Body::empty())
    };
    for path in ["/oauth2/token", "/userinfo", "/oauth2/revoke", "/v1/registrations"] {
        assert_eq!(allowed(edge.send(preflight(path, ours)).await).await, ours, "{path}");
        assert_eq!(allowed(edge.send(preflight(path, foreign)).await).await, "", "{path}");
        assert_eq!(allowed(edge.send(preflight(path, "null")).await).await, "", "{path}");
    }
    for path in ["/oauth2/authorize", "/oauth2/introspect", "/form", "/login", "/register", "/healthz"] {
        let answer = edge.send(preflight(path, ours)).await;
        assert_ne!(answer.status().as_u16(), 204, "{path}");
        assert_eq!(allowed(answer).await, "", "{path}");
    }
    assert_eq!(allowed(edge.get("/v1/called", &[("origin", ours)]).await).await, ours);
    assert_eq!(allowed(edge.get("/v1/called", &[("origin", foreign)]).await).await, "");
    assert_eq!(allowed(edge.get("/v1/echo/1", &[("origin", ours)]).await).await, "", "no calling client");
    // Discovery and keys are the same for everyone, with and without an origin.
    for path in ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server"] {
        assert_eq!(allowed(edge.send(preflight(path, foreign)).await).await, "*", "{path}");
        for headers in [&[("origin", foreign)][..], &[("origin", "null")], &[]] {
            assert_eq!(allowed(edge.get(path, headers).await).await, "*", "{path}");
        }
    }
    // Tracing adds headers of its own.
    let with_headers = |asked: &str| {
        let headers = [("origin", ours), ("access-control-request-method", "POST"), ("access-control-request-headers", asked)];
        request("OPTIONS", "/oauth2/token", &headers, Body::empty())
    };
    for (asked, expected) in [
        ("traceparent,sentry-trace,baggage", "traceparent,sentry-trace,baggage"),
        ("authorization, content-type", "authorization, content-type"),
        ("a\"b", "authorization, content-type, if-match, idempotency-key"),
        (&"x".repeat(1025), "authorization, content-type, if-match, idempotency-key"),
    ] {
        let answer = edge.send(with_headers(asked)).await;
        assert_eq!(header(&answer, "access-control-allow-headers"), expected);
        assert!(answer.headers().get_all("vary").iter().any(|vary| vary == "Access-Control-Request-Headers"));
    }
    assert_eq!(allowed(edge.get("/form", &[("origin", ours)]).await).await, "");
    assert_eq!(header(&edge.get("/v1/called", &[]).await, "vary"), "Origin", "caches must separate origins");
}

/// The cookie pair and the anti-forgery value of a new browser.
async fn new_browser(edge: &Edge, prefix: &str) -> (String, String) {
    let answer = edge.get(&format!("{prefix}/form"), &[]).await;
    let cookie = header(&answer, "set-cookie").split(';').next().unwrap().to_owned();
    (cookie, header(&answer, "x-anti-forgery").to_owned())
}

#[tokio::test]
async fn a_form_is_accepted_only_from_its_own_page_and_browser() {
    // security 17, 120
    let edge = Edge::new().await;
    let (cookie, value) = new_browser(&edge, "").await;
    let (others_cookie, others_value) = new_browser(&edge, "").await;
    let (acme_cookie, acme_value) = new_browser(&edge, "/t/acme").await;
    let form = |value: &str| format!("{ANTI_FORGERY_FIELD}={value}");
    let typed = ("content-type", FORM);
    let same = ("sec-fetch-site", "same-origin");
    let submit = async |headers: &[(&str, &str)], body: String| edge.post("/form", headers, body).await.status().as_u16();

    assert_eq!(submit(&[typed, same, ("origin", "https://id.example.com"), ("cookie", &cookie)], form(&value)).await, 200);
    assert_eq!(submit(&[typed, same, ("origin", "null"), ("cookie", &cookie)], form(&value)).await, 200);
    let refused: [(&[(&str, &str)], String); 8] = [
        (&[typed, ("cookie", &cookie)], String::new()),
        (&[typed, ("cookie", &cookie)], form("")),
        (&[typed, ("cookie", &cookie)], form(&value[1..])),
        (&[typed, ("cookie", &cookie)], form(&others_value)),
        (&[typed, ("cookie", &others_cookie)], form(&value)),
        (&[typed], form(&value)),
        (&[typed, ("cookie", &cookie), ("origin", "https://evil.test")], form(&value)),
        (&[typed, ("cookie", &cookie), ("sec-fetch-site", "cross-site")], form(&value)),
    ];
    for (headers, body) in refused {
        assert_eq!(submit(headers, body.clone()).await, 403, "{headers:?} {body}");
    }
    // A value and a cookie of another tenant are refused here.
    assert_eq!(submit(&[typed, ("cookie", &format!("{acme_cookie}; {cookie}"))], form(&acme_value)).await, 403);
    let twice = format!("{ANTI_FORGERY_FIELD}={value}&{ANTI_FORGERY_FIELD}={value}");
    assert_eq!(submit(&[typed, ("cookie", &cookie)], twice).await, 400);
}

#[tokio::test]
async fn the_binding_cookie_is_host_bound_and_set_once() {
    // security 55
    let edge = Edge::new().await;
    let answer = edge.get("/form", &[]).await;
    let cookie = header(&answer, "set-cookie");
    assert!(
        cookie.starts_with("__Host-lk-browser=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(header(&edge.get("/form", &[("cookie", pair)]).await, "set-cookie"), "");
    let acme = edge.get("/t/acme/form", &[]).await;
    assert!(header(&acme, "set-cookie").starts_with("__Host-lk-browser-acme="));

    let local = Edge::at("http://localhost:8080").await;
    let answer = local.get("/form", &[("x-forwarded-proto", "https")]).await;
    assert!(header(&answer, "set-cookie").starts_with("lk-browser="), "never because of a header");
    assert!(!header(&answer, "set-cookie").contains("Secure"));
}

#[tokio::test]
async fn a_broken_cookie_is_ignored() {
    // security 61
    let edge = Edge::new().await;
    let (pair, _) = new_browser(&edge, "").await;
    let long = format!("__Host-lk-session={}", "x".repeat(8_192));
    for cookie in [
        "",
        ";",
        "=",
        "__Host-lk-session=%00",
        "__Host-lk-session=AAAA; __Host-lk-device=!!",
        &long,
        &format!("{pair}; {pair}"),
    ] {
        let answer = edge.get("/form", &[("cookie", cookie)]).await;
        assert_eq!(answer.status().as_u16(), 200, "{cookie}");
        assert!(header(&answer, "set-cookie").starts_with("__Host-lk-browser="), "{cookie}");
    }
    let mut request = request("GET", "/form", &[], Body::empty());
    request.headers_mut().insert("cookie", http::HeaderValue::from_bytes(b"__Host-lk-browser=\xff\xfe").unwrap());
    assert_eq!(edge.send(request).await.status().as_u16(), 200);
}

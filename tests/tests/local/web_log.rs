//! The log line of a request.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this file is test code: a broken expectation ends the test")]

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::Request;
use latchkey::context::Deadline;
use latchkey::web::{Host, JsonBody, TenantHandle, mount};
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::LogLines;
use tower::ServiceExt as _;

async fn send(router: &Router, method: &str, path: &str, body: &'static str) {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.header("cookie", "a=hunter2").header("user-agent", "hunter2").header("x-forwarded-for", "hunter2");
    let mut request = request.body(Body::from(body)).unwrap();
    let host = Host {
        request_id: "req-1".parse().unwrap(),
        client_address: Some("192.0.2.77".parse().unwrap()),
        deadline: Deadline::default(),
    };
    request.extensions_mut().insert(host);
    let _answer = router.clone().oneshot(request).await.unwrap();
}

#[tokio::test]
async fn each_request_is_one_line_without_query_path_values_or_control_characters() {
    // security 126
    let world = World::builder().tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let echo = get(async |_: TenantHandle, Path(id): Path<String>| id).post(async |_: JsonBody<Value>| "");
    let router = mount(world.services.clone(), Router::new().route("/v1/echo/{id}", echo).route("/boom", get(panic_route)));
    // The first request of a tenant creates its keys and logs that.
    send(&router, "GET", "/t/acme/v1/echo/1", "").await;

    let (lines, _guard) = LogLines::of_this_thread();
    send(&router, "GET", "/t/acme/v1/echo/hunter2-id?code=hunter2&x=%0a%1b%5b31m", "").await;
    send(&router, "POST", "/v1/echo/1", r#"{"password":"hunter2"}"#).await;
    send(&router, "GET", "/%0d%0ahunter2", "").await;
    send(&router, "GET", "/t/x%0ahunter2/v1/echo/1", "").await;
    send(&router, "GET", "/boom", "").await;
    tracing::warn!(value = "a\r\nb\u{1b}[31m", "a value with control characters");

    let text = lines.take();
    for secret in ["hunter2", "192.0.2.77", "\r", "\u{1b}"] {
        assert!(!text.contains(secret), "{secret:?} in {text}");
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6, "{text}");
    assert_eq!(
        (
            &lines[0]["verb"],
            &lines[0]["route"],
            &lines[0]["status"],
            &lines[0]["span"]["tenant"],
            &lines[0]["span"]["request_id"]
        ),
        (&json!("GET"), &json!("/v1/echo/{id}"), &json!(200), &json!("acme"), &json!("req-1"))
    );
    assert_eq!((&lines[2]["route"], &lines[2]["status"]), (&json!("-"), &json!(404)));
    assert_eq!(lines[3]["span"]["tenant"], "-");
    assert_eq!(lines[4]["status"], 500);
}

async fn panic_route() {
    panic!("hunter2");
}

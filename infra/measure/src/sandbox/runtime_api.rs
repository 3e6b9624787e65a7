//! Lambda's Runtime API: one invocation at a time, and its answer.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The measuring side.
pub(super) struct RuntimeApi {
    events: UnboundedSender<Value>,
    asked: UnboundedReceiver<Instant>,
    answers: UnboundedReceiver<(Value, Instant)>,
}

/// The function's side.
#[derive(Clone)]
struct Function {
    events: Arc<Mutex<UnboundedReceiver<Value>>>,
    asked: UnboundedSender<Instant>,
    answers: UnboundedSender<(Value, Instant)>,
}

impl RuntimeApi {
    /// Creates both sides: this one, and the routes that the function calls.
    pub(super) fn new() -> (Self, Router) {
        let (events, taken) = unbounded_channel();
        let (asks, asked) = unbounded_channel();
        let (answered, answers) = unbounded_channel();
        let function = Function { events: Arc::new(Mutex::new(taken)), asked: asks, answers: answered };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .with_state(function);
        (Self { events, asked, answers }, routes)
    }
    /// Waits until the function polls for an event. Returns that time.
    pub(super) async fn asked(&mut self) -> Instant {
        self.asked.recv().await.expect("the Runtime API runs")
    }
    /// Answers the next poll with this event.
    pub(super) fn check_forwarded_password(&self, event: &Value) {
        self.events.send(event.clone()).expect("the Runtime API runs");
    }
    /// The next answer, and its time.
    pub(super) async fn answered(&mut self) -> (Value, Instant) {
        self.answers.recv().await.expect("the Runtime API runs")
    }
}

async fn next(State(function): State<Function>) -> Response {
    let _ = function.asked.send(Instant::now());
    let event = function.events.lock().await.recv().await.unwrap_or_default();
    let deadline = latchkey::context::Clock::system().now().millis() + 25_000;
    Response::builder()
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:measured")
        .header("content-type", "application/json")
        .body(Body::from(event.to_string()))
        .expect("a response")
}

async fn answer(State(function): State<Function>, body: Body) -> Response {
    let at = Instant::now();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let _ = function.answers.send((serde_json::from_slice(&body).unwrap_or_default(), at));
    accepted()
}

/// An invocation without an answer is not a measurement.
async fn failed(body: Body) -> Response {
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    tracing::error!(error = %String::from_utf8_lossy(&body), "the function failed");
    accepted()
}

fn accepted() -> Response {
    Response::builder().status(202).body(Body::empty()).expect("a response")
}

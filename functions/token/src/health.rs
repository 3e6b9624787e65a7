//! `GET /healthz`: shows that the process answers. It calls nothing else.

use axum::Json;
use serde_json::{Value, json};

pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

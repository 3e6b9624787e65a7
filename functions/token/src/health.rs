//! `GET /healthz`: the process answers. Nothing behind it is asked.

use axum::Json;
use serde_json::{Value, json};

pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

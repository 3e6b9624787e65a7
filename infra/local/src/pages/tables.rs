//! The embedded tables for the `latchkey` command of the gateway's operator: DynamoDB's own protocol over HTTP.
//!
//! 1. Only requests of this machine ([`super::guard`]) and never of a web page: a request with an `Origin` is refused.
//! 2. The SDK's access key id must be the operator token. The gateway creates a new token at each start and writes it to its data folder,
//!    which only its owner can read. Other users of the machine can reach the port but not the tables. A gateway that stores nothing offers
//!    no tables.
//! 3. The request goes to the engine unchanged. The signature is not checked: the token is the secret.

use super::guard;
use super::operator_token::OperatorToken;
use crate::engine::Engine;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::{CONTENT_TYPE, ORIGIN};
use serde_json::json;

/// The path of the tables. An SDK with the endpoint `/dev/tables` calls it.
pub const TABLES_PATH: &str = "/dev/tables/";
/// The most bytes of a request. An item has at most 400 KB.
pub const TABLES_BODY: usize = 1024 * 1024;

#[derive(Clone)]
struct Tables {
    engine: Engine,
    token: OperatorToken,
    port: u16,
}

pub(super) fn router(engine: Engine, token: OperatorToken, port: u16) -> Router {
    Router::new().route("/dev/tables/", post(call)).with_state(Tables { engine, token, port })
}

async fn call(State(tables): State<Tables>, request: Request) -> Response {
    if let Some(words) = guard::refusal(&request, tables.port) {
        return error_response(StatusCode::FORBIDDEN, "AccessDeniedException", words);
    }
    if request.headers().contains_key(ORIGIN) {
        return error_response(StatusCode::FORBIDDEN, "AccessDeniedException", "This endpoint is not available to web pages.");
    }
    if !tables.token.is_presented(request.headers()) {
        let words = "The operator token is wrong: use the one in the file operator-token of the gateway's data folder.";
        return error_response(StatusCode::BAD_REQUEST, "UnrecognizedClientException", words);
    }
    match forward(&tables.engine, request).await {
        Ok(response) => response,
        Err(error) => error_response(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &error.to_string()),
    }
}

async fn forward(engine: &Engine, request: Request) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, TABLES_BODY).await?;
    let request = HttpRequest::try_from(http::Request::from_parts(parts, body.into()))?;
    let answer = engine.call(request).await?;
    let body = answer.body().bytes().unwrap_or_default().to_vec();
    let response = Response::builder().status(answer.status().as_u16()).header(CONTENT_TYPE, "application/x-amz-json-1.0");
    Ok(response.body(Body::from(body))?)
}

/// An error in DynamoDB's form, which the SDK can read.
fn error_response(status: StatusCode, code: &str, words: &str) -> Response {
    let body = json!({ "__type": format!("com.amazon.coral.service#{code}"), "message": words }).to_string();
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

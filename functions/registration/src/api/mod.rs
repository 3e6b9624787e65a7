//! The JSON API. Each request names its client (query or body), and only the client's origins may read the answer (security 119).

pub(crate) mod form;
pub(crate) mod resend;
pub(crate) mod start;
pub(crate) mod verification;

use crate::client;
use axum::Extension;
use axum::response::{IntoResponse, Response};
use latchkey::domain::id::ClientId;
use latchkey::web::cors::CallingClient;
use latchkey::web::extract::QueryParams;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle};

/// The client of a request, from its query or its body; different clients in both are an error.
fn calling_client(handle: &TenantHandle, query: &QueryParams, body: Option<&str>) -> Result<ClientId, Problem> {
    let in_query = query.0.one("client_id")?;
    if let (Some(query), Some(body)) = (in_query, body)
        && query != body
    {
        return Err(Problem::new(
            ProblemKind::InvalidRequest,
            "The query and the body name different clients. Send client_id once.",
        ));
    }
    client::find(&handle.tenant.config, in_query.or(body)).map(|client| client.client_id.clone())
}

/// The answer, readable for the client's origins. This includes errors.
fn answer(client_id: ClientId, result: Result<impl IntoResponse, Problem>) -> Response {
    let response = result.map(IntoResponse::into_response).unwrap_or_else(IntoResponse::into_response);
    (Extension(CallingClient(client_id)), response).into_response()
}

/// The refusal of a code. It does not reveal the reason.
fn invalid_code() -> Problem {
    let detail =
        "The code is wrong, already used or expired, or the registration is over. Use the newest code, or start again.";
    Problem::new(ProblemKind::InvalidCode, detail)
}

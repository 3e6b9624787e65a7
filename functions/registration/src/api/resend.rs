//! `POST /v1/registrations/{id}/resend`: sends a new code, at most three times.

use super::{answer, calling_client, invalid_code};
use crate::client::require_open;
use crate::prove::{self, ProofContext};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Path, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::registration::{LIFETIME, Resent};
use latchkey::web::extract::QueryParams;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem, TenantHandle};
use serde::Deserialize;
use serde_json::json;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResendRequest {
    client_id: Option<String>,
}

pub(crate) async fn resend(
    handle: TenantHandle,
    Path(id): Path<String>,
    query: QueryParams,
    request: Request,
) -> Result<Response, Problem> {
    let resend_request = read(request).await?;
    let client_id = calling_client(&handle, &query, resend_request.client_id.as_deref())?;
    Ok(answer(client_id, send(&handle, &id).await))
}

/// The body is optional.
async fn read(request: Request) -> Result<ResendRequest, Problem> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::new(body), &())
        .await
        .map_err(|_| Problem::new(ProblemKind::InvalidRequest, "The body could not be read."))?;
    if body.is_empty() {
        return Ok(ResendRequest::default());
    }
    JsonBody::from_request(Request::from_parts(parts, Body::from(body)), &())
        .await
        .map(|JsonBody(resend_request)| resend_request)
}

async fn send(handle: &TenantHandle, id: &str) -> Result<impl IntoResponse, Problem> {
    require_open(handle)?;
    let locator = prove::locate(&handle.tenant, id)?;
    match prove::resend(handle, locator, &ProofContext::Api { repeat_key: None }).await? {
        (Resent::Sent { left }, flow) => {
            let expires_at = flow.map(|flow| flow.expires_at.to_string());
            let body = json!({
                "registration_id": id,
                "status": "verification_required",
                "expires_at": expires_at,
                "resends_left": left,
            });
            Ok((StatusCode::ACCEPTED, Json(body)))
        }
        (Resent::NoneLeft, flow) => {
            let wait = flow.map_or(LIFETIME, |flow| flow.expires_at.since(handle.now()));
            let detail = "No more codes can be sent for this registration. Use the newest one, or start again later.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(wait))
        }
        (Resent::Over(_), _) => Err(invalid_code()),
    }
}

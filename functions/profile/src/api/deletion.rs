//! `DELETE /v1/me`, `POST /v1/me/restoration`: closed at once, erased later, restorable until then.

use crate::deletion;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::secret::SecretText;
use latchkey::services::Services;
use latchkey::web::funnel::Outcome;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem, SelfService, TenantHandle};
use serde::Deserialize;
use serde_json::json;

pub(crate) async fn request(State(services): State<Services>, service: SelfService) -> Response {
    let requested = deletion::request(&services, &service.handle, &service.presented).await;
    let render =
        |due: latchkey::domain::time::Timestamp| (StatusCode::ACCEPTED, Json(json!({ "erasure_due": due.to_string() })));
    service.answer(requested.map(render).map_err(Problem::from))
}

/// The token of the mailed link. No other credential is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restoration {
    token: SecretText,
}

pub(crate) async fn restore(handle: TenantHandle, JsonBody(body): JsonBody<Restoration>) -> Result<Response, Problem> {
    if deletion::restore(&handle, &body.token).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let detail = "The link is invalid or was already used, or the time to restore the account is over.";
    Ok(Outcome::Expired.tag(Problem::new(ProblemKind::InvalidCode, detail)))
}

//! `DELETE /v1/me`, `POST /v1/me/restoration`: closed at once, erased later, restorable until then.

use crate::deletion::{self, RestoreOutcome};
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

/// The token of the mailed link and the code of the same mail. No other credential is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restoration {
    token: SecretText,
    code: SecretText,
}

pub(crate) async fn restore(handle: TenantHandle, JsonBody(body): JsonBody<Restoration>) -> Result<Response, Problem> {
    let detail = match deletion::restore(&handle, &body.token, &body.code).await? {
        RestoreOutcome::Restored => return Ok(StatusCode::NO_CONTENT.into_response()),
        RestoreOutcome::AlreadyOpen => "The account is open: it was restored already. Sign in.",
        RestoreOutcome::WrongCode => "The code is not the one from the mail with this link.",
        RestoreOutcome::Over => "The link is invalid or was replaced by a newer one, or the account is erased.",
    };
    Ok(Outcome::Expired.tag(Problem::new(ProblemKind::InvalidCode, detail)))
}

//! `POST /v1/registrations/{id}/verification`: the mailed code creates the account. With the same `Idempotency-Key` the same request gets
//! the same answer for ten minutes.

use super::{answer, calling_client, invalid_code};
use crate::client::require_open;
use crate::prove::{self, Proof, ProofContext};
use crate::way_in::Chosen;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::registration::Verified;
use latchkey::domain::secret::{SecretHash, SecretText};
use latchkey::services::Services;
use latchkey::web::extract::{IdempotencyKey, QueryParams};
use latchkey::web::funnel::Outcome;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem, TenantHandle};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    client_id: Option<String>,
    code: SecretText,
}

pub(crate) async fn verification(
    State(services): State<Services>,
    handle: TenantHandle,
    Path(id): Path<String>,
    query: QueryParams,
    IdempotencyKey(repeat_key): IdempotencyKey,
    JsonBody(body): JsonBody<Verification>,
) -> Result<Response, Problem> {
    let client_id = calling_client(&handle, &query, body.client_id.as_deref())?;
    Ok(answer(client_id, verify(&services, &handle, &id, body.code, repeat_key).await))
}

async fn verify(
    services: &Services,
    handle: &TenantHandle,
    id: &str,
    code: SecretText,
    repeat_key: Option<SecretHash>,
) -> Result<Response, Problem> {
    require_open(handle)?;
    let locator = prove::locate(&handle.tenant, id)?;
    let place = ProofContext::Api { repeat_key };
    let verified = match prove::prove(services, handle, locator, &Proof::Code(code), &place, &Chosen::default()).await?.0 {
        Ok(verified) => verified,
        // No passkey or password comes with a code here.
        Err(_) => return Ok(Outcome::Refused.tag(invalid_code())),
    };
    match verified {
        Verified::Created { sub, session: _ } | Verified::Repeated { sub, .. } => {
            Ok((StatusCode::CREATED, Json(json!({ "sub": sub.to_string() }))).into_response())
        }
        Verified::AlreadyRegistered => {
            let detail = "This address got an account meanwhile. Please sign in, or reset your password.";
            Err(Problem::new(ProblemKind::AlreadyRegistered, detail))
        }
        Verified::Stays => {
            let detail = "This address has an account in the previous sign-in service that cannot be moved automatically. Please contact support.";
            Err(Problem::new(ProblemKind::AlreadyRegistered, detail))
        }
        // The tenant document has changed since the registration began.
        Verified::NeedsPasskey => {
            let detail = "An account without a password can no longer be created here. Start again with a password.";
            Err(Problem::new(ProblemKind::Forbidden, detail))
        }
        // The caller does not learn the reason; the funnel counts it.
        Verified::Wrong { .. } => Ok(Outcome::WrongCredentials.tag(invalid_code())),
        Verified::Over(_) => Ok(Outcome::Expired.tag(invalid_code())),
    }
}

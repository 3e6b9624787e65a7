//! `POST /v1/me/email`, `POST /v1/me/email/verification`: the old address stays in force until the new one is verified, and is notified.

use super::flawed;
use crate::email::{self, PresentedProof};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::email_change::{Proven, Started};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::secret::SecretText;
use latchkey::locale;
use latchkey::services::Services;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem, SelfService};
use serde::Deserialize;
use serde_json::json;

/// The new address: one string, never a list (security 90).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAddress {
    email: String,
    locale: Option<String>,
}

pub(crate) async fn start(
    State(services): State<Services>,
    service: SelfService,
    JsonBody(new_address): JsonBody<NewAddress>,
) -> Response {
    let result = begin(&services, &service, &new_address).await;
    service.answer(result)
}

async fn begin(services: &Services, service: &SelfService, new_address: &NewAddress) -> Result<Response, Problem> {
    let address =
        EmailAddress::parse(&new_address.email).map_err(|flaw| flawed("/email", "invalid_email", flaw.to_string()))?;
    let locale = locale::negotiate(&service.handle.tenant.config.locales, new_address.locale.as_deref(), None);
    match email::start(services, &service.handle, &service.presented, &address, locale).await? {
        Started::Waiting { expires_at } => {
            let body = json!({ "status": "verification_required", "expires_at": expires_at.to_string() });
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        Started::SameAddress => Err(flawed("/email", "unchanged", "This is already your address.")),
        Started::TooManyChanges { until } => {
            let detail =
                "The address was changed several times, and those changes can still be undone. Please try again later.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(until.since(service.handle.now())))
        }
        Started::TooManyStarts { until } => {
            let detail = "A new address was entered several times today. Please try again later.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(until.since(service.handle.now())))
        }
    }
}

/// The code from the mail.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    code: SecretText,
}

pub(crate) async fn verify(
    State(services): State<Services>,
    service: SelfService,
    JsonBody(body): JsonBody<Verification>,
) -> Response {
    let proof = PresentedProof::Code(body.code);
    let proven = email::prove(&services, &service.handle, &service.presented, &proof).await;
    service.answer(proven.map_err(Problem::from).and_then(render))
}

fn render(proven: Proven) -> Result<impl IntoResponse, Problem> {
    match proven {
        Proven::Changed => Ok(Json(json!({ "email_verified": true }))),
        Proven::Wrong { .. } | Proven::Over => {
            let detail = "The code is wrong, already used or expired, or no change of address is pending. Use the newest code, or start again.";
            Err(Problem::new(ProblemKind::InvalidCode, detail))
        }
        Proven::AddressTaken => {
            let detail =
                "Another account has taken this address meanwhile. Use a different address, or sign in to that account.";
            Err(Problem::new(ProblemKind::AlreadyRegistered, detail))
        }
    }
}

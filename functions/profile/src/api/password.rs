//! `POST /v1/me/password`: 204. Every other session and grant has ended.

use super::flawed;
use crate::password::{self, ChangeOutcome, PasswordInput};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::secret::SecretText;
use latchkey::services::Services;
use latchkey::web::funnel::Outcome;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem, SelfService};
use serde::Deserialize;

/// The current password and the new one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    current_password: SecretText,
    new_password: SecretText,
}

pub(crate) async fn post(State(services): State<Services>, service: SelfService, JsonBody(body): JsonBody<Body>) -> Response {
    let typed = PasswordInput { current: body.current_password, new: body.new_password, device: None };
    let outcome = password::change(&services, &service.handle, &service.presented, &typed).await;
    let told = match &outcome {
        Ok(ChangeOutcome::WrongPassword) => Some(Outcome::WrongCredentials),
        Ok(ChangeOutcome::Blocked { .. }) => Some(Outcome::Locked),
        Ok(ChangeOutcome::Changed | ChangeOutcome::Flawed(_)) | Err(_) => None,
    };
    let answer = service.answer(outcome.map_err(Problem::from).and_then(render));
    match told {
        Some(outcome) => outcome.tag(answer),
        None => answer,
    }
}

fn render(outcome: ChangeOutcome) -> Result<impl IntoResponse, Problem> {
    match outcome {
        ChangeOutcome::Changed => Ok(StatusCode::NO_CONTENT),
        ChangeOutcome::WrongPassword => {
            Err(flawed("/current_password", "wrong_password", "This is not your current password."))
        }
        ChangeOutcome::Flawed(flaw) => Err(flawed("/new_password", flaw.code(), flaw.to_string())),
        ChangeOutcome::Blocked { retry_after } => {
            let detail = "Too many wrong passwords. Please wait before you try again, or reset your password.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(retry_after))
        }
    }
}

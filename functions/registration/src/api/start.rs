//! `POST /v1/registrations`: a completed form. The answer is the same whether or not the address has an account (security 107).

use super::{answer, calling_client};
use crate::begin::{self, Origin, StartError, StartedRegistration};
use crate::client::require_open;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::form::Submission;
use latchkey::domain::id::ClientId;
use latchkey::domain::registration::{Application, ApplicationFlaw};
use latchkey::domain::secret::SecretText;
use latchkey::locale;
use latchkey::services::Services;
use latchkey::web::extract::QueryParams;
use latchkey::web::problem::{FieldProblem, ProblemKind};
use latchkey::web::{JsonBody, Problem, TenantHandle};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A completed form. The address is one string, never a list (security 90). Unknown members are refused (security 108).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    client_id: Option<String>,
    email: String,
    /// Required unless the form says otherwise.
    #[serde(default)]
    password: SecretText,
    #[serde(default)]
    profile: Map<String, Value>,
    #[serde(default)]
    terms: Vec<Acceptance>,
    locale: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    document: String,
    version: String,
}

pub(crate) async fn start(
    State(services): State<Services>,
    handle: TenantHandle,
    query: QueryParams,
    JsonBody(body): JsonBody<Registration>,
) -> Result<Response, Problem> {
    let client_id = calling_client(&handle, &query, body.client_id.as_deref())?;
    let result = begin(&services, &handle, client_id.clone(), body).await;
    Ok(answer(client_id, result))
}

async fn begin(
    services: &Services,
    handle: &TenantHandle,
    client_id: ClientId,
    body: Registration,
) -> Result<impl IntoResponse, Problem> {
    require_open(handle)?;
    let locale = locale::negotiate(&handle.tenant.config.locales, body.locale.as_deref(), None).to_owned();
    let application = Application {
        email: body.email,
        password: body.password,
        profile: body.profile,
        terms: body.terms.into_iter().map(|terms| (terms.document, terms.version)).collect(),
    };
    let trigger = handle.trigger_of_registration(None);
    let origin = Origin { submission: Submission::Api, client_id, locale, browser: None, trigger, continue_to: None };
    match begin::begin(services, handle, &application, origin).await {
        Ok(StartedRegistration { id, expires_at }) => {
            let body = json!({
                "registration_id": id,
                "status": "verification_required",
                "expires_at": expires_at.to_string(),
            });
            Ok((StatusCode::ACCEPTED, Json(body)))
        }
        Err(StartError::Flawed(flaws)) => Err(flawed(&flaws)),
        Err(StartError::NoMoreMails { retry_after }) => {
            let detail = "Many mails were requested for this address from your network today. Use the newest mail, or try again tomorrow.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(retry_after))
        }
        Err(StartError::Problem(problem)) => Err(problem),
    }
}

/// Every flaw by its JSON pointer.
fn flawed(flaws: &[ApplicationFlaw]) -> Problem {
    let error = |flaw: &ApplicationFlaw| FieldProblem { pointer: flaw.pointer(), code: flaw.code(), detail: flaw.detail() };
    Problem::new(ProblemKind::InvalidRequest, "Some values of the form are not valid. `errors` lists them.")
        .with_errors(flaws.iter().map(error).collect())
}

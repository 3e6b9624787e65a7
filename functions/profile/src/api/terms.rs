//! `GET /v1/me/terms`, `POST` and `DELETE /v1/me/terms/{document}`.

use super::flawed;
use crate::terms::{self, Listed, TermsOutcome};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::locale;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem, SelfService};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An acceptance.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    version: String,
    locale: Option<String>,
}

pub(crate) async fn list(service: SelfService) -> Response {
    let listed = terms::list(&service.handle, &service.presented).await;
    let render = |listed: Vec<Listed<'_>>| {
        Json(json!({ "terms": listed.iter().map(|listed| row(&service, listed)).collect::<Vec<_>>() }))
    };
    service.answer(listed.map(render).map_err(Problem::from))
}

fn row(service: &SelfService, Listed { document, accepted }: &Listed<'_>) -> Value {
    let locales = service.handle.tenant.config.locales.iter();
    let title: Map<String, Value> = locales.map(|locale| (locale.clone(), document.title.get(locale).into())).collect();
    json!({
        "document": document.document,
        "version": document.version,
        "url": document.url,
        "required": document.required,
        "title": title,
        "accepted_version": accepted.as_ref().map(|accepted| accepted.version.clone()),
        "accepted_at": accepted.as_ref().map(|accepted| accepted.accepted_at.to_string()),
    })
}

pub(crate) async fn accept(
    service: SelfService,
    Path(document): Path<String>,
    JsonBody(body): JsonBody<Acceptance>,
) -> Response {
    let locale = locale::negotiate(&service.handle.tenant.config.locales, body.locale.as_deref(), None);
    let accepted = terms::accept(&service.handle, &service.presented, (&document, &body.version, locale)).await;
    service.answer(accepted.map_err(Problem::from).and_then(answer))
}

pub(crate) async fn withdraw(service: SelfService, Path(document): Path<String>) -> Response {
    let withdrawn = terms::withdraw(&service.handle, &service.presented, &document).await;
    service.answer(withdrawn.map_err(Problem::from).and_then(answer))
}

fn answer(outcome: TermsOutcome) -> Result<Response, Problem> {
    match outcome {
        TermsOutcome::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        TermsOutcome::Unknown => {
            Err(Problem::new(ProblemKind::NotFound, "There is no such document, or you have not accepted it."))
        }
        TermsOutcome::Superseded => {
            let detail = "Another version of this document is in force; show it and ask again.";
            Err(flawed("/version", "terms_superseded", detail))
        }
        TermsOutcome::Required => {
            let detail = "An account requires this document. To withdraw it, delete the account (DELETE /v1/me).";
            Err(Problem::new(ProblemKind::Forbidden, detail))
        }
    }
}

//! `GET /v1/me/consents`, `DELETE /v1/me/consents/{client_id}`.

use crate::consents::{self, ApplicationAccess};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::id::ClientId;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, SelfService};
use serde_json::{Map, Value, json};

pub(crate) async fn list(service: SelfService) -> Response {
    let listed = consents::list(&service.handle, &service.presented).await;
    let render = |shown: Vec<ApplicationAccess>| {
        Json(json!({ "consents": shown.iter().map(|shown| consent(&service, shown)).collect::<Vec<_>>() }))
    };
    service.answer(listed.map(render).map_err(Problem::from))
}

fn consent(service: &SelfService, shown: &ApplicationAccess) -> Value {
    let config = &service.handle.tenant.config;
    let client = config.clients.get(&shown.client_id);
    let names: Option<Map<String, Value>> = client
        .map(|client| config.locales.iter().map(|locale| (locale.clone(), client.client_name.get(locale).into())).collect());
    json!({
        "client_id": shown.client_id,
        "client_name": names,
        "scope": shown.scope.to_string(),
        "since": shown.since.to_string(),
        "consented": shown.is_consented,
    })
}

pub(crate) async fn withdraw(service: SelfService, Path(client_id): Path<String>) -> Response {
    let result = match client_id.parse::<ClientId>() {
        Ok(client_id) => consents::withdraw(&service.handle, &service.presented, &client_id).await.map_err(Problem::from),
        Err(_) => Ok(false),
    };
    service.answer(result.and_then(|found| if found { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(none()) }))
}

fn none() -> Problem {
    Problem::new(ProblemKind::NotFound, "You have not given this application any access.")
}

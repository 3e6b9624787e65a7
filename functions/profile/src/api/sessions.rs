//! `GET /v1/me/sessions`, `DELETE /v1/me/sessions/{sid}`.

use crate::sessions::{self, SessionView};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::id::SessionId;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, SelfService};
use serde_json::{Value, json};

pub(crate) async fn list(service: SelfService) -> Response {
    let listed = sessions::list(&service.handle, &service.presented).await;
    let render = |sessions: Vec<SessionView>| Json(json!({ "sessions": sessions.iter().map(session).collect::<Vec<_>>() }));
    service.answer(listed.map(render).map_err(Problem::from))
}

fn session(shown: &SessionView) -> Value {
    json!({
        "sid": shown.sid,
        "device": shown.device,
        "place": shown.network,
        "created_at": shown.created_at.to_string(),
        "last_used_at": shown.last_used_at.to_string(),
        "expires_at": shown.expires_at.to_string(),
        "current": shown.is_current,
    })
}

pub(crate) async fn end(service: SelfService, Path(sid): Path<String>) -> Response {
    let result = match sid.parse::<SessionId>() {
        Ok(sid) => sessions::end(&service.handle, &service.presented, sid).await.map_err(Problem::from),
        Err(_) => Ok(false),
    };
    service.answer(result.and_then(|found| if found { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(none()) }))
}

fn none() -> Problem {
    Problem::new(ProblemKind::NotFound, "You have no session with this id. It may have expired.")
}

//! `POST /v1/me/exports`, `GET /v1/me/exports/{id}`, `GET /v1/me/exports/{id}/document`.

use crate::export_request::ExportRequest;
use crate::package;
use crate::read::{self, Part, ReadOutcome, StartOutcome};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use latchkey::web::problem::ProblemKind;
use latchkey::web::{PrincipalParts, Problem, QueryParams, SelfService, locale};
use serde_json::json;

pub(crate) async fn begin(service: SelfService, headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let locale = locale::negotiate(&service.handle.tenant.config.locales, None, accepted);
    let client_id = Some(service.client_id().clone());
    let begun = read::begin(&service.handle, &service.presented, client_id, locale).await;
    service.answer(begun.and_then(|begun| match begun {
        StartOutcome::Ready(id) => Ok((StatusCode::ACCEPTED, Json(json!({ "export_id": id })))),
        StartOutcome::SignedOut => Err(Problem::invalid_token()),
        StartOutcome::NotRecent(needed) => Err(needed.into()),
    }))
}

pub(crate) async fn status(service: SelfService, Path(id): Path<String>) -> Response {
    let status = async {
        service.principal(PrincipalParts::Nothing).await?;
        let request = ExportRequest::open(&service.handle, &service.presented, &id)?.ok_or_else(read::unknown)?;
        let expires_at = request.expires_at().to_string();
        Ok(Json(json!({ "status": "ready", "expires_at": expires_at, "parts": request.parts })))
    };
    service.answer(status.await)
}

pub(crate) async fn document(service: SelfService, Path(id): Path<String>, QueryParams(query): QueryParams) -> Response {
    let document = async {
        let part = part_of(query.one("part")?)?;
        match read::read(&service.handle, &service.presented, &id, part).await? {
            ReadOutcome::Part(part) => Ok(download(part)),
            ReadOutcome::SignedOut => Err(Problem::invalid_token()),
            ReadOutcome::Unknown => Err(read::unknown()),
            ReadOutcome::Stale => Err(read::stale()),
        }
    };
    service.answer(document.await)
}

/// The requested part, from 1. The default is the first.
pub(crate) fn part_of(named: Option<&str>) -> Result<u16, Problem> {
    named
        .map_or(Ok(1), str::parse)
        .ok()
        .filter(|part| *part > 0)
        .ok_or_else(|| Problem::new(ProblemKind::InvalidRequest, "The part must be a whole number, from 1."))
}

/// A part as a download that no cache may store.
pub(crate) fn download(part: Part) -> Response {
    let mut response = part.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(package::MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", part.name)) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

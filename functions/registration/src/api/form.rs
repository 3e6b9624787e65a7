//! `GET /v1/registration/form`: the registration form of the tenant.

use super::{answer, calling_client};
use crate::client::require_open;
use axum::Json;
use axum::response::Response;
use latchkey::domain::form;
use latchkey::web::extract::QueryParams;
use latchkey::web::{Problem, TenantHandle};

pub(crate) async fn form(handle: TenantHandle, query: QueryParams) -> Result<Response, Problem> {
    let client_id = calling_client(&handle, &query, None)?;
    Ok(answer(client_id, require_open(&handle).map(|()| Json(form::describe(&handle.tenant.config)))))
}

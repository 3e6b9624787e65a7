//! Public documents of passkeys: the script of pages, and the well-known addresses for password managers and browsers.

use crate::jwks::public_document;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use latchkey::web::passkey::{RelyingParty, SCRIPT, SCRIPT_PATH};
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle};
use serde_json::json;

/// `GET /assets/{file}`: the script. Its name has its digest, so it never changes.
pub(crate) async fn script(Path(params): Path<Vec<(String, String)>>) -> Result<Response, Problem> {
    let file = params.iter().find(|(name, _)| name == "file").map(|(_, file)| file.as_str()).unwrap_or_default();
    if SCRIPT_PATH.strip_prefix("/assets/") != Some(file) {
        return Err(Problem::new(ProblemKind::NotFound, "There is no such file. Open the page again."));
    }
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, SCRIPT).into_response())
}

/// `GET /.well-known/passkey-endpoints` (W3C, a well-known URL for passkey endpoints): where passkeys are added and managed.
pub(crate) async fn endpoints(handle: TenantHandle, request: Request) -> Result<Response, Problem> {
    let issuer = &handle.tenant.issuer;
    RelyingParty::of(&handle.tenant).ok_or_else(none)?;
    let body = json!({ "enroll": format!("{issuer}/account/passkeys/new"), "manage": format!("{issuer}/account/passkeys") });
    Ok(public_document(request.headers(), "application/json", body.to_string()))
}

/// `GET /.well-known/webauthn`: the other origins that may use the same passkeys (WebAuthn 3 §5.11).
pub(crate) async fn related_origins(handle: TenantHandle, request: Request) -> Result<Response, Problem> {
    let party = RelyingParty::of(&handle.tenant).ok_or_else(none)?;
    let body = json!({ "origins": party.origins });
    Ok(public_document(request.headers(), "application/json", body.to_string()))
}

fn none() -> Problem {
    Problem::new(ProblemKind::NotFound, "This site has no passkeys.")
}

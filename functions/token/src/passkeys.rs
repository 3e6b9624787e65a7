//! Public documents of passkeys: the script of pages, and the well-known addresses for password managers and browsers.

use crate::jwks::public_document;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use latchkey::domain::tenant::AndroidApp;
use latchkey::services::Tenant;
use latchkey::web::passkey::{RelyingParty, SCRIPT, SCRIPT_PATH};
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle};
use serde_json::{Value, json};

/// `GET /assets/{file}`: the script. Its name has its digest, so it never changes.
pub(crate) async fn script(Path(params): Path<Vec<(String, String)>>) -> Result<Response, Problem> {
    let file = params.iter().find(|(name, _)| name == "file").map(|(_, file)| file.as_str()).unwrap_or_default();
    if SCRIPT_PATH.strip_prefix("/assets/") != Some(file) {
        return Err(Problem::new(ProblemKind::NotFound, "There is no such file. Open the page again."));
    }
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, SCRIPT).into_response())
}

/// `GET /.well-known/{file}`: the documents of passkeys by name.
///
/// | file | says |
/// |---|---|
/// | `passkey-endpoints` (W3C) | where passkeys are added and managed |
/// | `webauthn` (WebAuthn 3 §5.11) | the other origins that may use the same passkeys |
/// | `apple-app-site-association` | the iOS apps that may (Apple, associated domains) |
/// | `assetlinks.json` | the Android apps that may (Google, Digital Asset Links) |
pub(crate) async fn well_known(
    handle: TenantHandle,
    Path(params): Path<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Problem> {
    let file = params.iter().find(|(name, _)| name == "file").map(|(_, file)| file.as_str()).unwrap_or_default();
    let party = RelyingParty::of(&handle.tenant);
    let body = party.and_then(|party| document(&handle.tenant, &party, file)).ok_or_else(none)?;
    Ok(public_document(request.headers(), "application/json", body.to_string()))
}

fn document(tenant: &Tenant, party: &RelyingParty, file: &str) -> Option<Value> {
    let (issuer, policy) = (&tenant.issuer, &tenant.config.passkeys);
    match file {
        "passkey-endpoints" => {
            Some(json!({ "enroll": format!("{issuer}/account/passkeys/new"), "manage": format!("{issuer}/account/passkeys") }))
        }
        "webauthn" => Some(json!({ "origins": party.web_origins().collect::<Vec<_>>() })),
        "apple-app-site-association" if !policy.ios_apps.is_empty() => {
            Some(json!({ "webcredentials": { "apps": policy.ios_apps } }))
        }
        "assetlinks.json" if !policy.android_apps.is_empty() => {
            Some(policy.android_apps.iter().map(statement).collect::<Vec<Value>>().into())
        }
        _ => None,
    }
}

/// The app may use the credentials of this site. Android asks for both relations before it gives it passkeys.
fn statement(app: &AndroidApp) -> Value {
    let colons = |hash: &[u8; 32]| hash.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    json!({
        "relation": ["delegate_permission/common.get_login_creds", "delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": app.package,
            "sha256_cert_fingerprints": app.certificates.iter().map(colons).collect::<Vec<_>>(),
        },
    })
}

fn none() -> Problem {
    Problem::new(ProblemKind::NotFound, "This site has no passkeys, or none that such an app may use.")
}

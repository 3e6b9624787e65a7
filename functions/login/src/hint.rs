//! `id_token_hint`: one of our ID tokens, verified except for its expiry (OpenID Connect Core §3.1.2.1; security 12, 62).

use latchkey::domain::oauth::logout::IdTokenHint;
use latchkey::keys::KeyError;
use latchkey::services::Tenant;
use serde_json::Value;

/// The subject and the client of an ID token. `None` if it is not an ID token of this issuer.
///
/// # Errors
/// If this function has no keys to verify with.
pub fn verify(tenant: &Tenant, token: &str) -> Result<Option<IdTokenHint>, KeyError> {
    let Some(claims) = tenant.keys.signing()?.verify_hint("JWT", token) else { return Ok(None) };
    if claims.get("iss").and_then(Value::as_str) != Some(tenant.issuer.as_str()) {
        return Ok(None);
    }
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => return Ok(None),
    };
    let sub = claims.get("sub").and_then(Value::as_str).and_then(|sub| sub.parse().ok());
    Ok(sub.map(|sub| IdTokenHint { sub, audience }))
}

//! `GET /v1/me/factors`: the factors of the account besides its password. They change on the account pages only.

use axum::Json;
use axum::response::Response;
use latchkey::web::{Principal, PrincipalParts, SelfService};
use serde_json::{Value, json};

pub(crate) async fn get(service: SelfService) -> Response {
    let principal = service.principal(PrincipalParts::SecondFactors).await;
    service.answer(principal.map(|principal| Json(render(&principal))))
}

fn render(principal: &Principal) -> Value {
    let (account, snapshot) = (principal.authentication(), &principal.snapshot);
    let app = snapshot.totp.as_ref().and_then(|totp| totp.active.as_ref());
    let codes = snapshot.recovery_codes.as_ref().filter(|codes| codes.removed_at.is_none());
    json!({
        "protected": account.protected,
        "totp": app.map(|app| json!({ "added_at": app.added_at.to_string() })),
        "recovery_codes": codes.map(|codes| json!({ "left": codes.left(), "created_at": codes.created_at.to_string() })),
        "passkeys": account.factors.passkeys,
    })
}

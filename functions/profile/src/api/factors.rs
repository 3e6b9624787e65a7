//! `GET /v1/me/factors`: the factors of the account besides its password. They change on the account pages only.

use axum::Json;
use axum::response::Response;
use latchkey::domain::second_factor::has_codes;
use latchkey::web::{Principal, PrincipalParts, SelfService};
use serde_json::{Value, json};

pub(crate) async fn get(service: SelfService) -> Response {
    let principal = service.principal(PrincipalParts::SecondFactors).await;
    service.answer(principal.map(|principal| Json(render(&principal))))
}

fn render(principal: &Principal) -> Value {
    let (account, snapshot) = (principal.authentication(), &principal.snapshot);
    let totp = snapshot.totp.as_ref().filter(|_| account.factors.totp.is_some());
    let app = totp.and_then(|totp| totp.active.as_ref());
    let codes = snapshot.recovery_codes.as_ref().filter(|codes| has_codes(account) && codes.removed_at.is_none());
    json!({
        "protected": account.protected,
        "totp": app.map(|app| json!({ "added_at": app.added_at.to_string() })),
        "recovery_codes": codes.map(|codes| json!({ "left": codes.left(), "created_at": codes.created_at.to_string() })),
        "passkeys": account.factors.passkeys,
    })
}

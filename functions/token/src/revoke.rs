//! `POST /oauth2/revoke` (RFC 7009): always 200, but only a live token of the caller itself is revoked.

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey::domain::change::{Changes, Decision};
use latchkey::domain::oauth::claims::AccessTokenClaims;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::grant::RevokedJti;
use latchkey::domain::oauth::revoke::{revoke_access_token, revoke_grantless_token, revoke_refresh_token};
use latchkey::keys::locator::GrantLocator;
use latchkey::store::grant::GrantQuery;
use latchkey::web::OAuthError;
use latchkey::web::bearer::{grant_of, read_access_token};
use latchkey::web::client_authentication::ClientRequest;
use latchkey::web::cors::CallingClient;

pub(crate) async fn revoke(call: ClientRequest) -> Response {
    let answer = answer(&call).await.map(|()| StatusCode::OK);
    (Extension(CallingClient(call.client.client_id)), answer).into_response()
}

async fn answer(call: &ClientRequest) -> Result<(), OAuthError> {
    let tenant = &call.handle.tenant;
    let token = call.params.one("token")?.ok_or(OAuthError::new(OAuthErrorCode::InvalidRequest, "token is missing"))?;
    // `token_type_hint` is not needed: the two token types cannot be confused.
    if let Some((at, _)) = tenant.keys.locator()?.open_refresh_token(token) {
        return end_grant(call, at).await;
    }
    match read_access_token(tenant, token, call.handle.now())? {
        Some(claims) => end_access_token(call, &claims).await,
        None => Ok(()),
    }
}

async fn end_grant(call: &ClientRequest, at: GrantLocator) -> Result<(), OAuthError> {
    let (store, now) = (&call.handle.tenant.store, call.handle.now());
    let query = GrantQuery { account: at.account, grant: at.grant, session: None, profile: false };
    let decided = store.decide(&call.handle.request, || async {
        let changes = match store.find_grant(query).await? {
            Some(snapshot) => revoke_refresh_token(&snapshot.grant, &call.client.client_id, now),
            None => Changes::default(),
        };
        Ok::<_, OAuthError>(Decision { changes, outcome: () })
    });
    Ok(decided.await?)
}

async fn end_access_token(call: &ClientRequest, claims: &AccessTokenClaims) -> Result<(), OAuthError> {
    let (store, now) = (&call.handle.tenant.store, call.handle.now());
    let token = RevokedJti { jti: claims.jti, expires_at: claims.expires_at() };
    let query = grant_of(&call.handle.tenant, claims, false)?;
    let decided = store.decide(&call.handle.request, || async {
        let changes = match query {
            Some(query) => match store.find_grant(GrantQuery { session: None, ..query }).await? {
                Some(snapshot) => revoke_access_token(&snapshot.grant, token, &call.client.client_id, now),
                None => Changes::default(),
            },
            None => {
                let known = store.find_revoked_jti(claims.jti).await?;
                revoke_grantless_token(token, &claims.client_id, &call.client.client_id, known, now)
            }
        };
        Ok::<_, OAuthError>(Decision { changes, outcome: () })
    });
    Ok(decided.await?)
}

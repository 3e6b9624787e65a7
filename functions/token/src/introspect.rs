//! `POST /oauth2/introspect` (RFC 7662): the state of a client's own token, or of a token for the resource server that the client is. Reads,
//! never writes.

use axum::Json;
use latchkey::domain::oauth::access_token::check_grant;
use latchkey::domain::oauth::claims::AccessTokenClaims;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::introspect::{Introspection, introspect_refresh_token, may_introspect};
use latchkey::domain::secret::{Secret256, hash_secret};
use latchkey::keys::locator::GrantLocator;
use latchkey::store::grant::GrantQuery;
use latchkey::web::OAuthError;
use latchkey::web::bearer::{grant_of, read_access_token};
use latchkey::web::client_authentication::ClientRequest;

pub(crate) async fn introspect(call: ClientRequest) -> Result<Json<Introspection>, OAuthError> {
    // Anyone can claim a public client id. This endpoint would be an oracle for stolen tokens (RFC 7662 §2.1).
    if !call.client.is_confidential() {
        return Err(OAuthError::new(OAuthErrorCode::InvalidClient, "introspection needs client authentication"));
    }
    let tenant = &call.handle.tenant;
    let token = call.params.one("token")?.ok_or(OAuthError::new(OAuthErrorCode::InvalidRequest, "token is missing"))?;
    let answer = if let Some((at, secret)) = tenant.keys.locator()?.open_refresh_token(token) {
        check_refresh_token(&call, at, &secret).await?
    } else if let Some(claims) = read_access_token(tenant, token, call.handle.now())? {
        check_access_token(&call, &claims).await?
    } else {
        Introspection::inactive()
    };
    Ok(Json(answer))
}

async fn check_refresh_token(call: &ClientRequest, at: GrantLocator, secret: &Secret256) -> Result<Introspection, OAuthError> {
    let tenant = &call.handle.tenant;
    let query = GrantQuery { account: at.account, grant: at.grant, session: at.session, profile: false };
    let Some(found) = tenant.store.find_grant(query).await? else { return Ok(Introspection::inactive()) };
    Ok(introspect_refresh_token(
        &found.grant,
        &found.authentication,
        found.session.as_ref(),
        hash_secret(secret),
        &call.client,
        &tenant.issuer,
        call.handle.now(),
    ))
}

async fn check_access_token(call: &ClientRequest, claims: &AccessTokenClaims) -> Result<Introspection, OAuthError> {
    let tenant = &call.handle.tenant;
    // A token that is not the caller's concern counts as invalid (security 30). So does one of a client that was removed. Check this before any
    // read.
    let owner = tenant.config.clients.get(&claims.client_id).filter(|_| may_introspect(&call.client, claims));
    let Some(owner) = owner else { return Ok(Introspection::inactive()) };
    let active = match (grant_of(tenant, claims, false)?, &claims.lk) {
        (Some(query), _) => match tenant.store.find_grant(query).await? {
            Some(found) => {
                let session = found.session.as_ref();
                check_grant(claims, &found.grant, &found.authentication, session, call.handle.now()).is_ok()
            }
            None => false,
        },
        (None, None) => !tenant.store.find_revoked_jti(claims.jti).await?,
        // It names a grant that does not exist: do not vouch for it.
        (None, Some(_)) => false,
    };
    Ok(if active { Introspection::of_access_token(claims, owner) } else { Introspection::inactive() })
}

//! Access tokens for Latchkey's own endpoints (RFC 6750, RFC 9068 §4): userinfo and introspection.
//!
//! 1. Check the signature and `typ`, then the claims against our own clock ([`read_access_token`]).
//! 2. Read the token's grant strongly, with account and session: what was revoked or ended in the meantime, or has a newer epoch, counts.

use super::oauth_error::OAuthError;
use crate::domain::id::{ClientId, GrantId};
use crate::domain::oauth::access_token::{AccessTokenRefused, check_claims, check_grant};
use crate::domain::oauth::claims::{ACCESS_TOKEN_TYP, AccessTokenClaims};
use crate::domain::oauth::error::OAuthErrorCode;
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::keys::KeyError;
use crate::services::Tenant;
use crate::store::grant::{GrantQuery, GrantSnapshot};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The claims of an access token of this tenant with a valid signature and lifetime. `None` for anything else.
///
/// # Errors
/// If this function has no such keys.
pub fn read_access_token(tenant: &Tenant, token: &str, now: Timestamp) -> Result<Option<AccessTokenClaims>, KeyError> {
    let payload = tenant.keys.signing()?.verify(ACCESS_TOKEN_TYP, token);
    let claims = payload.and_then(AccessTokenClaims::read);
    Ok(claims.filter(|claims| check_claims(claims, &tenant.issuer, now).is_ok()))
}

/// The place of the grant of a token. `None` for a token that a client got for itself, or a claim that does not open.
///
/// # Errors
/// If this function has no such keys.
pub fn grant_of(tenant: &Tenant, claims: &AccessTokenClaims, profile: bool) -> Result<Option<GrantQuery>, KeyError> {
    let locator = tenant.keys.locator()?;
    let opened = claims.lk.as_deref().and_then(|lk| locator.open_access_token_claim(lk, &claims.jti));
    Ok(opened.map(|at| GrantQuery { account: at.account, grant: at.grant, session: at.session, profile }))
}

/// An access token for Latchkey's own endpoints, with its grant.
pub struct Bearer {
    /// Its claims.
    pub claims: AccessTokenClaims,
    /// The grant in its stored state.
    pub snapshot: GrantSnapshot,
}

/// The token in `Authorization: Bearer`, if there is one (RFC 6750 §2.1).
///
/// # Errors
/// `invalid_request` if there are several, or it cannot be read.
pub fn header_token(headers: &HeaderMap) -> Result<Option<&str>, OAuthError> {
    const UNREADABLE: OAuthError =
        OAuthError::bearer(OAuthErrorCode::InvalidRequest, "The Authorization header can not be read");
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let Some(authorization) = authorizations.next() else { return Ok(None) };
    if authorizations.next().is_some() {
        return Err(UNREADABLE);
    }
    let text = authorization.to_str().map_err(|_| UNREADABLE)?;
    match text.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => Ok(Some(token.trim())),
        Some(_) | None => Ok(None),
    }
}

const INVALID: OAuthError = OAuthError::bearer(OAuthErrorCode::InvalidToken, "The access token is invalid, expired or revoked");

/// Checks the content of a token for one of Latchkey's own endpoints: for the issuer, with this scope. Also returns where its grant is.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`, or a failure of the keys.
pub(super) fn read_own(
    tenant: &Tenant,
    token: &str,
    scope: &'static str,
    profile: bool,
    now: Timestamp,
) -> Result<(AccessTokenClaims, GrantQuery), OAuthError> {
    let claims = read_access_token(tenant, token, now)?.ok_or(INVALID)?;
    // A token for a resource server must not work here, because that server has it too (RFC 8707 §2, RFC 9068 §4).
    if claims.aud != tenant.issuer {
        return Err(INVALID);
    }
    // What the document no longer has, or no longer allows, ends at once and not with the token.
    let client = tenant.config.clients.get(&claims.client_id).ok_or(INVALID)?;
    if !claims.scope.contains(scope) || !client.scope.contains(scope) {
        return Err(OAuthError {
            scope: Some(scope),
            ..OAuthError::bearer(OAuthErrorCode::InsufficientScope, "The access token lacks a scope")
        });
    }
    let query = grant_of(tenant, &claims, profile)?.ok_or(INVALID)?;
    Ok((claims, query))
}

impl Bearer {
    /// The scope of the token, without what the client may no longer have.
    #[must_use]
    pub fn scope(&self, tenant: &Tenant) -> ScopeSet {
        let client = tenant.config.clients.get(&self.claims.client_id);
        client.map(|client| self.claims.scope.intersection(&client.scope)).unwrap_or_default()
    }
    /// Admits a token to one of Latchkey's own endpoints. It must be for the issuer itself and have the scope, and its grant must be live.
    /// `profile` also reads profile and data key.
    ///
    /// # Errors
    /// `invalid_token`, `insufficient_scope`, or a failure of store or keys.
    pub async fn admit(
        tenant: &Tenant,
        token: &str,
        scope: &'static str,
        profile: bool,
        now: Timestamp,
    ) -> Result<Self, OAuthError> {
        let (claims, query) = read_own(tenant, token, scope, profile, now)?;
        let snapshot = tenant.store.find_grant(query).await?.ok_or(INVALID)?;
        let GrantSnapshot { grant, authentication, session, .. } = &snapshot;
        if let Err(refused) = check_grant(&claims, grant, authentication, session.as_ref(), now) {
            log_refusal(&claims.client_id, query.grant, refused);
            return Err(INVALID);
        }
        Ok(Self { claims, snapshot })
    }
}

pub(super) fn log_refusal(client_id: &ClientId, grant: GrantId, reason: AccessTokenRefused) {
    tracing::info!(%client_id, %grant, %reason, "access token refused");
}

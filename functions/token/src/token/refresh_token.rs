//! `grant_type=refresh_token`: each token has one live child (RFC 6749 §6). The rules are in `domain::oauth::rotate`.

use super::response::{Issue, IssueReason, TokenResponse, needs_profile, user_claims};
use latchkey::domain::change::Decision;
use latchkey::domain::id::ClientId;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::grant::{Grant, GrantState};
use latchkey::domain::oauth::issue::TokenRules;
use latchkey::domain::oauth::redeem::NextRefresh;
use latchkey::domain::oauth::rotate::{PresentedRefresh, RefreshRefused, RefreshSnapshot, rotate};
use latchkey::domain::oauth::scope::ScopeSet;
use latchkey::domain::secret::{Secret256, SecretText, hash_secret};
use latchkey::keys::KeyError;
use latchkey::keys::locator::GrantLocator;
use latchkey::services::{Services, Tenant};
use latchkey::store::grant::GrantQuery;
use latchkey::web::OAuthError;
use latchkey::web::client_authentication::ClientRequest;

const NOT_A_TOKEN: OAuthError = OAuthError::new(OAuthErrorCode::InvalidGrant, RefreshRefused::NotARefreshGrant.description());

pub(super) async fn rotate_token(services: &Services, call: &ClientRequest) -> Result<TokenResponse, OAuthError> {
    let (tenant, client, now) = (&call.handle.tenant, &call.client, call.handle.now());
    let refresh_keys = tenant.keys.refresh()?;
    let token =
        call.params.one("refresh_token")?.ok_or(OAuthError::new(OAuthErrorCode::InvalidRequest, "refresh_token is missing"))?;
    // A seal that cannot be opened is not ours: look up and change nothing.
    let (at, secret) = tenant.keys.locator()?.open_refresh_token(token).ok_or(NOT_A_TOKEN)?;
    let scope = requested_scope(call)?;
    let resource: Vec<&str> = call.params.all("resource").collect();
    let presented = PresentedRefresh {
        generation: at.generation,
        secret_hash: hash_secret(&secret),
        scope: scope.as_ref(),
        resource: &resource,
    };
    let key_version = refresh_keys.current_version();
    let child = refresh_keys.child(key_version, at.grant, at.generation.saturating_add(1), &secret)?;
    let next = NextRefresh { secret_hash: hash_secret(&child), key_version };
    let query = GrantQuery { account: at.account, grant: at.grant, session: at.session, profile: needs_profile(client) };

    let tokens = tenant.store.decide(&call.handle.request, || async {
        let Some(snapshot) = tenant.store.find_grant(query).await? else { return Ok(Decision::unchanged(Err(NOT_A_TOKEN))) };
        let known = RefreshSnapshot {
            grant: &snapshot.grant,
            authentication: &snapshot.authentication,
            session: snapshot.session.as_ref(),
        };
        let Decision { changes, outcome } = rotate(known, &presented, next, client, TokenRules::of(&tenant.config), now);
        let outcome = match outcome {
            Ok(issued) => {
                let refresh_token = live_child(tenant, &issued.grant, &at, &secret)?;
                let user = user_claims(tenant, client, &issued, snapshot.profile.as_ref().zip(snapshot.data_key.as_ref()))?;
                let issue = Issue { reason: IssueReason::Refresh, user };
                let tokens = TokenResponse::for_grant(tenant, client, &issued, issue, services.random.jti(), now).await?;
                Ok(tokens.with_refresh_token(refresh_token))
            }
            Err(refused) => Err(log_refusal(&client.client_id, refused)),
        };
        Ok::<_, OAuthError>(Decision { changes, outcome })
    });
    tokens.await?
}

/// The requested scope, if any (RFC 6749 §6).
pub(super) fn requested_scope(call: &ClientRequest) -> Result<Option<ScopeSet>, OAuthError> {
    const MALFORMED: OAuthError =
        OAuthError::new(OAuthErrorCode::InvalidScope, "scope must be a list of scope tokens separated by spaces");
    call.params.one("scope")?.map(|scope| scope.parse().map_err(|_| MALFORMED)).transpose()
}

/// The live child of the presented token. It is derived with the key version that the grant recorded when the child became live; at a retry
/// this may be an older version.
fn live_child(tenant: &Tenant, grant: &Grant, at: &GrantLocator, parent: &Secret256) -> Result<Option<SecretText>, KeyError> {
    let live = match &grant.state {
        GrantState::Active { refresh: Some(live), .. } => live,
        GrantState::Active { refresh: None, .. } | GrantState::CodeIssued | GrantState::Revoked { .. } => return Ok(None),
    };
    let child = tenant.keys.refresh()?.child(live.refresh_key_version, grant.id, live.generation, parent)?;
    let at = GrantLocator { generation: live.generation, ..*at };
    Ok(Some(tenant.keys.locator()?.refresh_token(&at, &child)))
}

fn log_refusal(client_id: &ClientId, reason: RefreshRefused) -> OAuthError {
    tracing::info!(%client_id, %reason, "refresh token refused");
    OAuthError::new(reason.code(), reason.description())
}

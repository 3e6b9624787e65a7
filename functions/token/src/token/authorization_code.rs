//! `grant_type=authorization_code`: exchanges a code for tokens, once (RFC 6749 §4.1.3). The rules are in `domain::oauth::redeem`.

use super::response::{Issue, IssueReason, TokenResponse, needs_profile, user_claims};
use latchkey::digest::sha256;
use latchkey::domain::change::Decision;
use latchkey::domain::id::ClientId;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::issue::TokenRules;
use latchkey::domain::oauth::redeem::{CodeRefused, CodeSnapshot, NextRefresh, PresentedCode, redeem};
use latchkey::domain::secret::hash_secret;
use latchkey::services::Services;
use latchkey::store::grant::GrantQuery;
use latchkey::web::OAuthError;
use latchkey::web::client_authentication::ClientRequest;

const NOT_A_CODE: OAuthError = OAuthError::new(OAuthErrorCode::InvalidGrant, CodeRefused::NotTheCode.description());

pub(super) async fn redeem_code(services: &Services, call: &ClientRequest) -> Result<TokenResponse, OAuthError> {
    let (tenant, client, now) = (&call.handle.tenant, &call.client, call.handle.now());
    let (locators, refresh_keys) = (tenant.keys.locator()?, tenant.keys.refresh()?);
    let code = call.params.one("code")?.ok_or(OAuthError::new(OAuthErrorCode::InvalidRequest, "code is missing"))?;
    let (at, secret) = locators.open_authorization_code(code).ok_or(NOT_A_CODE)?;
    let resource: Vec<&str> = call.params.all("resource").collect();
    let presented = PresentedCode {
        secret_hash: hash_secret(&secret),
        redirect_uri: call.params.one("redirect_uri")?,
        code_verifier: call.params.one("code_verifier")?,
        resource: &resource,
        sha256,
    };
    let key_version = refresh_keys.current_version();
    let child = refresh_keys.child(key_version, at.grant, 1, &secret)?;
    let next = NextRefresh { secret_hash: hash_secret(&child), key_version };
    let query = GrantQuery { account: at.account, grant: at.grant, session: at.session, profile: needs_profile(client) };

    let tokens = tenant.store.decide(&call.handle.request, || async {
        let Some(snapshot) = tenant.store.find_grant(query).await? else { return Ok(Decision::unchanged(Err(NOT_A_CODE))) };
        let known = CodeSnapshot {
            grant: &snapshot.grant,
            authentication: &snapshot.authentication,
            session: snapshot.session.as_ref(),
        };
        let Decision { changes, outcome } = redeem(known, &presented, next, client, TokenRules::of(&tenant.config), now);
        // Sign before the commit: if the keys fail, the code stays valid (security 137).
        let outcome = match outcome {
            Ok(issued) => {
                let jti = services.random.jti();
                let user = user_claims(tenant, client, &issued, snapshot.profile.as_ref().zip(snapshot.data_key.as_ref()))?;
                let issue = Issue { reason: IssueReason::Redemption, user };
                Ok(TokenResponse::for_new_grant(tenant, client, &issued, issue, &child, jti, now).await?)
            }
            Err(refused) => Err(log_refusal(&client.client_id, refused)),
        };
        Ok::<_, OAuthError>(Decision { changes, outcome })
    });
    tokens.await?
}

fn log_refusal(client_id: &ClientId, reason: CodeRefused) -> OAuthError {
    tracing::info!(%client_id, %reason, "authorization code refused");
    OAuthError::new(reason.code(), reason.description())
}

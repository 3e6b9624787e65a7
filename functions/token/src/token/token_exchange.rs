//! Token exchange (RFC 8693): exchanges an access token of the legacy user pool for our tokens. The rules are in `domain::oauth::exchange`.

use super::refresh_token::requested_scope;
use super::response::{Issue, IssueReason, TokenResponse, needs_profile, user_claims};
use latchkey::digest::sha256;
use latchkey::domain::change::Decision;
use latchkey::domain::id::{ClientId, Jti};
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::exchange::{
    ACCESS_TOKEN_TYPE, Asked, ExchangeRefused, LegacyToken, NewExchange, TokenClaim, exchange,
};
use latchkey::domain::oauth::issue::TokenRules;
use latchkey::domain::oauth::redeem::NextRefresh;
use latchkey::domain::secret::hash_secret;
use latchkey::domain::session::NewSession;
use latchkey::keys::LegacyTokenError;
use latchkey::services::Services;
use latchkey::web::OAuthError;
use latchkey::web::client_authentication::ClientRequest;
use serde_json::Map;

const fn malformed(description: &'static str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidRequest, description)
}

pub(super) async fn exchange_token(services: &Services, call: &ClientRequest) -> Result<TokenResponse, OAuthError> {
    let (tenant, client, now) = (&call.handle.tenant, &call.client, call.handle.now());
    let subject_token = read_request(call)?;
    let scope = requested_scope(call)?;
    let resource: Vec<&str> = call.params.all("resource").collect();
    let asked = Asked { scope: scope.as_ref(), resource: &resource };
    let pool =
        tenant.config.legacy_directory.as_ref().ok_or_else(|| log_refusal(&client.client_id, ExchangeRefused::NotMapped))?;
    let token = match services.legacy_keys.verify(&pool.user_pool_id, subject_token, now).await {
        Ok(claims) => LegacyToken::read(&claims, pool, client),
        Err(LegacyTokenError::NotGenuine) => Err(ExchangeRefused::NotAnAccessToken),
        Err(LegacyTokenError::NotInForce(_)) => Err(ExchangeRefused::NotInForce),
        Err(LegacyTokenError::KeysUnavailable(_)) => {
            return Err(OAuthError::new(
                OAuthErrorCode::TemporarilyUnavailable,
                "the user pool does not answer; please try again shortly",
            ));
        }
    };
    let token = token.map_err(|refused| log_refusal(&client.client_id, refused))?;
    let subject = tenant.keys.identifier()?.hash_subject(&token.subject);

    let refresh_keys = tenant.keys.refresh()?;
    let (grant_id, key_version) = (services.random.grant_id(), refresh_keys.current_version());
    let child = refresh_keys.child(key_version, grant_id, 1, &services.random.secret())?;
    let new = NewExchange {
        session: NewSession {
            id: services.random.session_id(),
            secret_hash: hash_secret(&services.random.secret()),
            device: None,
        },
        grant: grant_id,
        refresh: NextRefresh { secret_hash: hash_secret(&child), key_version },
        claim: None,
    };
    let rules = TokenRules::of(&tenant.config);

    let claim = (!client.is_confidential()).then(|| claim_id(subject_token));
    let tokens = tenant.store.decide(&call.handle.request, || async {
        let authentication = tenant.store.find_by_subject(&subject).await?;
        let claim = match claim {
            Some(id) => Some(TokenClaim { id, spent: tenant.store.find_revoked_jti(id).await? }),
            None => None,
        };
        let new = NewExchange { claim, ..new.clone() };
        let Decision { changes, outcome } = exchange(&token, authentication.as_ref(), asked, new, client, rules, now);
        let outcome = match outcome {
            Ok(issued) => {
                let jti = services.random.jti();
                let user = if needs_profile(client) && issued.id_token.is_some() {
                    let owner = tenant.store.find_profile(issued.grant.account).await?;
                    let parts = owner.as_ref().map(|owner| (&owner.profile, &owner.data_key));
                    user_claims(tenant, client, &issued, parts)?
                } else {
                    Map::new()
                };
                let issue = Issue { reason: IssueReason::Exchange, user };
                Ok(TokenResponse::for_new_grant(tenant, client, &issued, issue, &child, jti, now).await?)
            }
            Err(refused) => Err(log_refusal(&client.client_id, refused)),
        };
        Ok::<_, OAuthError>(Decision { changes, outcome })
    });
    tokens.await?
}

/// The id under which an exchanged token is stored: a digest of what the pool signed. The signature is left out, so that no other encoding
/// of it makes the token another one.
fn claim_id(token: &str) -> Jti {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    let digest = sha256(format!("exchanged token\n{signed}").as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Jti::from_bytes(id)
}

/// The subject token. Other features of RFC 8693 are refused with a specific error.
fn read_request(call: &ClientRequest) -> Result<&str, OAuthError> {
    let subject_token = call.params.one("subject_token")?.ok_or(malformed("subject_token is missing"))?;
    match call.params.one("subject_token_type")? {
        Some(ACCESS_TOKEN_TYPE) => {}
        Some(_) => {
            return Err(malformed("subject_token_type must be urn:ietf:params:oauth:token-type:access_token"));
        }
        None => return Err(malformed("subject_token_type is missing")),
    }
    if !matches!(call.params.one("requested_token_type")?, None | Some(ACCESS_TOKEN_TYPE)) {
        return Err(malformed("requested_token_type must be urn:ietf:params:oauth:token-type:access_token"));
    }
    if call.params.one("actor_token")?.is_some() || call.params.one("actor_token_type")?.is_some() {
        return Err(malformed("actor_token is not supported: delegation is not possible"));
    }
    if call.params.all("audience").next().is_some() {
        return Err(OAuthError::new(OAuthErrorCode::InvalidTarget, "audience is not supported; use resource (RFC 8707)"));
    }
    Ok(subject_token)
}

fn log_refusal(client_id: &ClientId, reason: ExchangeRefused) -> OAuthError {
    tracing::info!(%client_id, %reason, "token exchange refused");
    OAuthError::new(reason.code(), reason.description())
}

//! The token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3). Tokens are signed before the commit.

use crate::profile::open_profile;
use axum::Json;
use axum::response::{IntoResponse, Response};
use latchkey::domain::account::WrappedDataKey;
use latchkey::domain::id::Jti;
use latchkey::domain::oauth::claims::{ACCESS_TOKEN_TYP, AccessTokenClaims, ID_TOKEN_TYP, IdTokenClaims};
use latchkey::domain::oauth::client::Client;
use latchkey::domain::oauth::exchange::ACCESS_TOKEN_TYPE;
use latchkey::domain::oauth::grant::Grant;
use latchkey::domain::oauth::issue::{AccessGrant, Issued};
use latchkey::domain::oauth::scope::ScopeSet;
use latchkey::domain::oauth::user_claims::{StoredClaims, id_token_claims};
use latchkey::domain::profile::Profile;
use latchkey::domain::secret::{Secret256, SecretText};
use latchkey::domain::time::Timestamp;
use latchkey::keys::KeyError;
use latchkey::keys::digest::left_half;
use latchkey::keys::locator::GrantLocator;
use latchkey::services::Tenant;
use latchkey::web::OAuthError;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Signed tokens. They are sent after the decision is committed.
#[derive(Serialize)]
pub(super) struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    /// Only in a token exchange (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    expires_in: i64,
    /// Always stated, also if a token for a resource has none of it (RFC 6749 §5.1). A client that acts for itself and has no scope
    /// requested none.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<ScopeSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    refresh_token: Option<SecretText>,
}

fn expose<S: Serializer>(token: &Option<SecretText>, serializer: S) -> Result<S::Ok, S::Error> {
    token.as_ref().map(SecretText::expose).serialize(serializer)
}

/// The reason why tokens are signed.
pub(super) enum IssueReason {
    /// A code was redeemed.
    Redemption,
    /// A refresh token was presented.
    Refresh,
    /// A token of the legacy user pool was exchanged.
    Exchange,
}

/// What decides the content of the tokens besides the grant.
pub(super) struct Issue {
    /// Why they are signed.
    pub(super) reason: IssueReason,
    /// The claims about the user in the ID token.
    pub(super) user: Map<String, Value>,
}

/// Whether the ID tokens of the client contain claims about the user. Only then the profile is read: 2 RRU more.
pub(super) fn needs_profile(client: &Client) -> bool {
    !client.id_token_claims.is_empty()
}

/// The claims about the user in the ID token, from the profile and its data key.
pub(super) fn user_claims(
    tenant: &Tenant,
    client: &Client,
    issued: &Issued,
    owner: Option<(&Profile, &WrappedDataKey)>,
) -> Result<Map<String, Value>, OAuthError> {
    let Some(scope) = issued.id_token.as_ref().filter(|_| needs_profile(client)) else { return Ok(Map::new()) };
    let Some((profile, data_key)) = owner else { return Ok(Map::new()) };
    let claims = open_profile(tenant, profile, data_key)?;
    let stored = StoredClaims { claims: &claims, fields: &tenant.config.registration.fields, updated_at: profile.updated_at };
    Ok(id_token_claims(&client.id_token_claims, stored, scope))
}

impl TokenResponse {
    /// Signs the token of a client that acts on its own behalf.
    pub(super) async fn for_client(
        tenant: &Tenant,
        client: &Client,
        access: AccessGrant,
        jti: Jti,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let claims = AccessTokenClaims::of_client(&tenant.issuer, &client.client_id, &access, jti, now);
        let access_token = tenant.keys.signing()?.sign(access.algorithm, ACCESS_TOKEN_TYP, &claims).await?;
        let has_scope = !access.scope.is_empty();
        let tokens = Self::new(access_token, access, now);
        Ok(Self { scope: tokens.scope.filter(|_| has_scope), ..tokens })
    }

    /// Signs the tokens of a grant. The caller adds the refresh token.
    pub(super) async fn for_grant(
        tenant: &Tenant,
        client: &Client,
        issued: &Issued,
        issue: Issue,
        jti: Jti,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let Issued { grant, access, .. } = issued;
        let Issue { reason, user } = issue;
        let signing = tenant.keys.signing()?;
        let lk = tenant.keys.locator()?.access_token_claim(&locator(grant, 0), &jti);
        let claims = AccessTokenClaims::of_grant(&tenant.issuer, grant, access, jti, lk, now);
        let access_token = signing.sign(access.algorithm, ACCESS_TOKEN_TYP, &claims).await?;
        let id_token = if issued.id_token.is_some() {
            let algorithm = client.id_token_signed_response_alg;
            let at_hash = left_half(algorithm, &access_token);
            let refreshed = matches!(reason, IssueReason::Refresh);
            let claims =
                IdTokenClaims { user, ..IdTokenClaims::of_grant(&tenant.issuer, grant, access, at_hash, refreshed, now) };
            Some(signing.sign(algorithm, ID_TOKEN_TYP, &claims).await?)
        } else {
            None
        };
        let issued_token_type = matches!(reason, IssueReason::Exchange).then_some(ACCESS_TOKEN_TYPE);
        Ok(Self { id_token, issued_token_type, ..Self::new(access_token, access.clone(), now) })
    }

    /// As [`Self::for_grant`], for a new grant. `secret` is that of its first refresh token, if it gets one.
    pub(super) async fn for_new_grant(
        tenant: &Tenant,
        client: &Client,
        issued: &Issued,
        issue: Issue,
        secret: &Secret256,
        jti: Jti,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let tokens = Self::for_grant(tenant, client, issued, issue, jti, now).await?;
        let locators = tenant.keys.locator()?;
        Ok(tokens.with_refresh_token(
            issued.refresh_generation.map(|generation| locators.refresh_token(&locator(&issued.grant, generation), secret)),
        ))
    }

    fn new(access_token: String, access: AccessGrant, now: Timestamp) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            issued_token_type: None,
            // Never longer than the token's lifetime: `exp` has whole seconds.
            expires_in: access.expires_at.seconds() - now.seconds(),
            scope: Some(access.scope),
            id_token: None,
            refresh_token: None,
        }
    }

    pub(super) fn with_refresh_token(self, refresh_token: Option<SecretText>) -> Self {
        Self { refresh_token, ..self }
    }
}

/// The locator in a grant's tokens. An offline grant outlives its session, so its tokens name none: this saves a useless read.
fn locator(grant: &Grant, generation: u32) -> GrantLocator {
    let session = (!grant.is_offline()).then_some(grant.sid);
    GrantLocator { account: grant.account, grant: grant.id, session, generation }
}

impl IntoResponse for TokenResponse {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

//! Token introspection (RFC 7662) of the client's own refresh and access tokens, and of access tokens for a resource server that the client
//! is by the tenant document (§4). For any other token the response is `active: false` (security 30).

use super::claims::AccessTokenClaims;
use super::client::{Client, GrantType};
use super::grant::{Grant, GrantState};
use super::scope::{OFFLINE_ACCESS, ScopeSet};
use crate::domain::account::AccountState;
use crate::domain::id::{ClientId, Jti};
use crate::domain::roles::Roles;
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::sign_in::assurance::AcrValue;
use crate::domain::time::Timestamp;
use serde::Serialize;

/// The response (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Introspection {
    /// Whether the token is valid.
    pub active: bool,
    /// The other members. `None` for a token that is not active.
    #[serde(flatten)]
    pub token: Option<ActiveToken>,
}

/// The members of the response for an active token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// `scope`.
    pub scope: ScopeSet,
    /// `client_id`.
    pub client_id: ClientId,
    /// `Bearer` for an access token. A refresh token has no type (RFC 6749 §5.1 defines none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// NumericDate.
    pub exp: i64,
    /// NumericDate.
    pub iat: i64,
    /// The subject: the account, or the client itself.
    pub sub: String,
    /// The audience.
    pub aud: String,
    /// The issuer.
    pub iss: String,
    /// The id of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<Jti>,
    /// When the user signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The authentication context class (`acr`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<AcrValue>,
    /// The roles in an access token.
    #[serde(skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

impl Introspection {
    /// Not active, without a reason.
    #[must_use]
    pub const fn inactive() -> Self {
        Self { active: false, token: None }
    }

    /// The response for an access token that passed the checks of `access_token`. Its scope is limited to what its client may still have. A
    /// token that loses its whole scope is not active.
    #[must_use]
    pub fn of_access_token(claims: &AccessTokenClaims, client: &Client) -> Self {
        let scope = claims.scope.intersection(&client.scope);
        if scope.is_empty() && !claims.scope.is_empty() {
            return Self::inactive();
        }
        Self {
            active: true,
            token: Some(ActiveToken {
                scope,
                client_id: claims.client_id.clone(),
                token_type: Some("Bearer"),
                exp: claims.exp,
                iat: claims.iat,
                sub: claims.sub.clone(),
                aud: claims.aud.clone(),
                iss: claims.iss.clone(),
                jti: Some(claims.jti),
                auth_time: claims.auth_time,
                acr: claims.acr.clone(),
                roles: client.visible_roles(&claims.roles),
            }),
        }
    }
}

/// Whether the client may learn about an access token: its own, or one for a resource server that the document assigns to it. A token for the
/// issuer is never one for a resource server.
#[must_use]
pub fn may_introspect(client: &Client, claims: &AccessTokenClaims) -> bool {
    claims.client_id == client.client_id || client.introspection_resources.contains(&claims.aud)
}

/// The response for a refresh token. The introspection of a spent token is not a reuse, because nothing is issued.
#[must_use]
pub fn introspect_refresh_token(
    grant: &Grant,
    authentication: &AccountState,
    session: Option<&Session>,
    secret_hash: SecretHash,
    client: &Client,
    issuer: &str,
    now: Timestamp,
) -> Introspection {
    let live = match &grant.state {
        GrantState::Active { refresh: Some(live), .. } => live,
        GrantState::Active { refresh: None, .. } | GrantState::CodeIssued | GrantState::Revoked { .. } => {
            return Introspection::inactive();
        }
    };
    let genuine = grant.client_id == client.client_id && live.secret_hash == secret_hash && now < live.idle_expires_at;
    // A refresh would be refused as well.
    let scope = grant.scope.intersection(&client.scope);
    let may_refresh = client.allows(GrantType::RefreshToken)
        && (!grant.is_offline() || scope.contains(OFFLINE_ACCESS))
        && (!scope.is_empty() || grant.scope.is_empty());
    if !genuine || !may_refresh || grant.check_live(authentication, session, now).is_err() {
        return Introspection::inactive();
    }
    Introspection {
        active: true,
        token: Some(ActiveToken {
            scope,
            client_id: grant.client_id.clone(),
            token_type: None,
            exp: live.idle_expires_at.min(grant.expires_at).seconds(),
            iat: live.rotated_at.seconds(),
            sub: grant.sub.to_string(),
            aud: issuer.to_owned(),
            iss: issuer.to_owned(),
            jti: None,
            auth_time: Some(grant.auth_time.seconds()),
            acr: grant.acr(),
            roles: Roles::default(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountStatus;
    use crate::domain::oauth::fixture::{NOW, active, authentication, client, client_id, code_issued, hash, session};
    use crate::domain::oauth::grant::RevocationReason;
    use crate::domain::time::Span;
    use serde_json::json;

    const ISSUER: &str = "https://id.example";

    #[test]
    fn a_live_refresh_token_is_active_until_the_earlier_of_its_expiries() {
        let grant = active(Span::minutes(1));
        let answer = introspect_refresh_token(&grant, &authentication(), Some(&session()), hash(23), &client(), ISSUER, NOW);
        let expected = json!({
            "active": true, "scope": "account email openid orders:read", "client_id": "shop", "sub": grant.sub.to_string(),
            "aud": ISSUER, "iss": ISSUER, "iat": NOW.seconds() - 60, "exp": NOW.seconds() - 60 + 14 * 86_400,
            "auth_time": NOW.seconds() - 300, "acr": "urn:latchkey:acr:1",
        });
        assert_eq!(serde_json::to_value(&answer).unwrap(), expected);
    }

    #[test]
    fn security_30_any_other_token_is_inactive_without_further_members() {
        let grant = || active(Span::minutes(1));
        let other = Client { client_id: client_id("other"), ..client() };
        let code_only = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
        let unscoped = Client { scope: ScopeSet::default(), ..client() };
        let closed = AccountState { status: AccountStatus::Disabled { since: NOW }, ..authentication() };
        let epoch = AccountState { epoch: 4, ..authentication() };
        let ended = Session { ended_at: Some(NOW), ..session() };
        let idle = NOW + Span::days(14);
        let revoked = grant().revoked(RevocationReason::Withdrawn, NOW);
        let (live, open, own) = (authentication(), session(), client());
        let cases = [
            ("another client's", grant(), &live, &open, hash(23), &other, NOW),
            ("a spent one", grant(), &live, &open, hash(22), &own, NOW),
            ("account disabled", grant(), &closed, &open, hash(23), &own, NOW),
            ("epoch raised", grant(), &epoch, &open, hash(23), &own, NOW),
            ("session ended", grant(), &live, &ended, hash(23), &own, NOW),
            ("idle", grant(), &live, &open, hash(23), &own, idle),
            ("revoked", revoked, &live, &open, hash(23), &own, NOW),
            ("a client that may no longer refresh", grant(), &live, &open, hash(23), &code_only, NOW),
            ("a client without any of its scope", grant(), &live, &open, hash(23), &unscoped, NOW),
            ("a code", code_issued(), &live, &open, hash(10), &own, NOW),
        ];
        for (what, grant, authentication, session, secret_hash, client, now) in cases {
            let answer = introspect_refresh_token(&grant, authentication, Some(session), secret_hash, client, ISSUER, now);
            assert_eq!(serde_json::to_value(&answer).unwrap(), json!({"active": false}), "{what}");
        }
    }
}

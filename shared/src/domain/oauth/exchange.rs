//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`: exchanges an access token of the legacy user pool for tokens of Latchkey.
//! Applications can be migrated one by one, without a new sign-in of their users (RFC 8693, for this case only).
//!
//! 1. The pool signed the token, it is valid at this time, and it is an access token (`token_use`). `keys::former` verifies this.
//! 2. The pool issued it to the app client that the tenant document maps to this client. No other client may exchange it.
//! 3. Its subject has an active account here. A user who was not migrated must sign in once. So must a user who signed in at the pool
//!    before the password was changed here: the pool's session continues after the change, but gives no access (security 59).
//! 4. A public client can present a token once, because anyone who finds the token can claim to be that client.
//! 5. The result is a new session, which the user sees and can end, and a grant of this session. It never has scope `account`, and its
//!    sign-in is never recent enough for anything, because the pool's token does not say how the user signed in.

use super::client::{Client, GrantType};
use super::error::OAuthErrorCode;
use super::grant::{Grant, GrantState, RefreshToken};
use super::issue::{AccessGrant, Issued, TokenRules};
use super::redeem::NextRefresh;
use super::resource::{TargetError, algorithm_for, find_target, scope_for};
use super::scope::{ACCOUNT, OPENID, ScopeSet};
use crate::domain::account::AccountState;
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::id::{GrantId, Jti};
use crate::domain::linked_identity::FederatedSubject;
use crate::domain::session::NewSession;
use crate::domain::sign_in::assurance::Acr;
use crate::domain::sign_in::complete::open_unproven;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::tenant::LegacyDirectoryConfig;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

/// The name of the grant type (RFC 8693 §2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The only token type that is accepted and issued (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The relevant claims of a verified access token of the legacy pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyToken {
    /// The subject.
    pub subject: FederatedSubject,
    /// When the user signed in at the pool.
    pub auth_time: Timestamp,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Why a token of the legacy pool is not exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeRefused {
    /// The tenant has no user pool, or this client may not exchange tokens.
    #[error("this client exchanges no tokens of a user pool")]
    NotMapped,
    /// The pool did not sign the token, or it is an ID token.
    #[error("not an access token of the user pool")]
    NotAnAccessToken,
    /// The token has expired, or is not valid yet.
    #[error("the token is outside its lifetime")]
    NotInForce,
    /// The token was issued to an app client that is not mapped to this client.
    #[error("the token was issued to another app client")]
    AnotherClients,
    /// No account here was migrated from this subject.
    #[error("its subject was not migrated")]
    NotHere,
    /// The account is closed or erased.
    #[error("the account is not active")]
    AccountNotActive,
    /// The user signed in at the pool before all sessions here were ended.
    #[error("the sign-in is older than the account's current epoch")]
    SignedInBefore,
    /// The account needs two factors, and the token proves none of them.
    #[error("the account needs two factors")]
    Protected,
    /// A public client presented this token before.
    #[error("the token was exchanged before")]
    Spent,
    /// The client may not have this scope.
    #[error("scope exceeds what the client may have")]
    ScopeExceeded,
    /// The `resource` is not available.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl ExchangeRefused {
    /// The error code of the protocol. For a token that is not accepted it is `invalid_request` (RFC 8693 §2.2.2).
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::NotMapped => OAuthErrorCode::UnauthorizedClient,
            Self::NotAnAccessToken
            | Self::NotInForce
            | Self::AnotherClients
            | Self::NotHere
            | Self::AccountNotActive
            | Self::SignedInBefore
            | Self::Protected
            | Self::Spent => OAuthErrorCode::InvalidRequest,
            Self::ScopeExceeded => OAuthErrorCode::InvalidScope,
            Self::Target(error) => error.code(),
        }
    }
    /// The error description for the caller. A caller with a valid token may learn the state of its subject.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotMapped => "this client exchanges no tokens of a user pool",
            Self::NotAnAccessToken => "subject_token must be an access token of the user pool that users are migrated from",
            Self::NotInForce => "subject_token is expired or not valid yet; refresh it at the user pool first",
            Self::AnotherClients => "subject_token was issued to an app client of the pool that is not mapped to this client",
            Self::Protected => "the user signs in with two factors; start an authorization request instead",
            Self::NotHere => "the user was not migrated yet; let the user sign in once",
            Self::AccountNotActive => "the account is closed; let the user sign in",
            Self::SignedInBefore => "the user's sessions were ended after the sign-in at the user pool; let the user sign in",
            Self::Spent => "subject_token was exchanged before; refresh it at the user pool first, or authenticate the client",
            Self::ScopeExceeded => {
                "scope exceeds what this client may get for a token of the user pool; account needs a sign-in"
            }
            Self::Target(error) => error.description(),
        }
    }
}

impl LegacyToken {
    /// Reads verified claims of a token that this pool issued to the app client that is mapped to this client.
    ///
    /// # Errors
    /// [`ExchangeRefused::NotAnAccessToken`] or [`ExchangeRefused::AnotherClients`].
    pub fn read(claims: &Map<String, Value>, pool: &LegacyDirectoryConfig, client: &Client) -> Result<Self, ExchangeRefused> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let issuer = pool.issuer();
        let (Some("access"), true) = (text("token_use"), text("iss") == Some(issuer.as_str())) else {
            return Err(ExchangeRefused::NotAnAccessToken);
        };
        let (Some(subject), Some(app_client)) = (text("sub"), text("client_id")) else {
            return Err(ExchangeRefused::NotAnAccessToken);
        };
        if !pool.exchange.values().any(|ours| *ours == client.client_id) {
            return Err(ExchangeRefused::NotMapped);
        }
        let auth_time = claims.get("auth_time").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
        let auth_time = auth_time.map(Timestamp::from_seconds).ok_or(ExchangeRefused::NotAnAccessToken)?;
        let expires_at = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds);
        let expires_at = expires_at.ok_or(ExchangeRefused::NotAnAccessToken)?;
        if pool.exchange.get(app_client) != Some(&client.client_id) {
            return Err(ExchangeRefused::AnotherClients);
        }
        Ok(Self { subject: FederatedSubject { issuer, subject: subject.to_owned() }, auth_time, expires_at })
    }
}

/// What the client requests.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `scope`, if sent; otherwise `openid` alone.
    pub scope: Option<&'a ScopeSet>,
    /// All sent `resource` parameters.
    pub resource: &'a [&'a str],
}

/// The claim of a token that a public client presents: each such token is exchanged once.
#[derive(Debug, Clone, Copy)]
pub struct TokenClaim {
    /// A digest of the token, in the form of a token id.
    pub id: Jti,
    /// Whether the token was exchanged before.
    pub spent: bool,
}

/// Fresh random values for the created session and grant, and the claim.
#[derive(Debug, Clone)]
pub struct NewExchange {
    /// The session. Its cookie is not given to any browser.
    pub session: NewSession,
    /// The grant.
    pub grant: GrantId,
    /// The refresh token of the grant, if the client may have one.
    pub refresh: NextRefresh,
    /// The claim of the token, if the client is public.
    pub claim: Option<TokenClaim>,
}

/// Exchanges a token for a session and a grant of its subject's account here, if there is one.
pub fn exchange(
    token: &LegacyToken,
    account: Option<&AccountState>,
    asked: Asked<'_>,
    new: NewExchange,
    client: &Client,
    rules: TokenRules<'_>,
    now: Timestamp,
) -> Decision<Result<Issued, ExchangeRefused>> {
    let claim = new.claim;
    if claim.is_some_and(|claim| claim.spent) {
        return Decision::unchanged(Err(ExchangeRefused::Spent));
    }
    match issue(token, account, asked, new, client, rules, now) {
        Ok((opened, issued)) => {
            // The guard: of two exchanges of one token only one opens a session.
            let claimed =
                claim.map(|claim| Change::claim_exchanged_token(claim.id, client.client_id.clone(), token.expires_at));
            let opened = [opened, Change::exchange_token(issued.grant.clone())];
            Decision { changes: Changes(claimed.into_iter().chain(opened).collect()), outcome: Ok(issued) }
        }
        Err(refused) => Decision::unchanged(Err(refused)),
    }
}

fn issue(
    token: &LegacyToken,
    account: Option<&AccountState>,
    asked: Asked<'_>,
    new: NewExchange,
    client: &Client,
    rules: TokenRules<'_>,
    now: Timestamp,
) -> Result<(Change, Issued), ExchangeRefused> {
    let authentication = account.ok_or(ExchangeRefused::NotHere)?;
    if !authentication.is_active() {
        return Err(ExchangeRefused::AccountNotActive);
    }
    if authentication.epoch_began_at.is_some_and(|began| token.auth_time < began) {
        return Err(ExchangeRefused::SignedInBefore);
    }
    // The pool tells nothing about its own second factor.
    if authentication.protected || !rules.is_enough(authentication, Acr::None, now) {
        return Err(ExchangeRefused::Protected);
    }
    // Without `scope` the application gets only the subject. Nothing that lasts or acts on the account is given unasked.
    let granted = asked.scope.cloned().unwrap_or_else(|| ScopeSet::of(OPENID));
    if !granted.is_subset(&client.scope.without(ACCOUNT)) {
        return Err(ExchangeRefused::ScopeExceeded);
    }
    let target = find_target(None, asked.resource, &granted, client, rules.resources)?;
    let policy = rules.token;
    // The token does not contain the authentication methods at the pool.
    let auth_time = token.auth_time.min(now);
    let (opened, session) = open_unproven(authentication, new.session, auth_time, rules.session, now);
    let refresh = client.allows(GrantType::RefreshToken).then(|| RefreshToken {
        generation: 1,
        secret_hash: new.refresh.secret_hash,
        parent_hash: None,
        rotated_at: now,
        refresh_key_version: new.refresh.key_version,
        idle_expires_at: now + policy.refresh_idle,
    });
    let expires_at = now + if refresh.is_some() { policy.refresh_absolute } else { policy.access };
    let access = AccessGrant {
        scope: scope_for(&granted, target),
        resource: target.map(|resource| resource.resource.clone()),
        roles: client.visible_roles(&authentication.roles),
        algorithm: algorithm_for(client, target),
        expires_at: expires_at.min(now + policy.access),
    };
    let id_token = granted.contains(OPENID).then(|| granted.clone());
    let refresh_generation = refresh.as_ref().map(|refresh| refresh.generation);
    let grant = Grant {
        id: new.grant,
        account: authentication.account,
        sub: authentication.sub,
        epoch: authentication.epoch,
        client_id: client.client_id.clone(),
        sid: session.id,
        scope: granted,
        resource: access.resource.clone(),
        nonce: None,
        auth_time,
        amr: Vec::new(),
        proofs: Proofs::none(),
        acr: None,
        code: None,
        state: GrantState::Active { redeemed_at: now, refresh },
        revoked_jtis: Vec::new(),
        created_at: now,
        expires_at,
        version: 1,
    };
    Ok((opened, Issued { grant, access, id_token, refresh_generation }))
}

#[cfg(test)]
mod tests;

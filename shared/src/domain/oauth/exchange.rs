//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`: an access token of the former user pool becomes tokens of ours, so that
//! applications move one by one and nobody has to sign in for it (RFC 8693, built for this one case).
//!
//! 1. The token is the pool's, in force, and an access token (`token_use`): verified by `keys::former`.
//! 2. The pool issued it to the app client that the tenant's document maps to this very client: no other may exchange it.
//! 3. Its subject has an active account here. Who has not come over signs in once instead; and so does who signed in there before their
//!    password was changed here: the pool's session outlives that, and opens nothing any more (security 59).
//! 4. It becomes a session of its own, which the person sees and can end, and a grant of that session.

use super::client::{Client, GrantType};
use super::error::OAuthErrorCode;
use super::grant::{Grant, GrantState, RefreshToken};
use super::issue::{AccessGrant, Issued};
use super::redeem::NextRefresh;
use super::resource::{TargetError, algorithm_for, find_target, scope_for};
use super::scope::{OPENID, ScopeSet};
use crate::domain::account::Authentication;
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::id::GrantId;
use crate::domain::linked_identity::FederatedSubject;
use crate::domain::session::{NewSession, Session};
use crate::domain::tenant::{CognitoConfig, Resource, SessionPolicy, TokenPolicy};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The grant type's name (RFC 8693 §2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The one type of token that is taken and given (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A verified access token of the former pool, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerToken {
    /// Whose.
    pub subject: FederatedSubject,
    /// When the person proved who they are, there.
    pub auth_time: Timestamp,
}

/// Why a token of the former pool gives none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeRefused {
    /// The tenant has no user pool, or this client exchanges nothing.
    #[error("this client exchanges no tokens of a user pool")]
    NotMapped,
    /// The pool did not sign it, or it is an ID token.
    #[error("not an access token of the user pool")]
    NotAnAccessToken,
    /// It was in force before, or will be.
    #[error("the token is not in force")]
    NotInForce,
    /// It was issued to an app client that is not this client's.
    #[error("the token was issued to another app client")]
    AnotherClients,
    /// Nobody here comes from that subject.
    #[error("its subject has not come over")]
    NotHere,
    /// The account is closed, or erased.
    #[error("the account is not active")]
    AccountNotActive,
    /// The person signed in there before everything that was open here was ended.
    #[error("the sign-in is from before the account's present epoch")]
    SignedInBefore,
    /// The client may not have that scope.
    #[error("scope exceeds what the client may have")]
    ScopeExceeded,
    /// The `resource` is not to be had.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl ExchangeRefused {
    /// The code as the protocol has it: a token that is not taken is `invalid_request` (RFC 8693 §2.2.2).
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::NotMapped => OAuthErrorCode::UnauthorizedClient,
            Self::NotAnAccessToken
            | Self::NotInForce
            | Self::AnotherClients
            | Self::NotHere
            | Self::AccountNotActive
            | Self::SignedInBefore => OAuthErrorCode::InvalidRequest,
            Self::ScopeExceeded => OAuthErrorCode::InvalidScope,
            Self::Target(_) => OAuthErrorCode::InvalidTarget,
        }
    }
    /// What the caller is told: whoever holds a genuine token in force may know what has become of its subject.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotMapped => "this client exchanges no tokens of a user pool",
            Self::NotAnAccessToken => "subject_token must be an access token of the user pool that people come from",
            Self::NotInForce => "subject_token is not in force; refresh it at the user pool first",
            Self::AnotherClients => "subject_token was issued to an app client of the pool that is not this client's",
            Self::NotHere => "the person has not come over yet; let them sign in once",
            Self::AccountNotActive => "the account is closed; let the person sign in",
            Self::SignedInBefore => "the person's sessions were ended since they signed in at the user pool; let them sign in",
            Self::ScopeExceeded => "scope exceeds what this client may have",
            Self::Target(TargetError::Several) => "one resource at a time; ask for a token for each",
            Self::Target(TargetError::Unknown | TargetError::NotGranted) => "this client may not ask for that resource",
        }
    }
}

impl FormerToken {
    /// Reads verified claims, as this pool writes them for the app client that this client takes the place of.
    ///
    /// # Errors
    /// [`ExchangeRefused::NotAnAccessToken`] or [`ExchangeRefused::AnotherClients`].
    pub fn read(claims: &Map<String, Value>, pool: &CognitoConfig, client: &Client) -> Result<Self, ExchangeRefused> {
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
        if pool.exchange.get(app_client) != Some(&client.client_id) {
            return Err(ExchangeRefused::AnotherClients);
        }
        Ok(Self { subject: FederatedSubject { issuer, subject: subject.to_owned() }, auth_time })
    }
}

/// What the client asks for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `scope`, if sent; else all that the client may have.
    pub scope: Option<&'a ScopeSet>,
    /// Every `resource` sent.
    pub resource: &'a [&'a str],
}

/// What an exchange makes: fresh random values.
#[derive(Debug, Clone)]
pub struct NewExchange {
    /// The session. Nobody is given its cookie.
    pub session: NewSession,
    /// The grant.
    pub grant: GrantId,
    /// Its refresh token, if the client may have one.
    pub refresh: NextRefresh,
}

/// The tenant's rules.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeRules<'a> {
    /// Resource servers.
    pub resources: &'a BTreeMap<String, Resource>,
    /// Lifetimes of sessions.
    pub session: &'a SessionPolicy,
    /// Lifetimes of tokens.
    pub token: TokenPolicy,
}

/// Exchanges a token for a session and a grant of the account that its subject has here, if it has one.
pub fn exchange(
    token: &FormerToken,
    account: Option<&Authentication>,
    asked: Asked<'_>,
    new: NewExchange,
    client: &Client,
    rules: ExchangeRules<'_>,
    now: Timestamp,
) -> Decision<Result<Issued, ExchangeRefused>> {
    match issue(token, account, asked, new, client, rules, now) {
        Ok((session, issued)) => Decision {
            changes: Changes::one(Change::open_session(session)).then(Change::exchange_token(issued.grant.clone())),
            outcome: Ok(issued),
        },
        Err(refused) => Decision::unchanged(Err(refused)),
    }
}

fn issue(
    token: &FormerToken,
    account: Option<&Authentication>,
    asked: Asked<'_>,
    new: NewExchange,
    client: &Client,
    rules: ExchangeRules<'_>,
    now: Timestamp,
) -> Result<(Session, Issued), ExchangeRefused> {
    let authentication = account.ok_or(ExchangeRefused::NotHere)?;
    if !authentication.is_active() {
        return Err(ExchangeRefused::AccountNotActive);
    }
    if authentication.epoch_began_at.is_some_and(|began| token.auth_time < began) {
        return Err(ExchangeRefused::SignedInBefore);
    }
    let granted = match asked.scope {
        Some(scope) if !scope.is_subset(&client.scope) => return Err(ExchangeRefused::ScopeExceeded),
        Some(scope) => scope.clone(),
        None => client.scope.clone(),
    };
    let target = find_target(None, asked.resource, client, rules.resources)?;
    let policy = rules.token;
    // How they proved it there the token does not say.
    let auth_time = token.auth_time.min(now);
    let session = Session { auth_time, ..Session::open(new.session, authentication, Vec::new(), rules.session, now) };
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
        roles: client.told_roles(&authentication.roles),
        algorithm: algorithm_for(client, target),
        expires_at: expires_at.min(now + policy.access),
    };
    let id_token = granted.contains(OPENID);
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
        code: None,
        state: GrantState::Active { redeemed_at: now, refresh },
        revoked_jtis: Vec::new(),
        created_at: now,
        expires_at,
        version: 1,
    };
    Ok((session, Issued { grant, access, id_token, refresh_generation }))
}

#[cfg(test)]
mod tests;

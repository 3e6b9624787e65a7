//! `grant_type=refresh_token`: each token has one live child, and a retry is safe for a few seconds (RFC 6749 §6, RFC 9700 §4.14).
//!
//! ```text
//! presented = live, same client           ─▶ rotate: one conditional update of the grant
//! presented = live − 1, same client, within its retry window ─▶ the same child again, nothing written
//! presented = anything else that is genuine ─▶ the grant is revoked
//! ```
//! The window is ten seconds unless the client's registration says otherwise. It begins with the rotation and is never extended. After the use of the child, its parent is two generations old, so
//! there are never two live children.

use super::client::Client;
use super::error::OAuthErrorCode;
use super::grant::{Grant, GrantEnded, GrantState, RefreshToken, RevocationReason};
use super::issue::{AccessGrant, Issued, TokenRules};
use super::redeem::{LEVEL_TOO_LOW, NextRefresh};
use super::resource::{TargetError, algorithm_for, find_target, scope_for};
use super::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use crate::domain::account::AccountState;
use crate::domain::change::{Change, Decision};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::time::{Span, Timestamp};

/// For this time after a rotation the parent may be presented again (a lost response, a second tab), unless the client has another window.
pub const RETRY: Span = Span::seconds(10);
/// The longest window that a client may have.
pub const MAX_RETRY: Span = Span::seconds(60);

/// A refresh token that an authenticated client presents. Its seal is valid, so Latchkey has issued it.
#[derive(Debug, Clone, Copy)]
pub struct PresentedRefresh<'a> {
    /// The generation in the token.
    pub generation: u32,
    /// The hash of the secret.
    pub secret_hash: SecretHash,
    /// `scope`, if sent.
    pub scope: Option<&'a ScopeSet>,
    /// All sent `resource` parameters.
    pub resource: &'a [&'a str],
}

/// The stored items that the decision needs.
#[derive(Debug, Clone, Copy)]
pub struct RefreshSnapshot<'a> {
    /// The grant that the token names.
    pub grant: &'a Grant,
    /// The account of the grant.
    pub authentication: &'a AccountState,
    /// The session, if the grant depends on one.
    pub session: Option<&'a Session>,
}

/// Why a refresh token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefused {
    /// The grant has no refresh token.
    #[error("the grant has no refresh token")]
    NotARefreshGrant,
    /// The grant, account or session has ended.
    #[error(transparent)]
    Ended(#[from] GrantEnded),
    /// The token was not used in time.
    #[error("the refresh token was not used in time")]
    Idle,
    /// The token was spent before, or belongs to another client. Its grant is revoked.
    #[error("a spent or foreign refresh token was presented; the grant is revoked")]
    Reused,
    /// `offline_access` was removed from the client.
    #[error("the client may no longer have offline grants")]
    OfflineAccessGone,
    /// The client may no longer have any token of the granted scope.
    #[error("the client may no longer have any of the granted scope")]
    ScopeGone,
    /// The client needs a higher level by now.
    #[error("the client needs a higher level")]
    LevelTooLow,
    /// The requested scope exceeds the granted one.
    #[error("scope exceeds what was granted")]
    ScopeExceeded,
    /// The `resource` is not available.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl RefreshRefused {
    /// The error code of the protocol.
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::NotARefreshGrant
            | Self::Ended(_)
            | Self::Idle
            | Self::Reused
            | Self::OfflineAccessGone
            | Self::ScopeGone
            | Self::LevelTooLow => OAuthErrorCode::InvalidGrant,
            Self::ScopeExceeded => OAuthErrorCode::InvalidScope,
            Self::Target(error) => error.code(),
        }
    }
    /// The error description for the caller.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotARefreshGrant | Self::Ended(_) | Self::Idle | Self::Reused | Self::OfflineAccessGone | Self::ScopeGone => {
                "the refresh token is invalid, expired, revoked, or belongs to another client; sign in again"
            }
            Self::LevelTooLow => LEVEL_TOO_LOW,
            Self::ScopeExceeded => "scope must not exceed what was granted",
            Self::Target(error) => error.description(),
        }
    }
}

/// Rotates a refresh token. `next` is the child of the presented token, derived with the current refresh key.
///
/// On a retry the outcome contains the stored grant. Its `refresh_key_version` names the key that the same child is derived with
/// again.
pub fn rotate(
    snapshot: RefreshSnapshot<'_>,
    presented: &PresentedRefresh<'_>,
    next: NextRefresh,
    client: &Client,
    rules: TokenRules<'_>,
    now: Timestamp,
) -> Decision<Result<Issued, RefreshRefused>> {
    let RefreshSnapshot { grant, authentication, session } = snapshot;
    if let Err(ended) = grant.check_live(authentication, session, now) {
        return Decision::unchanged(Err(ended.into()));
    }
    let (redeemed_at, live) = match &grant.state {
        GrantState::Active { redeemed_at, refresh: Some(live) } => (*redeemed_at, live),
        GrantState::Active { refresh: None, .. } | GrantState::CodeIssued => {
            return Decision::unchanged(Err(RefreshRefused::NotARefreshGrant));
        }
        GrantState::Revoked { .. } => return Decision::unchanged(Err(GrantEnded::Revoked.into())),
    };
    if now >= live.idle_expires_at {
        return Decision::unchanged(Err(RefreshRefused::Idle));
    }
    let use_of =
        if grant.client_id == client.client_id { judge(live, presented, client.refresh_retry, now) } else { Use::Reuse };
    if use_of == Use::Reuse {
        let revoked = grant.revoked(RevocationReason::RefreshReuse, now);
        return Decision::one(Change::revoke_grant(revoked), Err(RefreshRefused::Reused));
    }
    let (scope, access) = match access(grant, authentication, presented, client, rules, now) {
        Ok(allowed) => allowed,
        Err(refused) => return Decision::unchanged(Err(refused)),
    };
    // A refresh that is narrowed to less than `openid` gets no ID token.
    let id_token = scope.contains(OPENID).then_some(scope);
    match use_of {
        Use::Retry | Use::Reuse => {
            let refresh_generation = Some(live.generation);
            Decision::unchanged(Ok(Issued { grant: grant.clone(), access, id_token, refresh_generation }))
        }
        Use::First => {
            let refresh = RefreshToken {
                generation: live.generation + 1,
                secret_hash: next.secret_hash,
                parent_hash: Some(presented.secret_hash),
                rotated_at: now,
                refresh_key_version: next.key_version,
                idle_expires_at: now + rules.token.refresh_idle,
            };
            let refresh_generation = Some(refresh.generation);
            let mut grant = Grant {
                state: GrantState::Active { redeemed_at, refresh: Some(refresh) },
                version: grant.version + 1,
                ..grant.clone()
            };
            grant.revoked_jtis.retain(|revoked| now < revoked.expires_at);
            let change = Change::rotate_refresh_token(grant.clone());
            Decision::one(change, Ok(Issued { grant, access, id_token, refresh_generation }))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    First,
    Retry,
    Reuse,
}

fn judge(live: &RefreshToken, presented: &PresentedRefresh<'_>, window: Span, now: Timestamp) -> Use {
    if presented.generation == live.generation && presented.secret_hash == live.secret_hash {
        Use::First
    } else if presented.generation.checked_add(1) == Some(live.generation)
        && live.parent_hash == Some(presented.secret_hash)
        && window > Span::ZERO
        && now.since(live.rotated_at) <= window
    {
        Use::Retry
    } else {
        Use::Reuse
    }
}

/// The scope of this refresh, and its access token. A narrowed scope applies to this token only. The grant keeps its scope (RFC 6749 §6).
fn access(
    grant: &Grant,
    account: &AccountState,
    presented: &PresentedRefresh<'_>,
    client: &Client,
    rules: TokenRules<'_>,
    now: Timestamp,
) -> Result<(ScopeSet, AccessGrant), RefreshRefused> {
    let still_granted = grant.scope.intersection(&client.scope);
    if !rules.accepts(client, account, &grant.proofs(), now) {
        return Err(RefreshRefused::LevelTooLow);
    }
    if grant.is_offline() && !still_granted.contains(OFFLINE_ACCESS) {
        return Err(RefreshRefused::OfflineAccessGone);
    }
    if still_granted.is_empty() && !grant.scope.is_empty() {
        return Err(RefreshRefused::ScopeGone);
    }
    let scope = match presented.scope {
        Some(asked) if !asked.is_subset(&grant.scope) => return Err(RefreshRefused::ScopeExceeded),
        Some(asked) => asked.intersection(&still_granted),
        None => still_granted,
    };
    let target = find_target(grant.resource.as_deref(), presented.resource, &scope, client, rules.resources)?;
    let access = AccessGrant {
        scope: scope_for(&scope, target),
        resource: target.map(|r| r.resource.clone()),
        roles: client.visible_roles(&account.roles),
        algorithm: algorithm_for(client, target),
        expires_at: grant.expires_at.min(now + rules.token.access),
    };
    Ok((scope, access))
}

#[cfg(test)]
mod tests;

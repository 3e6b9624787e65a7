//! `grant_type=authorization_code`: redeems a code for tokens, once (RFC 6749 §4.1.3, RFC 7636 §4.6, OpenID Connect Core §3.1.3).
//!
//! 1. The caller must be the client that the code was issued to.
//! 2. `redirect_uri` and `code_verifier` must match the authorization request.
//! 3. If the code was redeemed before and the request passes these checks, the grant is revoked. Otherwise nothing is revoked, so that an
//!    attacker who has only seen a code cannot end a grant.
//! 4. The code must not be expired, and session and account must be active.
//! 5. The issued scope is limited to what the client may have now.

use super::client::{Client, GrantType};
use super::error::OAuthErrorCode;
use super::grant::{AuthorizationCode, Grant, GrantEnded, GrantState, RefreshToken, RevocationReason};
use super::issue::{AccessGrant, Issued, TokenRules};
use super::pkce::{VerifierError, check_verifier};
use super::resource::{TargetError, algorithm_for, find_target, scope_for};
use super::scope::OPENID;
use crate::domain::account::AccountState;
use crate::domain::change::{Change, Decision};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

/// A code that an authenticated client presents.
#[derive(Debug, Clone, Copy)]
pub struct PresentedCode<'a> {
    /// The hash of the secret.
    pub secret_hash: SecretHash,
    /// `redirect_uri`, if sent.
    pub redirect_uri: Option<&'a str>,
    /// `code_verifier`, if sent.
    pub code_verifier: Option<&'a str>,
    /// All sent `resource` parameters.
    pub resource: &'a [&'a str],
    /// SHA-256.
    pub sha256: fn(&[u8]) -> [u8; 32],
}

/// The refresh token of the grant. It is derived from the presented code before the decision, and may stay unused.
#[derive(Debug, Clone, Copy)]
pub struct NextRefresh {
    /// The hash of the secret.
    pub secret_hash: SecretHash,
    /// The version of the key that it was derived with.
    pub key_version: u32,
}

/// The stored items that the decision needs.
#[derive(Debug, Clone, Copy)]
pub struct CodeSnapshot<'a> {
    /// The grant that the code names.
    pub grant: &'a Grant,
    /// The account of the grant.
    pub authentication: &'a AccountState,
    /// The session of the grant.
    pub session: Option<&'a Session>,
}

/// Why a code is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// The grant has another code.
    #[error("not the code of its grant")]
    NotTheCode,
    /// The code was issued to another client.
    #[error("the code was issued to another client")]
    ClientMismatch,
    /// `redirect_uri` differs, or is missing although nothing else binds the code to the client that started the authorization.
    #[error("redirect_uri is not that of the authorization request")]
    RedirectUriMismatch,
    /// PKCE fails.
    #[error(transparent)]
    Verifier(#[from] VerifierError),
    /// The code was redeemed before.
    #[error("the code was redeemed before")]
    Replayed,
    /// More than 60 seconds have passed.
    #[error("the code has expired")]
    Expired,
    /// The grant, account or session has ended.
    #[error(transparent)]
    Ended(#[from] GrantEnded),
    /// The client may no longer have any token of the granted scope.
    #[error("the client may no longer have any of the granted scope")]
    ScopeGone,
    /// The client needs a higher level by now.
    #[error("the client needs a higher level")]
    LevelTooLow,
    /// The `resource` is not available.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl CodeRefused {
    /// The error code of the protocol.
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::NotTheCode
            | Self::ClientMismatch
            | Self::RedirectUriMismatch
            | Self::Verifier(_)
            | Self::Replayed
            | Self::Expired
            | Self::Ended(_)
            | Self::ScopeGone
            | Self::LevelTooLow => OAuthErrorCode::InvalidGrant,
            Self::Target(error) => error.code(),
        }
    }
    /// The error description for the caller. It helps to fix a client, and discloses nothing about the code of another client.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotTheCode | Self::ClientMismatch | Self::Replayed | Self::Expired | Self::Ended(_) | Self::ScopeGone => {
                "the authorization code is invalid, expired, used, or belongs to another client; start a new authorization request"
            }
            Self::LevelTooLow => LEVEL_TOO_LOW,
            Self::RedirectUriMismatch => "redirect_uri must be the one of the authorization request",
            Self::Verifier(VerifierError::Missing) => {
                "code_verifier is missing; the authorization request had a code_challenge"
            }
            Self::Verifier(VerifierError::Unexpected) => {
                "code_verifier was sent, but the authorization request had no code_challenge"
            }
            Self::Verifier(VerifierError::Mismatch) => "code_verifier does not match code_challenge",
            Self::Target(error) => error.description(),
        }
    }
}

/// `error_description` for a grant with an `acr` below the client's present `min_acr`.
pub const LEVEL_TOO_LOW: &str = "the user must sign in again with a higher level; start a new authorization request";

/// Redeems a code.
pub fn redeem(
    snapshot: CodeSnapshot<'_>,
    presented: &PresentedCode<'_>,
    next: NextRefresh,
    client: &Client,
    rules: TokenRules<'_>,
    now: Timestamp,
) -> Decision<Result<Issued, CodeRefused>> {
    let grant = snapshot.grant;
    let code = match check_presenter(grant, presented, client) {
        Ok(code) => code,
        Err(refused) => return Decision::unchanged(Err(refused)),
    };
    match grant.state {
        GrantState::CodeIssued if now >= code.expires_at => return Decision::unchanged(Err(CodeRefused::Expired)),
        GrantState::CodeIssued => {}
        GrantState::Active { .. } => {
            let revoked = grant.revoked(RevocationReason::CodeReplayed, now);
            return Decision::one(Change::revoke_grant(revoked), Err(CodeRefused::Replayed));
        }
        GrantState::Revoked { .. } => return Decision::unchanged(Err(CodeRefused::Ended(GrantEnded::Revoked))),
    }
    match issue(snapshot, presented, next, client, rules, now) {
        Ok(issued) => Decision::one(Change::redeem_authorization_code(issued.grant.clone()), Ok(issued)),
        Err(refused) => Decision::unchanged(Err(refused)),
    }
}

/// Checks that the code belongs to the caller, before the state of the code, so that an attempt of another caller has no effect.
fn check_presenter<'a>(
    grant: &'a Grant,
    presented: &PresentedCode<'_>,
    client: &Client,
) -> Result<&'a AuthorizationCode, CodeRefused> {
    let code = grant.code.as_ref().ok_or(CodeRefused::NotTheCode)?;
    if code.secret_hash != presented.secret_hash {
        return Err(CodeRefused::NotTheCode);
    }
    if grant.client_id != client.client_id {
        return Err(CodeRefused::ClientMismatch);
    }
    match presented.redirect_uri {
        Some(sent) if sent != code.redirect_uri => return Err(CodeRefused::RedirectUriMismatch),
        // RFC 6749 §4.1.3 requires it again. With a challenge it adds nothing (OAuth 2.1 removed it). Without a challenge it prevents
        // the use of a code that was sent to another redirect URI.
        None if code.redirect_uri_in_request && code.code_challenge.is_none() => return Err(CodeRefused::RedirectUriMismatch),
        Some(_) | None => {}
    }
    check_verifier(code.code_challenge.as_deref(), presented.code_verifier, presented.sha256)?;
    Ok(code)
}

fn issue(
    snapshot: CodeSnapshot<'_>,
    presented: &PresentedCode<'_>,
    next: NextRefresh,
    client: &Client,
    rules: TokenRules<'_>,
    now: Timestamp,
) -> Result<Issued, CodeRefused> {
    let CodeSnapshot { grant, authentication, session } = snapshot;
    grant.check_live(authentication, session, now)?;
    if !rules.accepts(client, authentication, &grant.proofs(), now) {
        return Err(CodeRefused::LevelTooLow);
    }
    let granted = grant.scope.intersection(&client.scope);
    if granted.is_empty() && !grant.scope.is_empty() {
        return Err(CodeRefused::ScopeGone);
    }
    let target = find_target(grant.resource.as_deref(), presented.resource, &granted, client, rules.resources)?;
    let refresh = client.allows(GrantType::RefreshToken).then(|| RefreshToken {
        generation: 1,
        secret_hash: next.secret_hash,
        parent_hash: None,
        rotated_at: now,
        refresh_key_version: next.key_version,
        idle_expires_at: now + rules.token.refresh_idle,
    });
    // From now on the grant expires together with the last token that can be issued under it.
    let expires_at = now + if refresh.is_some() { rules.token.refresh_absolute } else { rules.token.access };
    let refresh_generation = refresh.as_ref().map(|r| r.generation);
    Ok(Issued {
        access: AccessGrant {
            scope: scope_for(&granted, target),
            resource: target.map(|r| r.resource.clone()),
            roles: client.visible_roles(&authentication.roles),
            algorithm: algorithm_for(client, target),
            expires_at: expires_at.min(now + rules.token.access),
        },
        id_token: granted.contains(OPENID).then(|| granted.clone()),
        refresh_generation,
        grant: Grant {
            state: GrantState::Active { redeemed_at: now, refresh },
            expires_at,
            version: grant.version + 1,
            ..grant.clone()
        },
    })
}

#[cfg(test)]
mod tests;

//! `grant_type=authorization_code`: from a code to tokens, once (RFC 6749 §4.1.3, RFC 7636 §4.6, OpenID Connect Core §3.1.3).
//!
//! 1. The caller is the client that the code was issued to.
//! 2. `redirect_uri` and `code_verifier` are those of the authorization request.
//! 3. A code that was redeemed before and comes with all of that again revokes its grant; otherwise nothing is revoked, so that
//!    whoever merely saw a code can end nobody's grant.
//! 4. The code has not expired; session and account live.
//! 5. What the client may have by now is issued.

use super::client::{Client, GrantType};
use super::error::OAuthErrorCode;
use super::grant::{AuthorizationCode, Grant, GrantEnded, GrantState, RefreshToken, RevocationReason};
use super::issue::{AccessGrant, Issued};
use super::pkce::{VerifierError, check_verifier};
use super::resource::{TargetError, algorithm_for, find_target, scope_for};
use super::scope::OPENID;
use crate::domain::account::Authentication;
use crate::domain::change::{Change, Decision};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::tenant::{Resource, TokenPolicy};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A code as it was presented by an authenticated client.
#[derive(Debug, Clone, Copy)]
pub struct PresentedCode<'a> {
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// `redirect_uri`, if sent.
    pub redirect_uri: Option<&'a str>,
    /// `code_verifier`, if sent.
    pub code_verifier: Option<&'a str>,
    /// Every `resource` sent.
    pub resource: &'a [&'a str],
    /// SHA-256.
    pub sha256: fn(&[u8]) -> [u8; 32],
}

/// The refresh token that the grant would get: derived from what was presented, before it is known whether it will be used.
#[derive(Debug, Clone, Copy)]
pub struct NextRefresh {
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// Version of the key that it was derived with.
    pub key_version: u32,
}

/// What a redemption is decided on.
#[derive(Debug, Clone, Copy)]
pub struct CodeSnapshot<'a> {
    /// The grant that the code names.
    pub grant: &'a Grant,
    /// Its account.
    pub authentication: &'a Authentication,
    /// Its session.
    pub session: Option<&'a Session>,
}

/// Why a code gives no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// The grant has another code.
    #[error("not the code of its grant")]
    NotTheCode,
    /// It was issued to another client.
    #[error("the code was issued to another client")]
    ClientMismatch,
    /// `redirect_uri` is another one, or is missing where nothing else binds the code to the client that began.
    #[error("redirect_uri is not that of the authorization request")]
    RedirectUriMismatch,
    /// The proof of possession fails.
    #[error(transparent)]
    Verifier(#[from] VerifierError),
    /// It was redeemed before.
    #[error("the code was redeemed before")]
    Replayed,
    /// More than 60 seconds passed.
    #[error("the code has expired")]
    Expired,
    /// Grant, account or session ended.
    #[error(transparent)]
    Ended(#[from] GrantEnded),
    /// Nothing of what was granted is the client's to have any more.
    #[error("the client may have nothing of the granted scope any more")]
    ScopeGone,
    /// The `resource` is not to be had.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl CodeRefused {
    /// The code as the protocol has it.
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
            | Self::ScopeGone => OAuthErrorCode::InvalidGrant,
            Self::Target(_) => OAuthErrorCode::InvalidTarget,
        }
    }
    /// What the caller is told: enough to mend a client, nothing about a code that is not the caller's.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotTheCode | Self::ClientMismatch | Self::Replayed | Self::Expired | Self::Ended(_) | Self::ScopeGone => {
                "the authorization code is invalid, expired, used or another client's; begin a new authorization request"
            }
            Self::RedirectUriMismatch => "redirect_uri must be the one of the authorization request",
            Self::Verifier(VerifierError::Missing) => {
                "code_verifier is missing; the authorization request had a code_challenge"
            }
            Self::Verifier(VerifierError::Unexpected) => {
                "code_verifier was sent, but the authorization request had no code_challenge"
            }
            Self::Verifier(VerifierError::Mismatch) => "code_verifier is not the one that code_challenge was made from",
            Self::Target(TargetError::Several) => "one resource at a time; ask for a token for each",
            Self::Target(TargetError::Unknown) => "this client may not ask for that resource",
            Self::Target(TargetError::NotGranted) => "resource is not the one of the authorization request",
        }
    }
}

/// Redeems a code.
pub fn redeem(
    snapshot: CodeSnapshot<'_>,
    presented: &PresentedCode<'_>,
    next: NextRefresh,
    client: &Client,
    resources: &BTreeMap<String, Resource>,
    policy: TokenPolicy,
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
    match issue(snapshot, presented, next, client, resources, policy, now) {
        Ok(issued) => Decision::one(Change::redeem_authorization_code(issued.grant.clone()), Ok(issued)),
        Err(refused) => Decision::unchanged(Err(refused)),
    }
}

/// What binds the code to who presents it: judged before its state, so that a stranger's attempt has no effect at all.
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
        // RFC 6749 §4.1.3 wants it again; with a challenge it adds nothing (OAuth 2.1 dropped it), without one it is what keeps a
        // code that leaked to another redirect URI from being used.
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
    resources: &BTreeMap<String, Resource>,
    policy: TokenPolicy,
    now: Timestamp,
) -> Result<Issued, CodeRefused> {
    let CodeSnapshot { grant, authentication, session } = snapshot;
    grant.check_live(authentication, session, now)?;
    let granted = grant.scope.intersection(&client.scope);
    if granted.is_empty() && !grant.scope.is_empty() {
        return Err(CodeRefused::ScopeGone);
    }
    let target = find_target(grant.resource.as_deref(), presented.resource, client, resources)?;
    let refresh = client.allows(GrantType::RefreshToken).then(|| RefreshToken {
        generation: 1,
        secret_hash: next.secret_hash,
        parent_hash: None,
        rotated_at: now,
        refresh_key_version: next.key_version,
        idle_expires_at: now + policy.refresh_idle,
    });
    // From here on the grant lives as long as anything issued under it can.
    let expires_at = now + if refresh.is_some() { policy.refresh_absolute } else { policy.access };
    let refresh_generation = refresh.as_ref().map(|r| r.generation);
    Ok(Issued {
        access: AccessGrant {
            scope: scope_for(&granted, target),
            resource: target.map(|r| r.resource.clone()),
            roles: client.told_roles(&authentication.roles),
            algorithm: algorithm_for(client, target),
            expires_at: expires_at.min(now + policy.access),
        },
        id_token: granted.contains(OPENID),
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

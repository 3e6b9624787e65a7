//! A grant is one item. Its first state is the authorization code, and its later states have the refresh token. The grant of a token
//! exchange begins in the second state.
//!
//! ```text
//! CodeIssued ──redeem──▶ Active { refresh: Some | None } ──rotate──▶ Active (generation + 1)
//!     │ replay, reuse, revocation, withdrawal                │
//!     └──────────────────▶ Revoked ◀─────────────────────────┘
//! ```

use super::scope::{OFFLINE_ACCESS, ScopeSet};
use crate::domain::account::AccountState;
use crate::domain::amr::Amr;
use crate::domain::id::{AccountId, ClientId, GrantId, Jti, SessionId, Sub};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::sign_in::assurance::AcrValue;
use crate::domain::sign_in::evidence::{Proofs, acr_of, proofs_of};
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The permission of one client for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The id of the grant. Outside the service it is only inside sealed locators.
    pub id: GrantId,
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The account's subject identifier.
    pub sub: Sub,
    /// The account's epoch when the grant was issued.
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// The client.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// The session of the authorization. Without `offline_access` the grant ends with it.
    pub sid: SessionId,
    /// The granted scope.
    #[serde(rename = "scp")]
    pub scope: ScopeSet,
    /// The one requested audience (RFC 8707), if any.
    #[serde(rename = "res", skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `nonce` of the request, repeated in the ID token.
    #[serde(rename = "non", skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the user signed in.
    #[serde(rename = "aut")]
    pub auth_time: Timestamp,
    /// The authentication methods.
    pub amr: Vec<Amr>,
    /// What was proven in the session at the time of the authorization. Empty: an earlier release wrote the grant, or it is of a token
    /// exchange. See [`Grant::proofs`].
    #[serde(rename = "ev", default, skip_serializing_if = "Proofs::is_empty")]
    pub proofs: Proofs,
    /// `acr` of the tokens. See [`Grant::acr`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<AcrValue>,
    /// The issued code. It is kept after redemption, so that a replay passes the same checks. `None` for the grant of a token
    /// exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<AuthorizationCode>,
    /// The state of the grant.
    #[serde(rename = "st")]
    pub state: GrantState,
    /// `jti` of revoked access tokens that have not expired yet. The list is limited, and pruned at each write.
    #[serde(rename = "rj", default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_jtis: Vec<RevokedJti>,
    /// When the grant was issued.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// The absolute expiry of the grant.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The version of the stored item.
    pub version: u64,
}

/// Why a grant is no longer valid. Callers of the protocol see only `invalid_grant` or `invalid_token`. This reason is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantEnded {
    /// The grant was revoked.
    #[error("the grant was revoked")]
    Revoked,
    /// The grant reached its absolute expiry.
    #[error("the grant has expired")]
    Expired,
    /// The account is disabled or about to be erased.
    #[error("the account is not active")]
    AccountNotActive,
    /// A change of the password or the status invalidated everything issued before it.
    #[error("the account's epoch has passed the grant's")]
    EpochPassed,
    /// The session that the grant depends on has ended.
    #[error("the session has ended")]
    SessionEnded,
}

/// For this time the code can be redeemed (security 13).
pub const CODE_LIFETIME: Span = Span::seconds(60);

impl Grant {
    /// Returns whether the grant continues after the end of its session (OpenID Connect Core §11).
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.scope.contains(OFFLINE_ACCESS)
    }
    /// What was proven for this grant.
    #[must_use]
    pub fn proofs(&self) -> Cow<'_, Proofs> {
        proofs_of(&self.proofs, &self.amr, self.auth_time)
    }
    /// `acr` of the tokens. `None` if nothing was proven here (a token exchange).
    #[must_use]
    pub fn acr(&self) -> Option<AcrValue> {
        self.acr.clone().or_else(|| acr_of(&self.proofs()))
    }
    /// Checks whether the grant is valid: its state and expiry, its account, and its session if it depends on one. The expiry is
    /// checked here and never left to TTL (security 34, 36, 131).
    ///
    /// # Errors
    /// Why the grant is not valid.
    pub fn check_live(
        &self,
        authentication: &AccountState,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Result<(), GrantEnded> {
        if matches!(self.state, GrantState::Revoked { .. }) {
            return Err(GrantEnded::Revoked);
        }
        if now >= self.expires_at {
            return Err(GrantEnded::Expired);
        }
        if !authentication.is_active() || authentication.account != self.account {
            return Err(GrantEnded::AccountNotActive);
        }
        if authentication.epoch != self.epoch {
            return Err(GrantEnded::EpochPassed);
        }
        // A code depends on its session, even if the grant will not after redemption.
        let depends = !self.is_offline() || matches!(self.state, GrantState::CodeIssued);
        if depends && !session.is_some_and(|s| s.id == self.sid && s.is_live(authentication, now)) {
            return Err(GrantEnded::SessionEnded);
        }
        Ok(())
    }
    /// Returns whether this access token itself was revoked.
    #[must_use]
    pub fn has_revoked(&self, jti: Jti) -> bool {
        self.revoked_jtis.iter().any(|revoked| revoked.jti == jti)
    }
    /// Revokes the grant. The write requires that the stored version has not changed. What was proven for it counts no more.
    #[must_use]
    pub fn revoked(&self, reason: RevocationReason, at: Timestamp) -> Self {
        Self {
            state: GrantState::Revoked { at, reason },
            revoked_jtis: Vec::new(),
            proofs: Proofs::none(),
            acr: None,
            version: self.version + 1,
            ..self.clone()
        }
    }
}

/// The values that an authorization code is bound to (security 13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The hash of the secret.
    #[serde(rename = "sh")]
    pub secret_hash: SecretHash,
    /// The redirect URI that received the code.
    #[serde(rename = "ru")]
    pub redirect_uri: String,
    /// Whether the request contained `redirect_uri`.
    #[serde(rename = "rur")]
    pub redirect_uri_in_request: bool,
    /// The S256 challenge, if the request had one.
    #[serde(rename = "cc", skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// The expiry, at most 60 seconds after the issue.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

/// The state of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum GrantState {
    /// The code was issued, and not redeemed yet.
    CodeIssued,
    /// The code was redeemed.
    Active {
        /// The time.
        #[serde(rename = "at")]
        redeemed_at: Timestamp,
        /// The live refresh token, if the grant has one.
        #[serde(rename = "rt", skip_serializing_if = "Option::is_none")]
        refresh: Option<RefreshToken>,
    },
    /// The grant has ended. No token of it is valid.
    Revoked {
        /// The time.
        at: Timestamp,
        /// The reason.
        #[serde(rename = "why")]
        reason: RevocationReason,
    },
}

/// The live refresh token of a grant. The secret of generation n+1 is derived from the secret of generation n, so a retry returns the same
/// child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// The generation of the live token, from 1.
    #[serde(rename = "gen")]
    pub generation: u32,
    /// The hash of the secret.
    #[serde(rename = "sh")]
    pub secret_hash: SecretHash,
    /// The hash of the parent's secret. The parent may be presented again for 10 seconds after `rotated_at`, while this token is unused.
    #[serde(rename = "ph", skip_serializing_if = "Option::is_none")]
    pub parent_hash: Option<SecretHash>,
    /// When this generation became the live one.
    #[serde(rename = "rot")]
    pub rotated_at: Timestamp,
    /// The version of the key that child tokens are derived from.
    #[serde(rename = "kv")]
    pub refresh_key_version: u32,
    /// The expiry, if the token is not used before.
    #[serde(rename = "idl")]
    pub idle_expires_at: Timestamp,
}

/// Why a grant was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// The client revoked a token (RFC 7009).
    ClientRequest,
    /// Its code was presented twice.
    CodeReplayed,
    /// A spent refresh token was presented.
    RefreshReuse,
    /// The user withdrew consent or ended the session.
    Withdrawn,
}

/// An access token that was revoked before it expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedJti {
    /// The `jti`.
    pub jti: Jti,
    /// The expiry of the token.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

//! A grant: one item whose first state is the authorization code and whose later states carry the refresh token. One that comes of a
//! token exchange begins in the second state.
//!
//! ```text
//! CodeIssued ──redeem──▶ Active { refresh: Some | None } ──rotate──▶ Active (generation + 1)
//!     │ replay, reuse, revocation, withdrawal                │
//!     └──────────────────▶ Revoked ◀─────────────────────────┘
//! ```

use super::scope::{OFFLINE_ACCESS, ScopeSet};
use crate::domain::account::Authentication;
use crate::domain::amr::Amr;
use crate::domain::id::{AccountId, ClientId, GrantId, Jti, SessionId, Sub};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// What one client may do for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id; outside it shows only inside sealed locators.
    pub id: GrantId,
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The account's subject identifier.
    pub sub: Sub,
    /// The account's epoch when it was issued.
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// The client.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// The session it came from; without `offline_access` it dies with it.
    pub sid: SessionId,
    /// What was granted.
    #[serde(rename = "scp")]
    pub scope: ScopeSet,
    /// The one audience asked for (RFC 8707), if any.
    #[serde(rename = "res", skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `nonce` of the request, echoed in ID tokens.
    #[serde(rename = "non", skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the person proved who they are.
    #[serde(rename = "aut")]
    pub auth_time: Timestamp,
    /// How.
    pub amr: Vec<Amr>,
    /// The code as it was issued; kept after redemption so that a replay is judged by the same checks. None: the grant came of a token
    /// exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<AuthorizationCode>,
    /// How far it has come.
    #[serde(rename = "st")]
    pub state: GrantState,
    /// `jti` of revoked access tokens that have not expired yet; bounded, pruned at each write.
    #[serde(rename = "rj", default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_jtis: Vec<RevokedJti>,
    /// When it was issued.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// The absolute end of the grant.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The version of this state.
    pub version: u64,
}

/// Why a grant gives nothing any more. Callers of the protocol see `invalid_grant` or `invalid_token` alike; this is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantEnded {
    /// It was revoked.
    #[error("the grant was revoked")]
    Revoked,
    /// It reached its absolute end.
    #[error("the grant has expired")]
    Expired,
    /// The account is disabled or about to be erased.
    #[error("the account is not active")]
    AccountNotActive,
    /// A change of password or status ended everything issued before it.
    #[error("the account's epoch has passed the grant's")]
    EpochPassed,
    /// The session that it depends on ended.
    #[error("the session has ended")]
    SessionEnded,
}

/// How long the code itself can be redeemed (security 13).
pub const CODE_LIFETIME: Span = Span::seconds(60);

impl Grant {
    /// Whether it outlives the session that it came from (OpenID Connect Core §11).
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.scope.contains(OFFLINE_ACCESS)
    }
    /// Whether what was issued under this grant still counts: its own state and end, its account, and its session where it depends on
    /// one. Expiry is judged here and never left to TTL (security 34, 36, 131).
    ///
    /// # Errors
    /// Why not.
    pub fn check_live(
        &self,
        authentication: &Authentication,
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
        // A code depends on its session even when what it becomes will not.
        let depends = !self.is_offline() || matches!(self.state, GrantState::CodeIssued);
        if depends && !session.is_some_and(|s| s.id == self.sid && s.is_live(authentication, now)) {
            return Err(GrantEnded::SessionEnded);
        }
        Ok(())
    }
    /// Whether this access token was revoked by itself.
    #[must_use]
    pub fn has_revoked(&self, jti: Jti) -> bool {
        self.revoked_jtis.iter().any(|revoked| revoked.jti == jti)
    }
    /// The grant, ended; written over this very version.
    #[must_use]
    pub fn revoked(&self, reason: RevocationReason, at: Timestamp) -> Self {
        Self { state: GrantState::Revoked { at, reason }, revoked_jtis: Vec::new(), version: self.version + 1, ..self.clone() }
    }
}

/// What an authorization code is bound to (security 13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The hash of its secret.
    #[serde(rename = "sh")]
    pub secret_hash: SecretHash,
    /// Where it was sent.
    #[serde(rename = "ru")]
    pub redirect_uri: String,
    /// Whether the request named `redirect_uri` itself.
    #[serde(rename = "rur")]
    pub redirect_uri_in_request: bool,
    /// The S256 challenge, if the request had one.
    #[serde(rename = "cc", skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// At most 60 seconds after it was issued.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

/// How far a grant has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum GrantState {
    /// The code waits to be redeemed.
    CodeIssued,
    /// The code was redeemed.
    Active {
        /// When.
        #[serde(rename = "at")]
        redeemed_at: Timestamp,
        /// The live refresh token, if the grant has one.
        #[serde(rename = "rt", skip_serializing_if = "Option::is_none")]
        refresh: Option<RefreshToken>,
    },
    /// Ended; nothing of it works.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why.
        #[serde(rename = "why")]
        reason: RevocationReason,
    },
}

/// The live refresh token of a grant. The secret of generation n+1 derives from generation n's, so a retry gives the same child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// Which one of its family is live, from 1.
    #[serde(rename = "gen")]
    pub generation: u32,
    /// The hash of its secret.
    #[serde(rename = "sh")]
    pub secret_hash: SecretHash,
    /// The hash of its parent's, which may be presented again for 10 seconds after `rotated_at` while this one is unused.
    #[serde(rename = "ph", skip_serializing_if = "Option::is_none")]
    pub parent_hash: Option<SecretHash>,
    /// When this generation became the live one.
    #[serde(rename = "rot")]
    pub rotated_at: Timestamp,
    /// Version of the key that children derive from.
    #[serde(rename = "kv")]
    pub refresh_key_version: u32,
    /// The end unless used before.
    #[serde(rename = "idl")]
    pub idle_expires_at: Timestamp,
}

/// Why a grant was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// The client asked (RFC 7009).
    ClientRequest,
    /// Its code was presented twice.
    CodeReplayed,
    /// A spent refresh token was presented.
    RefreshReuse,
    /// The person withdrew consent or ended the session.
    Withdrawn,
}

/// An access token that was revoked before it expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedJti {
    /// Which.
    pub jti: Jti,
    /// When it would have expired.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
}

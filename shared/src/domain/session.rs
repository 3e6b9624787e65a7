//! A signed-in browser: lifetimes, epoch, and what its cookie proves (security 55–58, 64).

use super::account::{Authentication, Sealed};
use super::authentication::Amr;
use super::id::{AccountId, SessionId};
use super::secret::SecretHash;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A session; its id is `sid` in tokens, its cookie is a sealed locator and a secret of which the hash is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `sid`; never used twice.
    pub id: SessionId,
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The account's epoch when it was opened.
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// The hash of the cookie's secret.
    #[serde(rename = "sh")]
    pub secret_hash: SecretHash,
    /// When it was opened.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// When the person last proved who they are (`auth_time`).
    #[serde(rename = "aut")]
    pub auth_time: Timestamp,
    /// How (`amr`).
    pub amr: Vec<Amr>,
    /// When it was last used; written at most once an hour.
    #[serde(rename = "use")]
    pub last_used_at: Timestamp,
    /// The absolute end.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The end unless used before.
    #[serde(rename = "idl")]
    pub idle_expires_at: Timestamp,
    /// Device in words and truncated address, sealed.
    #[serde(rename = "dev", skip_serializing_if = "Option::is_none")]
    pub device: Option<Sealed>,
    /// When it was ended, if it was.
    #[serde(rename = "end", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The version of this state.
    pub version: u64,
}

impl Session {
    /// Whether the session lives: not ended, not expired by either clock, of the account's present epoch.
    #[must_use]
    pub fn is_live(&self, authentication: &Authentication, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && now < self.expires_at
            && now < self.idle_expires_at
            && self.account == authentication.account
            && self.epoch == authentication.epoch
            && authentication.is_active()
    }
}

//! A sign-in between its first and its second step. It keeps what was proven; no cookie names it, and no session exists yet.

use super::evidence::{Evidence, Proofs};
use crate::domain::account::AccountState;
use crate::domain::id::{AccountId, AttemptId};
use crate::domain::removal_request::RemovalCode;
use crate::domain::secret::SecretHash;
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The lifetime of an attempt.
pub const ATTEMPT_LIFETIME: Span = Span::minutes(15);

/// A sign-in that needs a second step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInAttempt {
    /// Its id. Outside the store it appears only sealed, in addresses and forms.
    pub id: AttemptId,
    /// The account of the first step: the second one must be its own.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The account's epoch at the first step.
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// What was proven.
    #[serde(rename = "ev")]
    pub proofs: Proofs,
    /// The browser of the first step (hash of the value of its binding cookie).
    #[serde(rename = "bro")]
    pub browser: SecretHash,
    /// Whether it has completed, or was given up.
    #[serde(rename = "end", default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The mailed code that starts the removal of lost factors, if one was requested.
    #[serde(rename = "los", default, skip_serializing_if = "Option::is_none")]
    pub removal_code: Option<RemovalCode>,
    /// When it expires.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The version of this state.
    pub version: u64,
}

/// The data of a new attempt.
#[derive(Debug, Clone, Copy)]
pub struct NewAttempt {
    /// Fresh.
    pub id: AttemptId,
    /// The browser.
    pub browser: SecretHash,
}

impl SignInAttempt {
    pub(in crate::domain) fn open(new: NewAttempt, account: &AccountState, proofs: Proofs, now: Timestamp) -> Self {
        Self {
            id: new.id,
            account: account.account,
            epoch: account.epoch,
            proofs,
            browser: new.browser,
            closed_at: None,
            removal_code: None,
            expires_at: now + ATTEMPT_LIFETIME,
            version: 1,
        }
    }

    /// Whether its second step may be evaluated, in this browser.
    #[must_use]
    pub fn is_open(&self, browser: &SecretHash, now: Timestamp) -> bool {
        self.closed_at.is_none() && now < self.expires_at && self.browser == *browser
    }

    pub(super) fn closed(&self, now: Timestamp) -> Self {
        Self { closed_at: Some(now), version: self.version + 1, ..self.clone() }
    }

    pub(super) fn evidence(&self) -> Vec<Evidence> {
        self.proofs.as_evidence(self.account)
    }
}

//! The factors of an account besides its password, as its hot item keeps them. Policy reads these alone; seeds, hashes and keys are in items of
//! their own, and change in the same transaction.

use super::assurance::Acr;
use crate::domain::failure_window::FailureWindow;
use crate::domain::removal_request::RemovalRequest;
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Wrong codes in a row after which no second step is evaluated any more. Waiting does not help then: a passkey does.
pub const SECOND_STEPS_LOCKED_AFTER: u32 = 50;

/// The factors of an account besides its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Factors {
    /// The time step of the last accepted code of its authenticator app (RFC 6238 §5.2: a code is accepted once). None: it has no active app.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<u64>,
    /// The number of unused recovery codes.
    #[serde(rename = "c", default, skip_serializing_if = "is_zero")]
    pub recovery_codes: u8,
    /// The number of its passkeys.
    #[serde(rename = "p", default, skip_serializing_if = "is_zero")]
    pub passkeys: u8,
    /// Wrong codes of second steps in a row, of every kind together. Counted only after a right first factor, and reset only by a completed
    /// second step.
    #[serde(rename = "fw", default, skip_serializing_if = "FailureWindow::is_empty")]
    pub failures: FailureWindow,
    /// The last request to remove the second factors after a delay.
    #[serde(rename = "los", default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<RemovalRequest>,
}

/// Why no second step is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondStepsBlocked {
    /// For this time.
    For(Span),
    /// Until the user signs in with a passkey, or an operator helps.
    Locked,
}

impl Factors {
    /// Whether it has none, and no wrong code is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// Whether a code can complete a sign-in that began with a password.
    #[must_use]
    pub const fn has_second_step(&self) -> bool {
        self.totp.is_some() || self.recovery_codes > 0
    }
    /// The highest level that a sign-in with them can reach. `passkeys`: whether the tenant has them.
    #[must_use]
    pub const fn highest_level(&self, passkeys: bool) -> Acr {
        match (passkeys && self.passkeys > 0, self.has_second_step()) {
            (true, _) => Acr::PhishingResistant,
            (false, true) => Acr::Aal2,
            (false, false) => Acr::Aal1,
        }
    }
    /// Whether codes are not evaluated now.
    #[must_use]
    pub fn blocked(&self, now: Timestamp) -> Option<SecondStepsBlocked> {
        if self.failures.count >= SECOND_STEPS_LOCKED_AFTER {
            return Some(SecondStepsBlocked::Locked);
        }
        self.failures.blocked_for(now).map(SecondStepsBlocked::For)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(value: &u8) -> bool {
    *value == 0
}

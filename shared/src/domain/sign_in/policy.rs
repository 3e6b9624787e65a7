//! What is missing before a sign-in can complete, and the level that an authorization request asks for.

use super::assurance::Acr;
use super::evidence::Proofs;
use crate::domain::account::AccountState;
use crate::domain::tenant::SecondFactorPolicy;
use crate::domain::time::Timestamp;

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;

/// What a sign-in needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: it can complete.
    Complete,
    /// A second factor.
    SecondStep,
}

/// What the sign-in to this account needs after these proofs. It reads the account's state alone. `is_remembered`: whether the presented device is
/// one that the account remembers, and the sign-in may rest on that.
#[must_use]
pub fn require(account: &AccountState, proofs: &Proofs, is_remembered: bool) -> Requirement {
    let needed = required_level(account, proofs, is_remembered);
    if proofs.level() >= needed { Requirement::Complete } else { Requirement::SecondStep }
}

/// The level that the account itself needs. A remembered device takes the place of the second factor, and of no first one. It raises no level.
fn required_level(account: &AccountState, proofs: &Proofs, is_remembered: bool) -> Acr {
    if counts_as_second_factor(proofs, is_remembered) { Acr::Aal1 } else { account.required_level() }
}

fn counts_as_second_factor(proofs: &Proofs, is_remembered: bool) -> bool {
    is_remembered && proofs.has_first_factor()
}

/// The levels that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// The level without which the request fails: the client's `min_acr`, and an essential `acr` (OpenID Connect Core §5.5.1.1).
    pub required: Option<Acr>,
    /// The requested levels in order of preference (`acr_values`, a wish).
    pub wished: Vec<Acr>,
}

/// What the tenant document says about the factors of its accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorRules {
    /// Whether accounts need a second factor.
    pub second_factor: SecondFactorPolicy,
    /// Whether the tenant has passkeys.
    pub passkeys: bool,
    /// Whether devices can be remembered.
    pub remembered_devices: bool,
}

impl FactorRules {
    /// The highest level that a user can reach by setting up a factor.
    #[must_use]
    pub const fn highest_level(self) -> Acr {
        match (self.passkeys, self.second_factor) {
            (true, _) => Acr::PhishingResistant,
            (false, SecondFactorPolicy::Optional | SecondFactorPolicy::Required { .. }) => Acr::Aal2,
            (false, SecondFactorPolicy::Off) => Acr::Aal1,
        }
    }
}

/// How far a session is from what a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It satisfies the request.
    None,
    /// The account can reach this level, and the request asks for it.
    StepUp {
        /// The level.
        level: Acr,
        /// Whether the request fails without it.
        is_required: bool,
    },
    /// The account has no factor for the level that is needed. The user can set one up.
    Enroll(Enrollment),
    /// The request needs a level that the account cannot reach.
    Unreachable,
}

/// A factor that the user is asked to set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrollment {
    /// The level to reach.
    pub level: Acr,
    /// Why.
    pub reason: EnrollmentReason,
}

/// Why a user is asked to set up a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrollmentReason {
    /// The tenant document requires a second factor. It can be postponed.
    Postponable {
        /// Until then.
        until: Timestamp,
    },
    /// The tenant document requires a second factor, and it can no longer be postponed.
    Overdue,
    /// The client or the request needs the level. Without it the request fails.
    Client,
}

impl Demand {
    /// How far these proofs are from it. What the account itself and the tenant document need is needed too. `is_remembered`: as in [`require`].
    #[must_use]
    pub fn gap(&self, account: &AccountState, proofs: &Proofs, is_remembered: bool, rules: FactorRules, now: Timestamp) -> Gap {
        let (has, can) = (proofs.level(), account.factors.highest_level(rules.passkeys));
        let step_up = |level| Gap::StepUp { level, is_required: true };
        let own = required_level(account, proofs, is_remembered);
        if has < own && can < own {
            // Its factors are not accepted any more. Another one takes what they protect.
            return Gap::Unreachable;
        }
        let required = self.required.unwrap_or(Acr::None).max(own);
        if has < required {
            return match () {
                () if can >= required => step_up(required),
                () if rules.highest_level() >= required => {
                    Gap::Enroll(Enrollment { level: required, reason: EnrollmentReason::Client })
                }
                () => Gap::Unreachable,
            };
        }
        if has < Acr::Aal2
            && !counts_as_second_factor(proofs, is_remembered)
            && rules.second_factor.is_in_force(now)
            && let Some(until) = rules.second_factor.deadline(account.created_at)
        {
            if can >= Acr::Aal2 {
                return step_up(Acr::Aal2);
            }
            let reason = if until <= now { EnrollmentReason::Overdue } else { EnrollmentReason::Postponable { until } };
            return Gap::Enroll(Enrollment { level: Acr::Aal2, reason });
        }
        match self.wished.iter().find(|wished| **wished <= can.max(has)) {
            Some(level) if *level > has => Gap::StepUp { level: *level, is_required: false },
            Some(_) | None => Gap::None,
        }
    }
}

/// Whether tokens and the answers of a hand-over may rest on a sign-in of this level: not once the account can no longer postpone a second factor.
#[must_use]
pub fn is_enough_for_applications(policy: SecondFactorPolicy, account: &AccountState, level: Acr, now: Timestamp) -> bool {
    level >= Acr::Aal2 || !policy.is_overdue(account.created_at, now)
}

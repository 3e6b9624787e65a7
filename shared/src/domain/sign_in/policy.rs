//! What is missing before a sign-in can complete, and the level that an authorization request asks for.

use super::assurance::Acr;
use super::evidence::Proofs;
use crate::domain::account::AccountState;

/// What a sign-in needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: it can complete.
    Complete,
    /// A second factor.
    SecondStep,
}

/// What the sign-in to this account needs after these proofs. It reads the account's state alone.
#[must_use]
pub fn require(account: &AccountState, proofs: &Proofs) -> Requirement {
    if proofs.level() >= account.required_level() { Requirement::Complete } else { Requirement::SecondStep }
}

/// The levels that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// The level without which the request fails: the client's `min_acr`, and an essential `acr` (OpenID Connect Core §5.5.1.1).
    pub required: Option<Acr>,
    /// The requested levels in order of preference (`acr_values`, a wish).
    pub wished: Vec<Acr>,
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
    /// The request needs a level that the account cannot reach.
    Unreachable,
}

impl Demand {
    /// How far these proofs are from it. What the account itself needs is needed too. `passkeys`: whether the tenant has them.
    #[must_use]
    pub fn gap(&self, account: &AccountState, proofs: &Proofs, passkeys: bool) -> Gap {
        let (has, can) = (proofs.level(), account.factors.highest_level(passkeys));
        let required = self.required.unwrap_or(Acr::None).max(account.required_level());
        if has < required {
            return if can >= required { Gap::StepUp { level: required, is_required: true } } else { Gap::Unreachable };
        }
        match self.wished.iter().find(|wished| **wished <= can.max(has)) {
            Some(level) if *level > has => Gap::StepUp { level: *level, is_required: false },
            Some(_) | None => Gap::None,
        }
    }
}

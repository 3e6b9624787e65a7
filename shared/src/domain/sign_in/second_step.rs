//! The second step of a sign-in: a code, after a right first factor (security 60, 73, 74).
//!
//! 1. What was proven so far is kept by an attempt, or by the user's live session if an application asks for a higher level.
//! 2. The account is the one of the first step. It is read again; if it has another epoch, or no longer has the factor, the step ends.
//! 3. Codes of all kinds count in one window of the account, apart from the window of first factors. Only a completed second step resets
//!    it. After [`SECOND_STEPS_LOCKED_AFTER`](super::factors::SECOND_STEPS_LOCKED_AFTER) wrong codes in a row waiting no longer helps.
//! 4. The account's state is written first, over its version: a code is accepted once, and parallel guesses conflict. Then the attempt is
//!    closed, and the session opens last.

use super::attempt::SignInAttempt;
use super::complete::{Completed, NewSignIn, Remembering, complete};
use super::evidence::Evidence;
use super::factors::{Factors, SecondStepsBlocked};
use super::methods::{recovery_code, totp};
use crate::domain::account::AccountState;
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::failure_window::{FREE_FAILURES, FailureWindow};
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::satisfied::Requirements;
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

/// What keeps the first step.
#[derive(Debug, Clone, Copy)]
pub enum FirstStep<'a> {
    /// An attempt: there is no session yet.
    Attempt(&'a SignInAttempt),
    /// The user's session. Its level is raised.
    Session(&'a Session),
}

impl FirstStep<'_> {
    /// Whether its second step may be evaluated in this browser: the account can be used, and nothing has ended what it proved.
    #[must_use]
    pub fn is_open(&self, account: &AccountState, browser: &SecretHash, now: Timestamp) -> bool {
        match self {
            Self::Attempt(attempt) => {
                attempt.is_open(browser, now)
                    && attempt.account == account.account
                    && attempt.epoch == account.epoch
                    && account.is_active()
            }
            Self::Session(session) => session.is_live(account, now),
        }
    }
    /// The time of the oldest proof that it keeps.
    #[must_use]
    pub fn oldest_proof(&self) -> Option<Timestamp> {
        match self {
            Self::Attempt(attempt) => attempt.proofs.iter().map(|proof| proof.at).min(),
            Self::Session(session) => session.proofs().iter().map(|proof| proof.at).min(),
        }
    }
    fn evidence(&self) -> Vec<Evidence> {
        match self {
            Self::Attempt(attempt) => attempt.evidence(),
            Self::Session(session) => session.proofs().as_evidence(session.account),
        }
    }
}

/// A typed code after its comparison.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It fits nothing, or was used before.
    Wrong,
    /// The code of the authenticator app for this time step.
    Totp {
        /// The step. Codes of it and of earlier steps are refused from now on.
        step: u64,
    },
    /// An unused recovery code.
    RecoveryCode {
        /// The codes after this one was used.
        codes: RecoveryCodes,
    },
}

/// The outcome of a second step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondStep {
    /// The user is signed in.
    SignedIn {
        /// The session.
        session: Box<Session>,
        /// Whether the browser must remember the device.
        new_device: bool,
        /// The requirements of the tenant document that the account satisfied last.
        satisfied: Option<Requirements>,
    },
    /// The code is wrong.
    Refused,
    /// Nothing was evaluated: too many wrong codes.
    Blocked(SecondStepsBlocked),
    /// The first step counts no more: the user signs in again.
    Ended,
}

/// Decides on a typed code.
pub fn complete_second_step(
    first: FirstStep<'_>,
    account: &AccountState,
    device: Option<u64>,
    verdict: Verdict,
    browser: &SecretHash,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<SecondStep> {
    if !first.is_open(account, browser, now) {
        return Decision::unchanged(SecondStep::Ended);
    }
    if let Some(blocked) = account.factors.blocked(now) {
        return Decision::unchanged(SecondStep::Blocked(blocked));
    }
    let (method, factors, used) = match verdict {
        Verdict::Totp { step } if account.factors.totp.is_some_and(|last| step > last) => {
            (totp::proven(account.account, now), Factors { totp: Some(step), ..account.factors }, None)
        }
        Verdict::RecoveryCode { codes } if account.factors.recovery_codes > 0 => {
            let left = u8::try_from(codes.left()).unwrap_or(u8::MAX);
            (recovery_code::proven(account.account, now), Factors { recovery_codes: left, ..account.factors }, Some(codes))
        }
        Verdict::Wrong | Verdict::Totp { .. } | Verdict::RecoveryCode { .. } => {
            let counted = Factors { failures: account.factors.failures.failed(now), ..account.factors };
            let state = AccountState { factors: counted, version: account.version + 1, ..account.clone() };
            let change = if counted.failures.count == FREE_FAILURES {
                Change::block_second_steps(state)
            } else {
                Change::count_failed_second_step(state)
            };
            return Decision::one(change, SecondStep::Refused);
        }
    };
    let mut evidence = first.evidence();
    evidence.push(method);
    // A recovery code takes the place of a lost app. A device is remembered by the app's own code.
    let new = if used.is_some() { NewSignIn { remembering: Remembering::Off, ..new } } else { new };
    let account = AccountState { factors: Factors { failures: FailureWindow::default(), ..factors }, ..account.clone() };
    let Some(completed) = complete(&account, device, evidence, new, now) else { return Decision::unchanged(SecondStep::Ended) };
    let Completed { account, opened, session, new_device, is_remembered } = completed;
    let satisfied = account.satisfied;
    let mut changes = Changes::one(match used {
        Some(codes) => Change::use_recovery_code(account, codes),
        None if is_remembered => Change::remember_device(account),
        None => Change::record_second_step(account),
    });
    if let FirstStep::Attempt(attempt) = first {
        changes = changes.then(Change::close_attempt(attempt.closed(now)));
    }
    changes.0.extend(opened);
    Decision { changes, outcome: SecondStep::SignedIn { session: Box::new(session), new_device, satisfied } }
}

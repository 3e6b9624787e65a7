//! Passwords: count failures, back off, and decide.
//!
//! 1. If a failure window blocks, nothing is evaluated (the caller answers 429).
//! 2. Otherwise `keys` compares the password, and the decision *always* writes: a failure is counted, a success resets the
//!    window. The caller shows the outcome only after this versioned write has succeeded, so parallel guesses cannot outrun the
//!    limit.
//! 3. Unknown identifiers have their own failure window, so that they answer like accounts (security 71, 112, 113). A closed or disabled
//!    account answers a wrong password in the same way. Only the right one shows its status; the mail that restores a closed account
//!    is then sent again.
//! 4. If the password is still in the legacy directory, the failure is counted first, as for any account. The legacy directory is
//!    asked afterwards ([`crate::domain::legacy_directory`]).

use crate::domain::account::{AccountState, AccountStatus, PasswordHome};
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::credential::PasswordCredential;
use crate::domain::delivery::MailPurpose;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::id::{AccountId, AttemptId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::mail_limit::Trigger;
use crate::domain::satisfied::Requirements;
use crate::domain::secret::PasswordHash;
use crate::domain::session::Session;
use crate::domain::sign_in::attempt::{NewAttempt, SignInAttempt};
use crate::domain::sign_in::complete::{Completed, NewSignIn, complete};
use crate::domain::sign_in::evidence::{Evidence, Proofs};
use crate::domain::sign_in::method::Method;
use crate::domain::sign_in::policy::{Requirement, require};
use crate::domain::sign_in::throttle::{count_failure, count_unknown, window_of_account, window_of_unknown};
use crate::domain::time::{Span, Timestamp};

#[cfg(test)]
pub(crate) mod tests;

/// The account of the typed identifier, as loaded.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An account.
    Known {
        /// Its state.
        authentication: &'a AccountState,
        /// Its password, if it has one.
        password: Option<&'a PasswordCredential>,
        /// The known device that the browser presents, if it belongs to this account.
        device: Option<u64>,
    },
    /// No account.
    Unknown {
        /// The identifier.
        identifier: IdentifierHash,
        /// Its failures so far.
        failures: Option<&'a UnknownIdentifierFailures>,
    },
}

impl Subject<'_> {
    /// How long this subject's window still blocks. Checked before a password is hashed, and again by [`authenticate`].
    #[must_use]
    pub fn blocked_for(&self, now: Timestamp) -> Option<Span> {
        self.window(now).blocked_for(now)
    }

    /// The hash to compare with. Without one, the caller does the same work with a decoy.
    #[must_use]
    pub fn password_hash(&self) -> Option<&PasswordHash> {
        match self {
            Self::Known { password, .. } => password.map(|password| &password.hash),
            Self::Unknown { .. } => None,
        }
    }

    fn window(&self, now: Timestamp) -> FailureWindow {
        match self {
            Self::Known { authentication, device, .. } => window_of_account(authentication, *device),
            Self::Unknown { failures, .. } => window_of_unknown(*failures, now),
        }
    }
}

/// The result of the password comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// Wrong, or nothing to compare with.
    Wrong,
    /// Right.
    Right,
    /// Right, and the hash must be stored with the current parameters.
    RightRehashed(PasswordHash),
}

/// The outcome of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authenticated {
    /// The user is signed in.
    SignedIn {
        /// The session.
        session: Box<Session>,
        /// Whether the browser must remember the device.
        new_device: bool,
        /// The requirements of the tenant document that the account satisfied last.
        satisfied: Option<Requirements>,
        /// How many passkeys the account has.
        passkeys: u8,
    },
    /// The password is right, and the account needs a second step.
    SecondStep {
        /// The account.
        account: AccountId,
        /// The attempt that waits for it.
        attempt: AttemptId,
    },
    /// Identifier or password is wrong. The answer does not tell which.
    Refused,
    /// The password is right, and the user has closed the account. The restoration mail is sent again.
    Closed {
        /// When erasure may start.
        due: Timestamp,
    },
    /// The password is right, and an operator has disabled the account.
    Disabled,
    /// The password is still in the legacy directory. The answer is the same refusal, unless that directory accepts the password.
    LegacyDirectory {
        /// The account with the failure counted.
        counted: Box<AccountState>,
        /// The account before.
        before: Box<AccountState>,
    },
    /// No account has the identifier. The answer is the same refusal, unless a legacy directory knows the user.
    UnknownIdentifier {
        /// The failure as counted.
        counted: UnknownIdentifierFailures,
        /// Its failures before.
        before: Option<UnknownIdentifierFailures>,
    },
    /// Nothing was evaluated.
    Blocked {
        /// When to try again.
        retry_after: Span,
    },
}

/// Decides on a password.
pub fn authenticate(
    subject: Subject<'_>,
    verdict: PasswordVerdict,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    if let Some(retry_after) = subject.blocked_for(now) {
        return Decision::unchanged(Authenticated::Blocked { retry_after });
    }
    match (subject, verdict) {
        (
            Subject::Known { authentication, password: Some(password), device },
            verdict @ (PasswordVerdict::Right | PasswordVerdict::RightRehashed(_)),
        ) if authentication.is_active() => succeed(authentication, password, device, verdict, new, now),
        (
            Subject::Known { authentication, password: Some(_), .. },
            PasswordVerdict::Right | PasswordVerdict::RightRehashed(_),
        ) if matches!(authentication.status, AccountStatus::ErasureDue { .. } | AccountStatus::Disabled { .. }) => {
            show_status(authentication, now)
        }
        (Subject::Known { authentication, password: None, device }, _)
            if authentication.is_active() && authentication.password_home == PasswordHome::Directory =>
        {
            let counted = count_failure(authentication, device, now);
            let outcome =
                Authenticated::LegacyDirectory { counted: Box::new(counted.clone()), before: Box::new(authentication.clone()) };
            Decision::one(Change::count_failed_sign_in(counted), outcome)
        }
        (Subject::Known { authentication, device, .. }, _) => {
            Decision::one(Change::count_failed_sign_in(count_failure(authentication, device, now)), Authenticated::Refused)
        }
        (Subject::Unknown { identifier, failures }, _) => {
            let counted = count_unknown(identifier, failures, now);
            // Expired failures count no more, even if this failure is undone.
            let before = failures.filter(|failures| now < failures.expires_at).cloned();
            let outcome = Authenticated::UnknownIdentifier { counted: counted.clone(), before };
            Decision::one(Change::count_unknown_sign_in(counted), outcome)
        }
    }
}

/// The right password, or passkey, of an account that cannot be used. It is written, so that parallel guesses conflict. The restoration mails of a day are
/// limited for each account.
pub(super) fn show_status(authentication: &AccountState, now: Timestamp) -> Decision<Authenticated> {
    let state =
        AccountState { failures: FailureWindow::default(), version: authentication.version + 1, ..authentication.clone() };
    match authentication.status {
        AccountStatus::ErasureDue { due, .. } => {
            let trigger = Trigger::account(state.account);
            let counted = Change::count_mail_start(MailPurpose::WayBack, state.identifier, trigger, now);
            let changes = Changes::one(counted).then(Change::request_restoration_mail(state));
            Decision { changes, outcome: Authenticated::Closed { due } }
        }
        AccountStatus::Disabled { .. } | AccountStatus::Active | AccountStatus::Erased { .. } => {
            Decision::one(Change::record_sign_in(state), Authenticated::Disabled)
        }
    }
}

fn succeed(
    authentication: &AccountState,
    password: &PasswordCredential,
    device: Option<u64>,
    verdict: PasswordVerdict,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    let evidence = vec![proven(authentication.account, now)];
    let is_remembered = new.remembering.accepts(authentication, device, now);
    if require(authentication, &Proofs::of(&evidence), is_remembered) == Requirement::SecondStep {
        return begin_second_step(authentication, &evidence, new.attempt, now);
    }
    let Some(Completed { account, opened, session, new_device, .. }) = complete(authentication, device, evidence, new, now)
    else {
        return Decision::unchanged(Authenticated::Refused);
    };
    let (satisfied, passkeys) = (account.satisfied, account.factors.passkeys);
    let mut changes = Changes::one(Change::record_sign_in(account));
    if let PasswordVerdict::RightRehashed(hash) = verdict {
        let rehashed = PasswordCredential { hash, version: password.version + 1, ..password.clone() };
        changes = changes.then(Change::rehash(rehashed));
    }
    let changes = Changes(changes.0.into_iter().chain(opened).collect());
    Decision { changes, outcome: Authenticated::SignedIn { session: Box::new(session), new_device, satisfied, passkeys } }
}

/// The right first factor of an account that needs a second step. The account's state is written before this shows, so that parallel guesses conflict.
/// No window is reset, and no device is known: only completion does that.
pub(super) fn begin_second_step(
    authentication: &AccountState,
    evidence: &[Evidence],
    attempt: Option<NewAttempt>,
    now: Timestamp,
) -> Decision<Authenticated> {
    let Some(attempt) = attempt else { return Decision::unchanged(Authenticated::Refused) };
    let state = AccountState { version: authentication.version + 1, ..authentication.clone() };
    let attempt = SignInAttempt::open(attempt, &state, Proofs::of(evidence), now);
    let outcome = Authenticated::SecondStep { account: attempt.account, attempt: attempt.id };
    let changes = Changes::one(Change::record_first_step(state)).then(Change::open_attempt(attempt));
    Decision { changes, outcome }
}

/// The user has just shown, or set with a proven mailbox, the password of this account.
pub(in crate::domain) const fn proven(account: AccountId, now: Timestamp) -> Evidence {
    Evidence::new(account, Method::Password, now)
}

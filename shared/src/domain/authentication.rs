//! Password sign-in: count failures, back off, and decide.
//!
//! 1. If a failure window blocks, nothing is evaluated (the caller answers 429).
//! 2. Otherwise `keys` compares the password, and the decision *always* writes: a failure is counted, a success resets the
//!    window. The caller shows the outcome only after this versioned write has succeeded, so parallel guesses cannot outrun the
//!    limit.
//! 3. Unknown identifiers have their own failure window, so that they answer like accounts (security 71, 112, 113). A closed or disabled
//!    account answers a wrong password in the same way. Only the right one shows its status; the mail that restores a closed account
//!    is then sent again.
//! 4. If the password is still in the legacy directory, the failure is counted first, as for any account. The legacy directory is
//!    asked afterwards ([`super::legacy_directory`]).
//!
//! Windows are per identifier, never per network address: no foreign network can lock a user out or let one in. A known device
//! has its own window. Its sign-ins leave the shared window unchanged, so an attacker gets no more tries while the owner signs in
//! and out.

use super::account::{AccountState, AccountStatus, PasswordHome};
use super::amr::Amr;
use super::change::{Change, Changes, Decision};
use super::credential::PasswordCredential;
use super::delivery::MailPurpose;
use super::failure_window::{FailureWindow, UnknownIdentifierFailures};
use super::identifier::IdentifierHash;
use super::known_device::{KnownDevice, MAX_KNOWN_DEVICES};
use super::mail_limit::Trigger;
use super::satisfied::Requirements;
use super::secret::PasswordHash;
use super::session::{NewSession, Session, signed_in};
use super::tenant::SessionPolicy;
use super::time::{Span, Timestamp};

#[cfg(test)]
pub(crate) mod tests;

/// How long the failures of an identifier without an account are kept after the last failure. An account's are kept until a
/// success.
pub const UNKNOWN_KEPT: Span = Span::days(90);

/// The maximum age of a sign-in for a credential change or a data export (RFC 9470; ASVS 7.5.1).
pub const RECENT: Span = Span::minutes(5);

/// Whether a sign-in at this time is recent enough for such an operation. Without a method (a token exchange) nothing was proven here, so it
/// never is.
#[must_use]
pub fn is_recent(auth_time: Timestamp, amr: &[Amr], now: Timestamp) -> bool {
    !amr.is_empty() && now.since(auth_time) <= RECENT
}

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
            Self::Known { authentication, device, .. } => {
                known_device(authentication, *device).map_or(authentication.failures, |device| device.failures)
            }
            Self::Unknown { failures, .. } => {
                failures.filter(|failures| now < failures.expires_at).map_or(FailureWindow::default(), |known| known.failures)
            }
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

/// The data of a successful sign-in.
#[derive(Debug, Clone)]
pub struct NewSignIn<'a> {
    /// The session.
    pub session: NewSession,
    /// The device to remember, unless it is known already.
    pub device: u64,
    /// The live session that this browser has so far. The same account's is renewed, another account's ends. In both cases its cookie becomes
    /// worthless.
    pub replaced: Option<&'a Session>,
    /// Lifetimes.
    pub policy: &'a SessionPolicy,
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

/// The right password of an account that cannot be used. It is written, so that parallel guesses conflict. The restoration mails of a day are
/// limited for each account.
fn show_status(authentication: &AccountState, now: Timestamp) -> Decision<Authenticated> {
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
    let known = known_device(authentication, device);
    let state = reset_window(authentication, known.map(|known| known.id), new.device);
    let on = known.map_or(new.device, |known| known.id);
    let satisfied = state.satisfied;
    let (opened, session) = signed_in(&state, new.replaced, new.session, vec![Amr::Pwd], new.policy, on, now);
    // The account first: parallel guesses and a changed password conflict with its version. The session last: an attempt that meets a
    // conflict leaves no session behind.
    let mut changes = Changes::one(Change::record_sign_in(state));
    if let PasswordVerdict::RightRehashed(hash) = verdict {
        let rehashed = PasswordCredential { hash, version: password.version + 1, ..password.clone() };
        changes = changes.then(Change::rehash(rehashed));
    }
    let changes = Changes(changes.0.into_iter().chain(opened).collect());
    Decision {
        changes,
        outcome: Authenticated::SignedIn { session: Box::new(session), new_device: known.is_none(), satisfied },
    }
}

pub(super) fn known_device(authentication: &AccountState, device: Option<u64>) -> Option<KnownDevice> {
    let device = device?;
    authentication.devices.iter().find(|known| known.id == device).copied()
}

pub(super) fn count_unknown(
    identifier: IdentifierHash,
    failures: Option<&UnknownIdentifierFailures>,
    now: Timestamp,
) -> UnknownIdentifierFailures {
    UnknownIdentifierFailures {
        identifier,
        failures: Subject::Unknown { identifier, failures }.window(now).failed(now),
        version: failures.map_or(1, |failures| failures.version + 1),
        expires_at: now + UNKNOWN_KEPT,
    }
}

pub(super) fn count_failure(authentication: &AccountState, device: Option<u64>, now: Timestamp) -> AccountState {
    let mut counted = authentication.clone();
    counted.version += 1;
    match device.and_then(|device| counted.devices.iter_mut().find(|known| known.id == device)) {
        Some(known) => known.failures = known.failures.failed(now),
        None => counted.failures = counted.failures.failed(now),
    }
    counted
}

/// The state after a success: the window of this sign-in is reset, and its device is the most recent one.
pub(super) fn reset_window(authentication: &AccountState, known: Option<u64>, new_device: u64) -> AccountState {
    let mut state = authentication.clone();
    state.version += 1;
    match known {
        Some(id) => {
            state.devices.retain(|device| device.id != id);
            state.devices.insert(0, KnownDevice { id, failures: FailureWindow::default() });
            // The previous release remembered one more.
            state.devices.truncate(MAX_KNOWN_DEVICES);
        }
        None => {
            state.failures = FailureWindow::default();
            remember_device(&mut state, new_device);
        }
    }
    state
}

/// Adds a known device, as the most recent one.
pub fn remember_device(authentication: &mut AccountState, device: u64) {
    authentication.devices.insert(0, KnownDevice { id: device, failures: FailureWindow::default() });
    authentication.devices.truncate(MAX_KNOWN_DEVICES);
}

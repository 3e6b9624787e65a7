//! Sign-in: counting failures, backing off, and deciding on a password.
//!
//! 1. A window that blocks refuses before anything is evaluated (429 for the caller).
//! 2. Otherwise the password is compared (outside, by `keys`), and the decision *always* writes: a failure counts, a success
//!    resets. The caller shows the outcome only once that versioned write stands, so parallel guesses can't outrun it.
//! 3. Unknown identifiers have a window of their own, so that they answer alike (security 71, 112, 113). An account that is
//!    closed answers like one that is not there, right password or wrong.
//! 4. Whose password is still in a former directory is counted like anybody else; the directory is asked after that
//!    ([`super::directory`]).
//!
//! Windows are per identifier, never per address: no stranger's network can lock anybody out or in. A known device has a window of
//! its own, and its sign-ins leave the strangers' window as it is: who guesses while the owner comes and goes gets no more tries.

use super::account::{Authentication, PasswordHome};
use super::amr::Amr;
use super::change::{Change, Changes, Decision};
use super::credential::PasswordCredential;
use super::failure_window::{FailureWindow, UnknownIdentifierFailures};
use super::identifier::IdentifierHash;
use super::known_device::{KnownDevice, MAX_KNOWN_DEVICES};
use super::secret::PasswordHash;
use super::session::{NewSession, Session};
use super::tenant::SessionPolicy;
use super::time::{Span, Timestamp};

#[cfg(test)]
pub(crate) mod tests;

/// How long the failures of an identifier without account are kept after the last one. An account's are kept until a success.
pub const UNKNOWN_KEPT: Span = Span::days(90);

/// How old a sign-in may be for what changes a credential, or gives the data away (RFC 9470; ASVS 7.5.1).
pub const RECENT: Span = Span::minutes(5);

/// Whether a sign-in of this time is recent enough for it.
#[must_use]
pub fn is_recent(auth_time: Timestamp, now: Timestamp) -> bool {
    now.since(auth_time) <= RECENT
}

/// Whom the typed identifier names, as loaded.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An account.
    Known {
        /// Its state.
        authentication: &'a Authentication,
        /// Its password, if it has one.
        password: Option<&'a PasswordCredential>,
        /// The known device that the browser names, when it is this account's.
        device: Option<u64>,
    },
    /// Nobody.
    Unknown {
        /// The identifier.
        identifier: IdentifierHash,
        /// Its failures so far.
        failures: Option<&'a UnknownIdentifierFailures>,
    },
}

impl Subject<'_> {
    /// How long this subject's window still blocks: asked before a password is hashed, and by [`authenticate`] again.
    #[must_use]
    pub fn blocked_for(&self, now: Timestamp) -> Option<Span> {
        self.window(now).blocked_for(now)
    }

    /// The hash to compare with; without one, the same work is done in vain.
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

/// What comparing the password found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// Wrong, or nothing to compare with.
    Wrong,
    /// Right.
    Right,
    /// Right, and to be stored under present parameters.
    RightRehashed(PasswordHash),
}

/// What a success makes.
#[derive(Debug, Clone)]
pub struct NewSignIn<'a> {
    /// The session.
    pub session: NewSession,
    /// The device to remember, unless it is known.
    pub device: u64,
    /// The live session that this browser has so far: it ends, whoever's it is, so that its cookie is worth nothing any more.
    pub replaced: Option<&'a Session>,
    /// Lifetimes.
    pub policy: &'a SessionPolicy,
}

/// What a sign-in leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authenticated {
    /// The person is signed in.
    SignedIn {
        /// The session.
        session: Session,
        /// Whether the device is to be remembered in its browser.
        new_device: bool,
    },
    /// Identifier or password is wrong, or the account is closed: nobody is told which.
    Refused,
    /// The password is still in the former directory: refused alike, unless that finds it right.
    Elsewhere {
        /// The account, the failure counted.
        counted: Box<Authentication>,
        /// The account before.
        before: Box<Authentication>,
    },
    /// Nobody here has the identifier: refused alike, unless a former directory knows the person.
    Nobody {
        /// The failure as it was counted.
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
        (Subject::Known { authentication, password: None, device }, _)
            if authentication.is_active() && authentication.password_home == PasswordHome::Directory =>
        {
            let counted = count_failure(authentication, device, now);
            let outcome =
                Authenticated::Elsewhere { counted: Box::new(counted.clone()), before: Box::new(authentication.clone()) };
            Decision::one(Change::count_failed_sign_in(counted), outcome)
        }
        (Subject::Known { authentication, device, .. }, _) => {
            Decision::one(Change::count_failed_sign_in(count_failure(authentication, device, now)), Authenticated::Refused)
        }
        (Subject::Unknown { identifier, failures }, _) => {
            let counted = count_unknown(identifier, failures, now);
            // What has run out counts no more, whatever is taken back.
            let before = failures.filter(|failures| now < failures.expires_at).cloned();
            let outcome = Authenticated::Nobody { counted: counted.clone(), before };
            Decision::one(Change::count_unknown_sign_in(counted), outcome)
        }
    }
}

fn succeed(
    authentication: &Authentication,
    password: &PasswordCredential,
    device: Option<u64>,
    verdict: PasswordVerdict,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    let known = known_device(authentication, device);
    let state = reset_window(authentication, known.map(|known| known.id), new.device);
    let session = Session::open(new.session, &state, vec![Amr::Pwd], new.policy, now);
    // The account first: its version is what parallel guesses and a changed password run into. The new session last: an attempt
    // that meets a conflict leaves none behind.
    let mut changes = Changes::one(Change::record_sign_in(state));
    if let PasswordVerdict::RightRehashed(hash) = verdict {
        let rehashed = PasswordCredential { hash, version: password.version + 1, ..password.clone() };
        changes = changes.then(Change::rehash(rehashed));
    }
    if let Some(ended) = new.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: known.is_none() } }
}

pub(super) fn known_device(authentication: &Authentication, device: Option<u64>) -> Option<KnownDevice> {
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

pub(super) fn count_failure(authentication: &Authentication, device: Option<u64>, now: Timestamp) -> Authentication {
    let mut counted = authentication.clone();
    counted.version += 1;
    match device.and_then(|device| counted.devices.iter_mut().find(|known| known.id == device)) {
        Some(known) => known.failures = known.failures.failed(now),
        None => counted.failures = counted.failures.failed(now),
    }
    counted
}

/// The state after a success: the window that it came through is reset, its device is the most recent one.
pub(super) fn reset_window(authentication: &Authentication, known: Option<u64>, new_device: u64) -> Authentication {
    let mut state = authentication.clone();
    state.version += 1;
    match known {
        Some(id) => {
            state.devices.retain(|device| device.id != id);
            state.devices.insert(0, KnownDevice { id, failures: FailureWindow::default() });
        }
        None => {
            state.failures = FailureWindow::default();
            remember_device(&mut state, new_device);
        }
    }
    state
}

/// Makes a device known, as the most recent one.
pub fn remember_device(authentication: &mut Authentication, device: u64) {
    authentication.devices.insert(0, KnownDevice { id: device, failures: FailureWindow::default() });
    authentication.devices.truncate(MAX_KNOWN_DEVICES);
}

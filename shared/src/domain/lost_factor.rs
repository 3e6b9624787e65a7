//! Removal of the second factors of a user who has lost them all, after a delay (security 157). The tenant document allows it.
//!
//! 1. At the second step, after the right password, the user asks for a code that is mailed to the address, and types it. That starts a delay of
//!    [`DELAY`]. It is mailed to the address and to former addresses that can take the account back, with a link and a code that cancel it.
//! 2. It does not start within [`QUIET`] after a new password, a change of address or a change of factors, and only once in [`AGAIN_AFTER`].
//! 3. A completed sign-in with a factor or passkey cancels it, and so does a live session. A new epoch, a change of address and a change of
//!    factors end it.
//! 4. An operator who has recognized the user can shorten the delay, to at least [`SHORTEST`] from the request. The user is told by mail, and has at
//!    least [`NOTICE`] to cancel it.
//! 5. Nothing happens on its own. After the delay, and until [`ENDS_AFTER`], the user decides at the second step, after the right password and in
//!    the browser that asked. The factors are kept for some days, so that "this wasn't me" brings them back.
//!
//! The account's state keeps the request. Start, cancellation and removal each write it over its version: of two at once, one wins.

use super::account::AccountState;
use super::change::{Change, Changes, Decision};
use super::delivery::MailPurpose;
use super::email_undo::StoredFactors;
use super::flow::MAX_TRIES;
use super::mail_limit::Trigger;
use super::profile::Profile;
use super::second_factor::reset::without_second_steps;
use super::secret::SecretHash;
use super::sign_in::attempt::SignInAttempt;
use super::sign_in::method::Method;
use super::sign_in::second_step::FirstStep;
use super::time::{Span, Timestamp};

pub use super::removal_request::{CODE_LIFETIME, DELAY, RemovalCode, RemovalRequest};

#[cfg(test)]
mod tests;

/// How long after the request the removal can be decided.
pub const ENDS_AFTER: Span = Span::days(14);
/// The shortest time between two requests, also if the first one was cancelled.
pub const AGAIN_AFTER: Span = Span::days(30);
/// How long nothing of what protects the account may have changed before a request.
pub const QUIET: Span = Span::days(7);

/// The shortest delay from the request to the removal.
pub const SHORTEST: Span = Span::hours(24);
/// The shortest time between the shortening of a delay and the removal: the mail about it must be read.
pub const NOTICE: Span = Span::hours(12);

/// The request that waits, or can be used now.
#[must_use]
pub fn pending(account: &AccountState, now: Timestamp) -> Option<RemovalRequest> {
    let request = account.factors.removal.filter(|request| request.device.is_some())?;
    let is_current =
        [account.epoch_began_at, account.identifier_since].into_iter().flatten().all(|change| change < request.asked_at);
    (account.is_active() && is_current && now < request.asked_at + ENDS_AFTER).then_some(request)
}

/// An account at its second step.
#[derive(Debug, Clone, Copy)]
pub struct LostFactor<'a> {
    /// The account.
    pub account: &'a AccountState,
    /// Its profile.
    pub profile: &'a Profile,
    /// Its factors.
    pub factors: StoredFactors<'a>,
    /// What keeps the right password.
    pub attempt: &'a SignInAttempt,
    /// The browser of the request: it must be that of the attempt.
    pub browser: SecretHash,
    /// The device id of its cookie, if the account has been named in it.
    pub device: Option<u64>,
}

/// What the user can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostFactorState {
    /// Ask for a code.
    CanAsk,
    /// Type the mailed code.
    CodeMailed,
    /// Wait.
    Waiting {
        /// Until then.
        due: Timestamp,
        /// Whether this browser asked.
        is_own: bool,
    },
    /// Remove the factors.
    Due,
    /// Sign in with the password first: this attempt began with a mailed code. Access to the mailbox alone removes nothing.
    NeedsPassword,
    /// Ask later: too little time has passed since the last request, or since a change.
    NotBefore(Timestamp),
    /// Nothing: the attempt is over, or the account has no second factor to lose.
    Over,
}

/// What the user can do now.
#[must_use]
pub fn state(lost: &LostFactor<'_>, now: Timestamp) -> LostFactorState {
    let LostFactor { account, attempt, browser, device, .. } = *lost;
    let is_waiting = FirstStep::Attempt(attempt).is_open(account, &browser, now);
    if !is_waiting || !account.protected {
        return LostFactorState::Over;
    }
    if !attempt.proofs.iter().any(|proof| proof.method == Method::Password) {
        return LostFactorState::NeedsPassword;
    }
    if let Some(request) = pending(account, now) {
        let is_own = request.device == device;
        return if is_own && now >= request.due_at() {
            LostFactorState::Due
        } else {
            LostFactorState::Waiting { due: request.due_at(), is_own }
        };
    }
    if let Some(until) = not_before(lost, now) {
        return LostFactorState::NotBefore(until);
    }
    match attempt.removal_code {
        Some(code) if is_open(&code, now) => LostFactorState::CodeMailed,
        Some(_) | None => LostFactorState::CanAsk,
    }
}

/// Whether this code can be typed now.
fn is_open(code: &RemovalCode, now: Timestamp) -> bool {
    code.tries < MAX_TRIES && now < code.at + CODE_LIFETIME
}

/// When a request is possible again, if it is not now.
fn not_before(lost: &LostFactor<'_>, now: Timestamp) -> Option<Timestamp> {
    let LostFactor { account, profile, factors, .. } = *lost;
    let again = account.factors.removal.map(|request| request.asked_at + AGAIN_AFTER);
    let app = factors.totp.into_iter().flat_map(|totp| {
        let removed = totp.removed.as_ref().map(|removed| removed.removed_at);
        totp.active.as_ref().map(|active| active.added_at).into_iter().chain(removed)
    });
    let codes = factors.codes.into_iter().flat_map(|codes| codes.changes.iter().copied().chain([codes.created_at]));
    let passkeys = factors.passkeys.iter().flat_map(|passkey| passkey.removed_at.into_iter().chain([passkey.created_at]));
    let addresses = profile.email_undos.iter().flat_map(|undo| undo.used_at.into_iter().chain([undo.changed_at]));
    // A new epoch comes with each new password, removed factor and report.
    let changes = account.epoch_began_at.into_iter().chain(account.identifier_since);
    let changes = changes.chain(addresses).chain(app).chain(codes).chain(passkeys).max();
    again.max(changes.map(|last| last + QUIET)).filter(|until| now < *until)
}

/// Requests a code. An earlier one ends. At the limit of mails nothing is written.
pub fn request_code(lost: &LostFactor<'_>, key_version: u32, now: Timestamp) -> Decision<LostFactorState> {
    let (account, attempt) = (lost.account, lost.attempt);
    match state(lost, now) {
        LostFactorState::CanAsk | LostFactorState::CodeMailed => {}
        other @ (LostFactorState::Waiting { .. }
        | LostFactorState::Due
        | LostFactorState::NeedsPassword
        | LostFactorState::NotBefore(_)
        | LostFactorState::Over) => return Decision::unchanged(other),
    }
    let code = Some(RemovalCode { at: now, key_version, tries: 0 });
    let next = SignInAttempt { removal_code: code, version: attempt.version + 1, ..attempt.clone() };
    let trigger = Trigger::account(account.account);
    let counted = Change::count_mail_start(MailPurpose::LostFactor, account.identifier, trigger, now);
    let changes = Changes::one(counted).then(Change::request_removal_code(next));
    Decision { changes, outcome: LostFactorState::CodeMailed }
}

/// The outcome of a typed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalStarted {
    /// The delay runs.
    Started,
    /// The code is wrong.
    Wrong {
        /// How many tries are left.
        tries_left: u8,
    },
    /// No code is expected.
    NoCode,
}

/// Decides on a typed code. `fits` says whether it is the mailed one (compared by `keys`), and `device` is the id that the browser's cookie gets.
pub fn start(lost: &LostFactor<'_>, fits: bool, device: u64, now: Timestamp) -> Decision<RemovalStarted> {
    let (account, attempt) = (lost.account, lost.attempt);
    let (LostFactorState::CodeMailed, Some(code)) = (state(lost, now), attempt.removal_code) else {
        return Decision::unchanged(RemovalStarted::NoCode);
    };
    let with = |code| SignInAttempt { removal_code: code, version: attempt.version + 1, ..attempt.clone() };
    if !fits {
        let code = RemovalCode { tries: code.tries + 1, ..code };
        let tries_left = MAX_TRIES.saturating_sub(code.tries);
        return Decision::one(Change::count_removal_code_try(with(Some(code))), RemovalStarted::Wrong { tries_left });
    }
    let removal = Some(RemovalRequest { asked_at: now, device: Some(device), hours: None });
    let factors = super::sign_in::factors::Factors { removal, ..account.factors };
    let next = AccountState { factors, version: account.version + 1, ..account.clone() };
    Decision::one(Change::request_removal(next, with(None)), RemovalStarted::Started)
}

/// Cancels a request, by a live session or the code of its mail. The outcome is whether nothing waits any more.
pub fn cancel(account: &AccountState, now: Timestamp) -> Decision<()> {
    if pending(account, now).is_none() {
        return Decision::unchanged(());
    }
    let next = AccountState { version: account.version + 1, ..account.clone().without_removal_request() };
    Decision::one(Change::cancel_removal(next), ())
}

/// The outcome of a shortening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortened {
    /// The removal is possible at this time now.
    To(Timestamp),
    /// It is possible at this time already, which is as early as can be.
    Already(Timestamp),
    /// No request is running.
    NoRequest,
}

/// An operator shortens the delay to this many hours from the request, within the bounds.
pub fn shorten(account: &AccountState, hours: u8, now: Timestamp) -> Decision<Shortened> {
    let Some(request) = pending(account, now) else { return Decision::unchanged(Shortened::NoRequest) };
    let hour = Span::hours(1).as_millis();
    // In whole hours from the request, rounded up.
    let noticed = (now + NOTICE).since(request.asked_at).as_millis();
    let earliest = (noticed + hour - 1).div_euclid(hour).max(SHORTEST.as_millis() / hour);
    let hours = u8::try_from(earliest.max(i64::from(hours))).unwrap_or(u8::MAX);
    let shorter = RemovalRequest { hours: Some(hours), ..request };
    if shorter.due_at() >= request.due_at() {
        return Decision::unchanged(Shortened::Already(request.due_at()));
    }
    let factors = super::sign_in::factors::Factors { removal: Some(shorter), ..account.factors };
    let next = AccountState { factors, version: account.version + 1, ..account.clone() };
    Decision::one(Change::shorten_removal(next), Shortened::To(shorter.due_at()))
}

/// Removes the app and the recovery codes. The outcome is whether they are removed. The user signs in again.
pub fn remove(lost: &LostFactor<'_>, now: Timestamp) -> Decision<bool> {
    if state(lost, now) != LostFactorState::Due {
        return Decision::unchanged(false);
    }
    let StoredFactors { totp, codes, .. } = lost.factors;
    let (account, totp, codes) = without_second_steps(lost.account, totp, codes, now);
    Decision::one(Change::remove_lost_factors(account.without_removal_request(), totp, codes), true)
}

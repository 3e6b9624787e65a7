//! Changes of second factors by a signed-in user (security 72–77).
//!
//! 1. Set-up of an authenticator app stores a pending seed, bound to the session. It replaces nothing. A session that has not shown two factors
//!    needs a proof of the address first ([`super::address_proof`]).
//! 2. The first code that fits makes it the active one. The account's state, the seed and the recovery codes change in one transaction. The code
//!    counts as evidence of the presenting session, which gets another cookie.
//! 3. A removal keeps the seed and the codes for some days, so that an undo can put them back. They open nothing. The last factor takes the
//!    flag *protected* with it.
//! 4. A removal or replacement ends all other sessions and grants. With a new factor the user decides.
//!
//! Each change needs a recent sign-in of the level that the account can reach (checked by the caller at admission).

pub mod reset;

use super::account::{AccountState, Sealed};
use super::address_proof;
use super::change::{Change, Decision};
use super::failure_window::FailureWindow;
use super::passkey::Passkey;
use super::profile::Profile;
use super::recovery_codes::{FreshCodes, RecoveryCodes};
use super::secret::SecretText;
use super::session::{NewSession, Session};
use super::sign_in::assurance::{Acr, RECENT};
use super::sign_in::complete::add_to_session;
use super::sign_in::factors::Factors;
use super::sign_in::methods::totp::{self, TotpRefused};
use super::sign_in::ways_in::AllowedWays;
use super::tenant::SessionPolicy;
use super::time::Timestamp;
use super::totp::{PendingSeed, StoredSeed, TotpCredential, TotpSeed};

/// The account with its second factors, and the session that presents the call.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The account.
    pub account: &'a AccountState,
    /// Its authenticator app.
    pub totp: Option<&'a TotpCredential>,
    /// Its recovery codes.
    pub codes: Option<&'a RecoveryCodes>,
    /// The live session.
    pub session: &'a Session,
}

impl<'a> Holder<'a> {
    /// The set-up that this session can confirm.
    #[must_use]
    pub fn pending(&self, now: Timestamp) -> Option<&'a PendingSeed> {
        self.totp.and_then(|totp| totp.pending_of(self.session.id, now))
    }
    /// When second factors can be changed again, if there were too many changes.
    fn blocked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.codes.and_then(|codes| codes.blocked_until(now))
    }
    /// The account with these factors, in its next epoch if other sessions end. No device is remembered any more.
    fn next(&self, protected: bool, factors: Factors, ends_others: bool, now: Timestamp) -> AccountState {
        let next = if ends_others {
            self.account.in_next_epoch(now)
        } else {
            AccountState { version: self.account.version + 1, ..self.account.clone() }
        };
        AccountState { protected, factors, ..next }.without_removal_request().without_remembered_devices()
    }
    /// The presenting session in the epoch of this state.
    fn restamped(&self, state: &AccountState) -> Session {
        Session { epoch: state.epoch, version: self.session.version + 1, ..self.session.clone() }
    }
}

/// The outcome of the begin of a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpBegun {
    /// It began, now or before.
    Begun,
    /// The session must prove the account's address first.
    NeedsAddressProof,
}

/// Begins the set-up of an authenticator app. One that this session has begun is continued.
pub fn begin_totp(holder: Holder<'_>, profile: &Profile, seed: Sealed, now: Timestamp) -> Decision<TotpBegun> {
    if address_proof::is_needed(holder.account, profile, holder.session, now) {
        return Decision::unchanged(TotpBegun::NeedsAddressProof);
    }
    if holder.pending(now).is_some() {
        return Decision::unchanged(TotpBegun::Begun);
    }
    let pending = Some(PendingSeed { seed, started_at: now, sid: holder.session.id });
    let next = match holder.totp {
        Some(totp) => TotpCredential { pending, version: totp.version + 1, ..totp.clone() },
        None => TotpCredential { account: holder.account.account, active: None, pending, removed: None, version: 1 },
    };
    Decision::one(Change::begin_totp(next), TotpBegun::Begun)
}

/// Gives up a set-up.
pub fn cancel_totp(holder: Holder<'_>, now: Timestamp) -> Decision<()> {
    match (holder.totp, holder.pending(now)) {
        (Some(totp), Some(_)) => {
            let next = TotpCredential { pending: None, version: totp.version + 1, ..totp.clone() };
            Decision::one(Change::cancel_totp(next), ())
        }
        (_, _) => Decision::unchanged(()),
    }
}

/// The confirmation of a set-up.
#[derive(Debug)]
pub struct Confirmation<'a> {
    /// The pending seed, opened.
    pub seed: &'a TotpSeed,
    /// The typed code.
    pub typed: &'a SecretText,
    /// Random bytes for recovery codes.
    pub fresh: &'a FreshCodes,
    /// Whether all other sessions end. They do if the app replaces another one.
    pub ends_others: bool,
    /// The next cookie of the session.
    pub session: NewSession,
    /// Lifetimes.
    pub policy: &'a SessionPolicy,
}

/// The outcome of a confirmation.
#[derive(Debug)]
pub enum TotpConfirmed {
    /// The app is in use.
    Active {
        /// The session, with another cookie.
        session: Box<Session>,
        /// Whether it replaces another one.
        is_replacement: bool,
        /// New recovery codes, to be shown once. None: those of before stay.
        codes: Option<Vec<SecretText>>,
    },
    /// The code is refused.
    Refused(TotpRefused),
    /// This session has begun no set-up, or it took too long, or what it showed at its begin counts no more.
    NoSetup,
    /// There were too many changes in a day.
    TooMany {
        /// When the next one is possible.
        until: Timestamp,
    },
}

/// Decides on the first code of a new authenticator app.
pub fn confirm_totp(
    holder: Holder<'_>,
    profile: &Profile,
    confirmation: Confirmation<'_>,
    now: Timestamp,
) -> Decision<TotpConfirmed> {
    let Confirmation { seed, typed, fresh, ends_others, session, policy } = confirmation;
    let (Some(stored), Some(pending)) = (holder.totp, holder.pending(now)) else {
        return Decision::unchanged(TotpConfirmed::NoSetup);
    };
    if address_proof::is_needed(holder.account, profile, holder.session, now) {
        return Decision::unchanged(TotpConfirmed::NoSetup);
    }
    if let Some(until) = holder.blocked_until(now) {
        return Decision::unchanged(TotpConfirmed::TooMany { until });
    }
    let step = match totp::check(seed, typed, None, now) {
        Ok(step) => step,
        Err(refused) => return Decision::unchanged(TotpConfirmed::Refused(refused)),
    };
    let account = holder.account.account;
    let replaced = stored.active.clone().map(|active| stored.removed_with(active, now));
    // The account's state decides. A release that does not know second factors may have lost it.
    let is_replacement = holder.account.factors.totp.is_some();
    let (codes, texts) = match holder.codes.filter(|codes| holder.account.factors.recovery_codes > 0 && codes.left() > 0) {
        Some(kept) => (RecoveryCodes { version: kept.version + 1, ..kept.clone() }, None),
        None => {
            let (codes, texts) = RecoveryCodes::issue(account, holder.codes, fresh, now);
            (codes, Some(texts))
        }
    };
    let codes = codes.with_change(now);
    // Wrong codes of another seed count no more.
    let failures = FailureWindow::default();
    let factors = Factors { totp: Some(step), recovery_codes: left(&codes), failures, ..holder.account.factors };
    let state = holder.next(true, factors, ends_others || is_replacement, now);
    let evidence = vec![totp::proven(account, now)];
    let Some(session) = add_to_session(holder.session, holder.account, &state, evidence, session, policy, now) else {
        return Decision::unchanged(TotpConfirmed::NoSetup);
    };
    let active = Some(StoredSeed { seed: pending.seed.clone(), added_at: now });
    let removed = replaced.or_else(|| stored.removed(now).cloned());
    let next = TotpCredential { active, pending: None, removed, version: stored.version + 1, ..stored.clone() };
    let change = if is_replacement { Change::replace_totp } else { Change::activate_totp };
    let change = change(state, next, codes, session.clone());
    Decision::one(change, TotpConfirmed::Active { session: Box::new(session), is_replacement, codes: texts })
}

/// The outcome of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpRemoved {
    /// It is removed, now or before.
    Removed,
    /// There were too many changes in a day.
    TooMany {
        /// When the next one is possible.
        until: Timestamp,
    },
}

/// Removes the authenticator app. With the last factor the recovery codes and the flag *protected* go too. A passkey that cannot sign in any more
/// is none: the account would stay protected without a way in. All other sessions end.
pub fn remove_totp(
    holder: Holder<'_>,
    passkeys: &[Passkey],
    allowed: AllowedWays<'_>,
    now: Timestamp,
) -> Decision<TotpRemoved> {
    let Some((stored, active)) = holder.totp.and_then(|stored| Some((stored, stored.active.clone()?))) else {
        return Decision::unchanged(TotpRemoved::Removed);
    };
    if let Some(until) = holder.blocked_until(now) {
        return Decision::unchanged(TotpRemoved::TooMany { until });
    }
    let is_last = !passkeys.iter().any(|passkey| allowed.accepts(passkey));
    let codes = holder.codes.map(|codes| {
        let removed_at = if is_last { codes.removed_at.or(Some(now)) } else { codes.removed_at };
        RecoveryCodes { removed_at, version: codes.version + 1, ..codes.with_change(now) }
    });
    let factors = Factors { totp: None, recovery_codes: codes.as_ref().map_or(0, left), ..holder.account.factors };
    let state = holder.next(holder.account.protected && !is_last, factors, true, now);
    let session = holder.restamped(&state);
    let removed = Some(stored.removed_with(active, now));
    let next = TotpCredential { active: None, pending: None, removed, version: stored.version + 1, ..stored.clone() };
    Decision::one(Change::remove_totp(state, next, codes, session), TotpRemoved::Removed)
}

/// The outcome of a request for new recovery codes.
#[derive(Debug)]
pub enum CodesRenewed {
    /// The new codes, to be shown once.
    Renewed(Vec<SecretText>),
    /// The account is not protected by a factor that they stand in for.
    NoFactor,
    /// The session has not shown two factors just now.
    NeedsTwoFactors,
    /// There were too many changes in a day.
    TooMany {
        /// When the next one is possible.
        until: Timestamp,
    },
}

/// Whether the account can have recovery codes: it is protected, by an app or a passkey.
#[must_use]
pub const fn has_codes(account: &AccountState) -> bool {
    account.protected && (account.factors.totp.is_some() || account.factors.passkeys > 0)
}

/// Makes new recovery codes. The old ones end.
pub fn renew_codes(holder: Holder<'_>, fresh: &FreshCodes, ends_others: bool, now: Timestamp) -> Decision<CodesRenewed> {
    if !has_codes(holder.account) {
        return Decision::unchanged(CodesRenewed::NoFactor);
    }
    if !holder.session.proofs().satisfies(Acr::Aal2, Some(RECENT), now) {
        return Decision::unchanged(CodesRenewed::NeedsTwoFactors);
    }
    if let Some(until) = holder.blocked_until(now) {
        return Decision::unchanged(CodesRenewed::TooMany { until });
    }
    let (codes, texts) = RecoveryCodes::issue(holder.account.account, holder.codes, fresh, now);
    let codes = codes.with_change(now);
    let factors = Factors { recovery_codes: left(&codes), ..holder.account.factors };
    let state = holder.next(holder.account.protected, factors, ends_others, now);
    let session = ends_others.then(|| holder.restamped(&state));
    Decision::one(Change::renew_recovery_codes(state, codes, session), CodesRenewed::Renewed(texts))
}

/// The user shows that the codes were kept, by typing one of them. It is not used up. The outcome is whether it is one of them.
pub fn show_codes_kept(holder: Holder<'_>, typed: &SecretText) -> Decision<bool> {
    match holder.codes {
        Some(codes) if codes.find(typed).is_some() && codes.are_kept => Decision::unchanged(true),
        Some(codes) if codes.find(typed).is_some() => {
            let next = RecoveryCodes { are_kept: true, version: codes.version + 1, ..codes.clone() };
            Decision::one(Change::note_codes_kept(next), true)
        }
        Some(_) | None => Decision::unchanged(false),
    }
}

fn left(codes: &RecoveryCodes) -> u8 {
    u8::try_from(codes.left()).unwrap_or(u8::MAX)
}

#[cfg(test)]
#[path = "second_factor_tests.rs"]
mod tests;

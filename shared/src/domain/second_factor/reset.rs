//! Help for a user who has lost the authenticator app and all recovery codes, or with locked codes. For an operator who has made sure
//! who asks: afterwards the account opens by its password alone.

use crate::domain::account::{AccountState, AccountStatus};
use crate::domain::change::{Change, Decision};
use crate::domain::failure_window::FailureWindow;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::removal_request::RemovalRequest;
use crate::domain::sign_in::factors::Factors;
use crate::domain::time::Timestamp;
use crate::domain::totp::TotpCredential;

/// The outcome of help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helped {
    /// It is done.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// The account is erased.
    Erased,
}

/// Removes the app and the recovery codes. All sessions end, the user is told by mail, and the app is kept for some days, so that an undo of a
/// change of address can bring it back.
pub fn reset_second_steps(
    account: &AccountState,
    totp: Option<&TotpCredential>,
    codes: Option<&RecoveryCodes>,
    now: Timestamp,
) -> Decision<Helped> {
    if matches!(account.status, AccountStatus::Erased { .. }) {
        return Decision::unchanged(Helped::Erased);
    }
    if !account.protected && !account.factors.has_second_step() {
        return Decision::unchanged(Helped::Unchanged);
    }
    let (next, totp, codes) = without_second_steps(account, totp, codes, now);
    Decision::one(Change::reset_second_steps(next, totp, codes), Helped::Done)
}

/// The account in its next epoch without app and recovery codes. Both are kept for some days. Passkeys stay.
pub(in crate::domain) fn without_second_steps(
    account: &AccountState,
    totp: Option<&TotpCredential>,
    codes: Option<&RecoveryCodes>,
    now: Timestamp,
) -> (AccountState, Option<TotpCredential>, Option<RecoveryCodes>) {
    // An account may be protected by a passkey and codes alone.
    let totp = totp.map(|stored| {
        let removed = stored.active.clone().map(|active| stored.removed_with(active, now));
        let removed = removed.or_else(|| stored.removed(now).cloned());
        TotpCredential { active: None, pending: None, removed, version: stored.version + 1, ..stored.clone() }
    });
    let codes = codes.map(|codes| RecoveryCodes {
        removed_at: codes.removed_at.or(Some(now)),
        version: codes.version + 1,
        ..codes.clone()
    });
    let removal = account.factors.removal.map(RemovalRequest::ended);
    let factors = Factors { passkeys: account.factors.passkeys, removal, ..Factors::default() };
    (AccountState { protected: false, factors, ..account.in_next_epoch(now) }, totp, codes)
}

/// Lets codes be tried again after too many wrong ones.
pub fn unlock_second_steps(account: &AccountState) -> Decision<Helped> {
    if matches!(account.status, AccountStatus::Erased { .. }) {
        return Decision::unchanged(Helped::Erased);
    }
    if account.factors.failures.is_empty() {
        return Decision::unchanged(Helped::Unchanged);
    }
    let factors = Factors { failures: FailureWindow::default(), ..account.factors };
    let next = AccountState { factors, version: account.version + 1, ..account.clone() };
    Decision::one(Change::unlock_second_steps(next), Helped::Done)
}

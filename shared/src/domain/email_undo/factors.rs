//! What an undo of a change of address does with second factors: those that were added since the change go, and those that were removed
//! since then come back. So a thief who changed the address cannot lock its owner out with an app of their own.

use crate::domain::account::AccountState;
use crate::domain::failure_window::FailureWindow;
use crate::domain::passkey::Passkey;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::removal_request::RemovalRequest;
use crate::domain::sign_in::factors::Factors;
use crate::domain::time::Timestamp;
use crate::domain::totp::{RemovedSeed, StoredSeed, TotpCredential};

/// The factors of an account as they were at an earlier moment.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct FactorsAsOf {
    /// Whether it is protected.
    pub protected: bool,
    /// Its factors.
    pub factors: Factors,
    /// The authenticator app, if it changes.
    pub totp: Option<TotpCredential>,
    /// The recovery codes, if they change.
    pub codes: Option<RecoveryCodes>,
    /// The passkeys that change: removed ones, and those that come back.
    pub passkeys: Vec<Passkey>,
}

impl FactorsAsOf {
    /// Whether a factor goes or comes back. The end of a set-up alone is no such change.
    pub(in crate::domain) fn differs_from(&self, totp: Option<&TotpCredential>) -> bool {
        let active = |totp: Option<&TotpCredential>| totp.and_then(|totp| totp.active.clone());
        let app_changes = self.totp.is_some() && active(self.totp.as_ref()) != active(totp);
        app_changes || self.codes.is_some() || !self.passkeys.is_empty()
    }
}

/// Which of the factors that were removed since come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain) enum Returning {
    /// All of them.
    Every,
    /// Those that were added at this time or before.
    AddedUntil(Timestamp),
}

impl Returning {
    fn includes(self, added_at: Timestamp) -> bool {
        match self {
            Self::Every => true,
            Self::AddedUntil(latest) => added_at <= latest,
        }
    }
}

/// The second factors as they are stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoredFactors<'a> {
    /// The authenticator app, if the account ever had one.
    pub totp: Option<&'a TotpCredential>,
    /// The recovery codes, if the account ever had some.
    pub codes: Option<&'a RecoveryCodes>,
    /// The passkeys, those that were removed included.
    pub passkeys: &'a [Passkey],
}

/// Takes back every change of second factors since this moment.
pub(in crate::domain) fn as_of(
    since: Timestamp,
    account: &AccountState,
    stored: StoredFactors<'_>,
    returning: Returning,
    now: Timestamp,
) -> FactorsAsOf {
    let StoredFactors { totp, codes, passkeys } = stored;
    let app = totp.and_then(|totp| app_as_of(since, totp, returning, now));
    let has_app = totp.is_some_and(|totp| active_as_of(since, totp, returning, now).is_some());
    let was_active = |passkey: &Passkey| {
        let comes_back = |removed: Timestamp| removed >= since && returning.includes(passkey.created_at);
        passkey.created_at < since && passkey.removed_at.is_none_or(comes_back)
    };
    let active = passkeys.iter().filter(|passkey| was_active(passkey)).count();
    // Without an app, an account that had recovery codes before the change was protected by its passkeys. Codes that were made since then say
    // the same, unless they came with an app.
    let had_codes = codes.is_some_and(|codes| {
        let was_made = codes.created_at < since || !totp.is_some_and(|totp| is_added_since(since, totp, now));
        was_made && codes.removed_at.is_none_or(|removed| removed >= since && returning.includes(codes.created_at))
    });
    let is_protected = has_app || (had_codes && active > 0);
    let codes = codes.and_then(|codes| codes_as_of(since, codes, is_protected, returning, now).map(|next| (codes, next)));
    let left = match &codes {
        Some((_, next)) => u8::try_from(next.left()).unwrap_or(u8::MAX),
        None if is_protected => account.factors.recovery_codes,
        None => 0,
    };
    // The last step of a seed that comes back is not known any more: none of its codes counts before the present one.
    let is_same_seed = app.is_none() && account.factors.totp.is_some();
    let last_step = if is_same_seed { account.factors.totp } else { has_app.then(|| step_of(now)) };
    let factors = Factors {
        totp: last_step,
        recovery_codes: left,
        passkeys: u8::try_from(active).unwrap_or(u8::MAX),
        failures: FailureWindow::default(),
        removal: account.factors.removal.map(RemovalRequest::ended),
    };
    let changed = passkeys.iter().filter(|passkey| was_active(passkey) != passkey.is_active());
    let changed = changed.map(|passkey| if passkey.is_active() { passkey.removed(now) } else { passkey.restored() });
    let codes = codes.map(|(_, next)| next);
    FactorsAsOf { protected: is_protected, factors, totp: app, codes, passkeys: changed.collect() }
}

/// The time step of this moment (RFC 6238 §4.2). Codes up to it are not accepted any more.
fn step_of(now: Timestamp) -> u64 {
    u64::try_from(now.seconds().div_euclid(30)).unwrap_or_default()
}

/// The seed that was in use at this moment.
fn active_as_of(since: Timestamp, totp: &TotpCredential, returning: Returning, now: Timestamp) -> Option<StoredSeed> {
    let was_active = |removed: &&RemovedSeed| {
        let added_at = removed.stored.added_at;
        removed.removed_at >= since && added_at < since && returning.includes(added_at)
    };
    match (&totp.active, totp.removed(now).filter(was_active)) {
        (Some(active), _) if active.added_at < since => Some(active.clone()),
        (_, Some(removed)) => Some(removed.stored.clone()),
        (_, None) => None,
    }
}

/// Whether an app was added since this moment.
fn is_added_since(since: Timestamp, totp: &TotpCredential, now: Timestamp) -> bool {
    let removed = totp.removed(now).map(|removed| &removed.stored);
    totp.active.iter().chain(removed).any(|stored| stored.added_at >= since)
}

/// The app as of this moment. `None` if nothing changed since then.
fn app_as_of(since: Timestamp, totp: &TotpCredential, returning: Returning, now: Timestamp) -> Option<TotpCredential> {
    let active = active_as_of(since, totp, returning, now);
    let pending = totp.pending.clone().filter(|pending| pending.started_at < since);
    if active == totp.active && pending == totp.pending {
        return None;
    }
    // The foreign one is kept like any removed one, and opens nothing.
    let foreign = totp.active.clone().filter(|foreign| active.as_ref() != Some(foreign));
    let kept = totp.removed(now).filter(|kept| active.as_ref() != Some(&kept.stored)).cloned();
    let removed = match (foreign, kept) {
        // It does not push out a seed that it had replaced.
        (Some(foreign), Some(kept)) if foreign.added_at >= kept.removed_at => Some(kept),
        (Some(foreign), _) => Some(RemovedSeed { stored: foreign, removed_at: now }),
        (None, kept) => kept,
    };
    Some(TotpCredential { active, pending, removed, version: totp.version + 1, ..totp.clone() })
}

/// The recovery codes as of this moment. Codes that were made since then are known to another person, and end. `None` if nothing changes.
fn codes_as_of(
    since: Timestamp,
    codes: &RecoveryCodes,
    is_protected: bool,
    returning: Returning,
    now: Timestamp,
) -> Option<RecoveryCodes> {
    let ends = codes.created_at >= since || !is_protected;
    let removed_at = match (ends, codes.removed_at) {
        (true, removed) => removed.or(Some(now)),
        (false, Some(removed)) if removed >= since && returning.includes(codes.created_at) => None,
        (false, other) => other,
    };
    (removed_at != codes.removed_at).then(|| RecoveryCodes { removed_at, version: codes.version + 1, ..codes.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Sealed;
    use crate::domain::sign_in::methods::password::tests::authentication;
    use crate::domain::time::Span;

    const CHANGE: Timestamp = Timestamp::from_seconds(1_000_000);

    fn at(hours: i64) -> Timestamp {
        CHANGE + Span::hours(hours)
    }
    fn seed(number: u8, hours: i64) -> StoredSeed {
        StoredSeed { seed: Sealed(vec![number]), added_at: at(hours) }
    }
    fn app(active: Option<StoredSeed>, removed: Option<(StoredSeed, i64)>) -> TotpCredential {
        let removed = removed.map(|(stored, hours)| RemovedSeed { stored, removed_at: at(hours) });
        TotpCredential { account: authentication().account, active, pending: None, removed, version: 4 }
    }
    fn codes(made: i64, removed: Option<i64>) -> RecoveryCodes {
        let fresh =
            zeroize::Zeroizing::new([[7; crate::domain::recovery_codes::CODE_BYTES]; crate::domain::recovery_codes::COUNT]);
        let (codes, _) = RecoveryCodes::issue(authentication().account, None, &fresh, at(made));
        RecoveryCodes { removed_at: removed.map(at), ..codes }
    }
    fn account(factors: Factors, protected: bool) -> AccountState {
        AccountState { factors, protected, ..authentication() }
    }

    fn stored<'a>(totp: &'a TotpCredential, codes: &'a RecoveryCodes) -> StoredFactors<'a> {
        StoredFactors { totp: Some(totp), codes: Some(codes), passkeys: &[] }
    }
    fn passkey(id: u8, created: i64, removed: Option<i64>) -> Passkey {
        Passkey {
            account: authentication().account,
            credential_id: vec![id],
            cose: vec![],
            aaguid: [0; 16],
            transports: crate::domain::passkey::Transports::named(&[]),
            backup_eligible: true,
            backed_up: true,
            counter: 0,
            rp_id: "id.example.com".to_owned(),
            name: None,
            newest_challenge: at(created),
            created_at: at(created),
            last_used_at: None,
            removed_at: removed.map(at),
            version: 3,
        }
    }

    #[test]
    fn passkeys_of_a_thief_go_and_removed_ones_come_back() {
        let passkeys = [
            passkey(1, -50, None),
            passkey(2, -50, Some(1)),
            passkey(3, 1, None),
            passkey(4, -50, Some(-1)),
            passkey(5, 1, Some(2)),
        ];
        let state = account(Factors { passkeys: 2, ..Factors::default() }, false);
        let back =
            as_of(CHANGE, &state, StoredFactors { passkeys: &passkeys, ..StoredFactors::default() }, Returning::Every, at(3));
        assert_eq!(back.factors.passkeys, 2);
        let changed: Vec<_> = back.passkeys.iter().map(|passkey| (passkey.credential_id[0], passkey.removed_at)).collect();
        assert_eq!(changed, [(2, None), (3, Some(at(3)))]);
    }

    #[test]
    fn an_app_that_was_added_since_goes_with_its_codes() {
        let (totp, codes) = (app(Some(seed(1, 1)), None), codes(1, None));
        let state = account(Factors { totp: Some(7), recovery_codes: 10, ..Factors::default() }, true);
        let back = as_of(CHANGE, &state, stored(&totp, &codes), Returning::Every, at(2));
        assert_eq!((back.protected, back.factors), (false, Factors::default()));
        assert_eq!((back.totp.unwrap().active, back.codes.unwrap().left()), (None, 0));
    }

    #[test]
    fn an_app_that_was_removed_or_replaced_since_comes_back_with_its_codes() {
        let own = seed(1, -50);
        for foreign in [None, Some(seed(2, 1))] {
            let totp = app(foreign, Some((own.clone(), 1)));
            let codes = codes(-50, Some(1));
            let state = account(Factors { totp: Some(9), ..Factors::default() }, false);
            let back = as_of(CHANGE, &state, stored(&totp, &codes), Returning::Every, at(2));
            assert_eq!(back.totp.unwrap().active, Some(own.clone()));
            assert!(back.protected && back.factors.totp == Some(step_of(at(2))) && back.factors.recovery_codes == 10);
            assert_eq!(back.codes.unwrap().removed_at, None);
        }
    }

    #[test]
    fn a_passkey_of_before_the_change_keeps_the_account_protected_without_an_app() {
        let totp = app(None, Some((seed(1, -50), -10)));
        let (codes, passkeys) = (codes(-50, None), [passkey(1, -50, None)]);
        let state = account(Factors { passkeys: 1, recovery_codes: 10, ..Factors::default() }, true);
        let stored = StoredFactors { passkeys: &passkeys, ..stored(&totp, &codes) };
        let back = as_of(CHANGE, &state, stored, Returning::Every, at(2));
        assert_eq!((back.protected, back.factors, back.codes), (true, state.factors, None));
    }

    #[test]
    fn an_app_of_a_thief_does_not_leave_an_account_protected_that_was_not() {
        let (totp, codes, passkeys) = (app(Some(seed(2, 1)), None), codes(1, None), [passkey(1, -50, None)]);
        let state = account(Factors { totp: Some(3), passkeys: 1, recovery_codes: 10, ..Factors::default() }, true);
        let back =
            as_of(CHANGE, &state, StoredFactors { passkeys: &passkeys, ..stored(&totp, &codes) }, Returning::Every, at(2));
        assert_eq!((back.protected, back.factors), (false, Factors { passkeys: 1, ..Factors::default() }));
    }

    #[test]
    fn a_removed_passkey_comes_back_with_the_protection_and_the_codes() {
        let (totp, codes) = (app(None, Some((seed(1, -50), -10))), codes(-50, Some(1)));
        let passkeys = [passkey(1, -50, Some(1))];
        let state = account(Factors::default(), false);
        let back =
            as_of(CHANGE, &state, StoredFactors { passkeys: &passkeys, ..stored(&totp, &codes) }, Returning::Every, at(2));
        assert!(back.protected && back.factors.passkeys == 1 && back.factors.recovery_codes == 10);
        assert_eq!(back.codes.map(|codes| codes.removed_at), Some(None));
    }

    #[test]
    fn codes_that_a_thief_made_end_and_the_app_stays() {
        let (totp, codes) = (app(Some(seed(1, -50)), None), codes(1, None));
        let state = account(Factors { totp: Some(9), recovery_codes: 10, ..Factors::default() }, true);
        let back = as_of(CHANGE, &state, stored(&totp, &codes), Returning::Every, at(2));
        assert_eq!((back.totp, back.factors.totp, back.factors.recovery_codes), (None, Some(9), 0));
        assert!(back.protected && back.codes.unwrap().left() == 0);
    }

    #[test]
    fn without_a_change_nothing_is_written() {
        let (totp, codes) = (app(Some(seed(1, -50)), None), codes(-50, None));
        let state = account(Factors { totp: Some(9), recovery_codes: 10, ..Factors::default() }, true);
        let back = as_of(CHANGE, &state, stored(&totp, &codes), Returning::Every, at(2));
        assert_eq!((back.totp, back.codes, back.factors), (None, None, state.factors));
        let plain = as_of(CHANGE, &authentication(), StoredFactors::default(), Returning::Every, at(2));
        assert_eq!(
            plain,
            FactorsAsOf { protected: false, factors: Factors::default(), totp: None, codes: None, passkeys: vec![] }
        );
    }

    #[test]
    fn an_app_that_was_removed_before_the_change_stays_removed() {
        let totp = app(None, Some((seed(1, -50), -1)));
        let back = as_of(CHANGE, &authentication(), stored(&totp, &codes(-50, Some(-1))), Returning::Every, at(2));
        assert_eq!((back.protected, back.totp, back.codes), (false, None, None));
    }
}

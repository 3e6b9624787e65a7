//! Adding and removing passkeys, and their names.

use super::{MAX_PASSKEYS, Passkey, Transports};
use crate::domain::account::{AccountState, Sealed};
use crate::domain::change::{Change, Decision};
use crate::domain::id::AccountId;
use crate::domain::recovery_codes::{CHANGES_A_DAY, RecoveryCodes};
use crate::domain::session::Session;
use crate::domain::time::{Span, Timestamp};

/// A passkey that was created and checked.
#[derive(Debug, Clone)]
pub struct NewPasskey {
    /// Its credential id.
    pub credential_id: Vec<u8>,
    /// Its COSE key.
    pub cose: Vec<u8>,
    /// The make of its authenticator.
    pub aaguid: [u8; 16],
    /// Its transports.
    pub transports: Transports,
    /// Whether it may be synchronized.
    pub backup_eligible: bool,
    /// Whether it is synchronized.
    pub backed_up: bool,
    /// Its counter.
    pub counter: u32,
    /// The relying party id.
    pub rp_id: String,
    /// Its name, sealed.
    pub name: Option<Sealed>,
    /// When the challenge was issued that it answers.
    pub challenged_at: Timestamp,
}

/// The outcome of adding a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyAdded {
    /// It was added, or was there already: the same form was sent twice.
    Added,
    /// The account has the most passkeys that it can have.
    TooMany,
    /// Its passkeys changed often in the last day: each change is mailed.
    TooManyChanges {
        /// When the next change is possible.
        until: Timestamp,
    },
}

/// The outcome of removing a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyRemoved {
    /// It is gone.
    Removed,
    /// The account has no other way to sign in.
    LastWayIn,
    /// Its passkeys changed often in the last day: each change is mailed.
    TooManyChanges {
        /// When the next change is possible.
        until: Timestamp,
    },
}

impl NewPasskey {
    /// The passkey of this account, created now.
    #[must_use]
    pub fn of(self, account: AccountId, now: Timestamp) -> Passkey {
        Passkey {
            account,
            credential_id: self.credential_id,
            cose: self.cose,
            aaguid: self.aaguid,
            transports: self.transports,
            backup_eligible: self.backup_eligible,
            backed_up: self.backed_up,
            counter: self.counter,
            rp_id: self.rp_id,
            name: self.name,
            newest_challenge: self.challenged_at,
            created_at: now,
            last_used_at: None,
            removed_at: None,
            version: 1,
        }
    }
}

/// Adds a passkey to an account with these passkeys. With `ends_others`, all other sessions and grants end, and the presented session stays.
pub fn add_passkey(
    account: &AccountState,
    stored: &[Passkey],
    new: NewPasskey,
    session: &Session,
    ends_others: bool,
    now: Timestamp,
) -> Decision<PasskeyAdded> {
    let active: Vec<&Passkey> = stored.iter().filter(|passkey| passkey.is_active()).collect();
    if active.iter().any(|passkey| passkey.credential_id == new.credential_id) {
        return Decision::unchanged(PasskeyAdded::Added);
    }
    if active.len() >= MAX_PASSKEYS {
        return Decision::unchanged(PasskeyAdded::TooMany);
    }
    if let Some(until) = blocked_until(stored, now) {
        return Decision::unchanged(PasskeyAdded::TooManyChanges { until });
    }
    let passkey = new.of(account.account, now);
    let mut state = match ends_others {
        true => account.in_next_epoch(now),
        false => AccountState { version: account.version + 1, ..account.clone() },
    }
    .without_removal_request()
    .without_remembered_devices();
    state.factors.passkeys = count(active.len() + 1);
    let session = ends_others.then(|| restamped(session, &state));
    Decision::one(Change::add_passkey(state, passkey, session), PasskeyAdded::Added)
}

/// What opens the account besides the passkey that is removed.
#[derive(Debug, Clone, Copy)]
pub struct OtherWays<'a> {
    /// Whether it has a password.
    pub has_password: bool,
    /// The relying party of the tenant. A passkey of another one signs in no more. None: the tenant has no passkeys.
    pub rp_id: Option<&'a str>,
}

/// Removes a passkey. The epoch is raised: all other sessions and grants end. The last way to sign in stays. Recovery codes stand in for an app
/// or a passkey: with the last of these they end, and the account is no longer protected.
pub fn remove_passkey(
    account: &AccountState,
    stored: &[Passkey],
    passkey: &Passkey,
    codes: Option<&RecoveryCodes>,
    session: &Session,
    besides: OtherWays<'_>,
    now: Timestamp,
) -> Decision<PasskeyRemoved> {
    if !passkey.is_active() {
        return Decision::unchanged(PasskeyRemoved::Removed);
    }
    let OtherWays { has_password, rp_id } = besides;
    let others = || stored.iter().filter(|other| other.is_active() && other.credential_id != passkey.credential_id);
    let left = others().count();
    let is_last = !others().any(|other| other.signs_in_at(rp_id));
    if (left == 0 || is_last && passkey.signs_in_at(rp_id)) && !has_password {
        return Decision::unchanged(PasskeyRemoved::LastWayIn);
    }
    if let Some(until) = blocked_until(stored, now) {
        return Decision::unchanged(PasskeyRemoved::TooManyChanges { until });
    }
    let mut state = account.in_next_epoch(now);
    state.factors.passkeys = count(left);
    let codes = codes.filter(|_| is_last && state.factors.totp.is_none()).map(|codes| {
        state.protected = false;
        state.factors.recovery_codes = 0;
        RecoveryCodes { removed_at: codes.removed_at.or(Some(now)), version: codes.version + 1, ..codes.clone() }
    });
    if is_last && state.factors.totp.is_none() {
        state.protected = false;
    }
    let session = restamped(session, &state);
    Decision::one(Change::remove_passkey(state, passkey.removed(now), codes, Some(session)), PasskeyRemoved::Removed)
}

/// When the passkeys can be changed again, if they changed [`CHANGES_A_DAY`] times in the last 24 hours. The mails about changes have no limit of
/// their own (decision 31). `stored` has removed ones, too: they are kept for longer than a day.
fn blocked_until(stored: &[Passkey], now: Timestamp) -> Option<Timestamp> {
    let changes = stored.iter().flat_map(|passkey| passkey.removed_at.into_iter().chain([passkey.created_at]));
    let mut recent: Vec<Timestamp> = changes.filter(|change| now < *change + Span::days(1)).collect();
    recent.sort();
    let blocking = recent.len().checked_sub(CHANGES_A_DAY).and_then(|excess| recent.get(excess));
    blocking.map(|change| *change + Span::days(1))
}

fn count(passkeys: usize) -> u8 {
    u8::try_from(passkeys).unwrap_or(u8::MAX)
}

/// The session that made the change stays in the next epoch.
fn restamped(session: &Session, account: &AccountState) -> Session {
    Session { epoch: account.epoch, version: session.version + 1, ..session.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::known_device::{KnownDevice, RememberedUntil};
    use crate::domain::oauth::fixture::{NOW, authentication, session};

    const WITHOUT_PASSWORD: OtherWays<'_> = OtherWays { has_password: false, rp_id: Some("example.com") };
    const WITH_PASSWORD: OtherWays<'_> = OtherWays { has_password: true, ..WITHOUT_PASSWORD };

    fn new(id: u8) -> NewPasskey {
        NewPasskey {
            credential_id: vec![id; 16],
            cose: vec![1],
            aaguid: [0; 16],
            transports: Transports::default(),
            backup_eligible: true,
            backed_up: true,
            counter: 0,
            rp_id: "example.com".to_owned(),
            name: None,
            challenged_at: NOW - Span::minutes(1),
        }
    }
    fn added(account: &AccountState, stored: &[Passkey], id: u8) -> (AccountState, Passkey) {
        let decision = add_passkey(account, stored, new(id), &session(), false, NOW);
        let [change] = decision.changes.all();
        (change.first(), change.first())
    }

    #[test]
    fn security_82_adding_counts_in_the_account_and_claims_the_id() {
        let account = authentication();
        let decision = add_passkey(&account, &[], new(1), &session(), false, NOW);
        let [change] = decision.changes.all();
        let (state, passkey): (AccountState, Passkey) = (change.first(), change.first());
        assert_eq!(*change, Change::add_passkey(state.clone(), passkey.clone(), None));
        assert_eq!((state.factors.passkeys, state.epoch, state.protected), (1, account.epoch, false));
        // The same form again finds it.
        let again = add_passkey(&state, std::slice::from_ref(&passkey), new(1), &session(), false, NOW);
        assert!(again.changes.is_empty() && again.outcome == PasskeyAdded::Added);
    }

    #[test]
    fn security_160_a_new_passkey_ends_remembered_devices_also_where_other_sessions_stay() {
        let until = Some(RememberedUntil::after(Span::days(30), NOW));
        let device = KnownDevice { remembered_until: until, ..KnownDevice::new(7) };
        let account = AccountState { devices: vec![device], ..authentication() };
        let (state, _) = added(&account, &[], 1);
        assert!(account.remembers(Some(7), NOW) && !state.remembers(Some(7), NOW));
        assert_eq!(state.epoch, account.epoch);
    }

    #[test]
    fn an_account_has_at_most_ten_passkeys() {
        let mut account = authentication();
        let mut stored = Vec::new();
        for id in 0..10 {
            let (state, passkey) = added(&account, &stored, id);
            account = state;
            stored.push(passkey);
        }
        let refused = add_passkey(&account, &stored, new(10), &session(), false, NOW);
        assert!(refused.changes.is_empty() && refused.outcome == PasskeyAdded::TooMany);
        stored[0] = stored[0].removed(NOW);
        let later = NOW + Span::days(1);
        assert_eq!(add_passkey(&account, &stored, new(10), &session(), false, later).outcome, PasskeyAdded::Added);
    }

    #[test]
    fn security_82_passkeys_change_at_most_ten_times_a_day() {
        let (mut account, mut stored) = (authentication(), Vec::new());
        let at = |change: i64| NOW + Span::minutes(change);
        // Five are added, and four of them removed: nine changes.
        for id in 0..5 {
            let decision = add_passkey(&account, &stored, new(id), &session(), false, at(i64::from(id)));
            let [change] = decision.changes.all();
            account = change.first();
            stored.push(change.first());
        }
        for (one, change) in stored[..4].iter_mut().zip(5..) {
            *one = one.removed(at(change));
        }
        let add = |stored: &[Passkey], now| add_passkey(&account, stored, new(9), &session(), false, now).outcome;
        let remove = |stored: &[Passkey], now| {
            remove_passkey(&account, stored, &stored[4], None, &session(), WITH_PASSWORD, now).outcome
        };
        assert_eq!((add(&stored, at(9)), remove(&stored, at(9))), (PasskeyAdded::Added, PasskeyRemoved::Removed));
        let tenth = add_passkey(&account, &stored, new(9), &session(), false, at(9));
        stored.push(tenth.changes.all::<1>()[0].first());
        let until = NOW + Span::days(1);
        assert_eq!(add(&stored, at(10)), PasskeyAdded::Added, "the same form again");
        let other = add_passkey(&account, &stored, new(10), &session(), false, at(10));
        assert!(other.changes.is_empty() && other.outcome == PasskeyAdded::TooManyChanges { until });
        assert_eq!(remove(&stored, at(10)), PasskeyRemoved::TooManyChanges { until });
        assert_eq!(remove(&stored, until), PasskeyRemoved::Removed);
    }

    #[test]
    fn security_59_other_sessions_end_if_the_user_wants_it_and_at_each_removal() {
        let (account, own) = (authentication(), session());
        let decision = add_passkey(&account, &[], new(1), &own, true, NOW);
        let [change] = decision.changes.all();
        let (state, passkey, kept): (AccountState, Passkey, Session) = (change.first(), change.first(), change.first());
        assert!(kept.is_live(&state, NOW) && !own.is_live(&state, NOW));
        let decision = remove_passkey(&state, std::slice::from_ref(&passkey), &passkey, None, &kept, WITH_PASSWORD, NOW);
        let [change] = decision.changes.all();
        let (after, removed, again): (AccountState, Passkey, Session) = (change.first(), change.first(), change.first());
        assert!(again.is_live(&after, NOW) && !kept.is_live(&after, NOW));
        assert_eq!((after.factors.passkeys, removed.removed_at), (0, Some(NOW)));
    }

    #[test]
    fn security_87_the_last_way_to_sign_in_cannot_be_removed() {
        let (account, one) = added(&authentication(), &[], 1);
        let (account, two) = added(&account, std::slice::from_ref(&one), 2);
        let both = [one.clone(), two.clone()];
        let removed = remove_passkey(&account, &both, &one, None, &session(), WITHOUT_PASSWORD, NOW);
        assert_eq!(removed.outcome, PasskeyRemoved::Removed);
        let left = [one.removed(NOW), two.clone()];
        let refused = remove_passkey(&account, &left, &two, None, &session(), WITHOUT_PASSWORD, NOW);
        assert!(refused.changes.is_empty() && refused.outcome == PasskeyRemoved::LastWayIn);
        assert_eq!(
            remove_passkey(&account, &left, &two, None, &session(), WITH_PASSWORD, NOW).outcome,
            PasskeyRemoved::Removed
        );
    }

    /// A passkey of another site, or with passkeys switched off, is no way in.
    #[test]
    fn security_87_a_passkey_that_signs_in_no_more_is_no_way_in_that_is_left() {
        let (account, one) = added(&authentication(), &[], 1);
        let (account, two) = added(&account, std::slice::from_ref(&one), 2);
        let foreign = Passkey { rp_id: "example.net".to_owned(), ..two };
        let both = [one.clone(), foreign.clone()];
        let remove = |account: &AccountState, passkey: &Passkey, ways: OtherWays<'_>| {
            remove_passkey(account, &both, passkey, None, &session(), ways, NOW)
        };
        let refused = remove(&account, &one, WITHOUT_PASSWORD);
        assert!(refused.changes.is_empty() && refused.outcome == PasskeyRemoved::LastWayIn);
        assert_eq!(remove(&account, &foreign, WITHOUT_PASSWORD).outcome, PasskeyRemoved::Removed);
        // A protected account is not left with a factor that does not work.
        let account = AccountState { protected: true, ..account };
        let after = |ways, passkey| -> AccountState { remove(&account, passkey, ways).changes.all::<1>()[0].first() };
        assert!(!after(WITH_PASSWORD, &one).protected && after(WITH_PASSWORD, &foreign).protected);
        assert!(!after(OtherWays { rp_id: None, ..WITH_PASSWORD }, &one).protected);
    }

    #[test]
    fn a_protected_account_without_any_factor_left_is_protected_no_more() {
        let (mut account, one) = added(&authentication(), &[], 1);
        account.protected = true;
        let after = |account: &AccountState| -> AccountState {
            let decision = remove_passkey(account, std::slice::from_ref(&one), &one, None, &session(), WITH_PASSWORD, NOW);
            let [change] = decision.changes.all();
            change.first()
        };
        assert!(!after(&account).protected);
        account.factors.totp = Some(1);
        assert!(after(&account).protected);
    }
}

//! The delay hour by hour, and what ends it.

use super::*;
use crate::domain::account::Sealed;
use crate::domain::email_change::tests::{account, moved, profile};
use crate::domain::id::AttemptId;
use crate::domain::recovery_codes::{CODE_BYTES, COUNT, RecoveryCodes};
use crate::domain::sign_in::attempt::NewAttempt;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::factors::Factors;
use crate::domain::totp::{StoredSeed, TotpCredential};

const T0: Timestamp = Timestamp::from_seconds(2_000_000_000);
const DEVICE: u64 = 77;

fn at(minutes: i64) -> Timestamp {
    T0 + Span::minutes(minutes)
}
fn hours(hours: i64) -> Timestamp {
    T0 + Span::hours(hours)
}
fn browser(n: u8) -> SecretHash {
    SecretHash::from_bytes([n; 32])
}

/// What a sign-in has proven by this method.
fn proofs(method: &str, now: Timestamp) -> Proofs {
    serde_json::from_str(&format!(r#"{{"{method}":{}}}"#, now.millis())).unwrap()
}

/// A protected account, and everything that a decision reads.
struct Fixture {
    account: AccountState,
    profile: Profile,
    totp: TotpCredential,
    codes: RecoveryCodes,
}

impl Fixture {
    fn new() -> Self {
        let old = T0 - Span::days(400);
        let seed = StoredSeed { seed: Sealed(vec![1]), added_at: old };
        let fresh = zeroize::Zeroizing::new([[7; CODE_BYTES]; COUNT]);
        let factors = Factors { totp: Some(1), recovery_codes: 10, ..Factors::default() };
        let account = AccountState { protected: true, factors, ..account() };
        let (codes, _) = RecoveryCodes::issue(account.account, None, &fresh, old);
        let totp = TotpCredential { account: account.account, active: Some(seed), pending: None, removed: None, version: 1 };
        Self { account, profile: profile(), totp, codes }
    }
    /// The right password in this browser.
    fn attempt(&self, now: Timestamp) -> SignInAttempt {
        let new = NewAttempt { id: AttemptId::from_bytes([1; 16]), browser: browser(1) };
        SignInAttempt::open(new, &self.account, proofs("pwd", now), now)
    }
    fn lost<'a>(&'a self, attempt: &'a SignInAttempt, device: Option<u64>) -> LostFactor<'a> {
        let factors = StoredFactors { totp: Some(&self.totp), codes: Some(&self.codes), passkeys: &[] };
        LostFactor { account: &self.account, profile: &self.profile, factors, attempt, browser: browser(1), device }
    }
    fn state(&self, device: Option<u64>, now: Timestamp) -> LostFactorState {
        state(&self.lost(&self.attempt(now), device), now)
    }
    /// With a request of this time.
    fn asked(now: Timestamp) -> Self {
        let fixture = Self::new();
        let attempt = fixture.attempt(now);
        let requested = request_code(&fixture.lost(&attempt, None), 1, now);
        assert_eq!(requested.outcome, LostFactorState::CodeMailed);
        let attempt: SignInAttempt = requested.changes.0[1].first();
        let started = start(&fixture.lost(&attempt, None), true, DEVICE, now);
        assert_eq!(started.outcome, RemovalStarted::Started);
        let [change] = started.changes.all();
        let (account, used): (AccountState, SignInAttempt) = (change.first(), change.first());
        assert_eq!(*change, Change::request_removal(account.clone(), used.clone()));
        assert!(used.removal_code.is_none(), "a code works once");
        Self { account, ..fixture }
    }
}

#[test]
fn security_157_access_to_the_mailbox_alone_starts_nothing_and_removes_nothing() {
    for now in [T0, hours(72)] {
        let fixture = if now == T0 { Fixture::new() } else { Fixture::asked(T0) };
        let attempt = SignInAttempt { proofs: proofs("mail", now), ..fixture.attempt(now) };
        let lost = fixture.lost(&attempt, Some(DEVICE));
        assert_eq!(state(&lost, now), LostFactorState::NeedsPassword);
        let asked = request_code(&lost, 1, now);
        assert!(asked.changes.is_empty() && asked.outcome == LostFactorState::NeedsPassword);
        assert!(remove(&lost, now).changes.is_empty());
    }
}

#[test]
fn security_157_the_removal_is_possible_after_72_hours_and_not_before() {
    let fixture = Fixture::asked(T0);
    for hour in 0..72 {
        let waiting = LostFactorState::Waiting { due: hours(72), is_own: true };
        assert_eq!(fixture.state(Some(DEVICE), hours(hour)), waiting, "{hour}");
        let attempt = fixture.attempt(hours(hour));
        assert!(!remove(&fixture.lost(&attempt, Some(DEVICE)), hours(hour)).outcome, "{hour}");
    }
    for (now, is_possible) in [
        (at(71 * 60 + 59), false),
        (hours(72) - Span::millis(1), false),
        (hours(72), true),
        (hours(14 * 24) - Span::millis(1), true),
        (hours(14 * 24), false),
    ] {
        let attempt = fixture.attempt(now);
        let decision = remove(&fixture.lost(&attempt, Some(DEVICE)), now);
        assert_eq!(decision.outcome, is_possible, "{now:?}");
        assert_eq!(decision.changes.is_empty(), !is_possible);
    }
}

#[test]
fn security_157_the_removal_ends_sessions_and_keeps_what_an_undo_needs() {
    let fixture = Fixture::asked(T0);
    let attempt = fixture.attempt(hours(72));
    let decision = remove(&fixture.lost(&attempt, Some(DEVICE)), hours(72));
    let [change] = decision.changes.all();
    let (after, totp, codes): (AccountState, TotpCredential, RecoveryCodes) = (change.first(), change.first(), change.first());
    assert!(after.epoch > fixture.account.epoch && !after.protected && !after.factors.has_second_step());
    assert!(totp.removed(hours(72)).is_some() && codes.removed_at == Some(hours(72)));
    assert_eq!(after.factors.removal.map(|request| request.device), Some(None), "it is used up");
    // The same form again: the attempt is of an earlier epoch.
    let again = Fixture { account: after, totp, codes, ..fixture };
    assert!(!remove(&again.lost(&attempt, Some(DEVICE)), hours(72)).outcome);
}

#[test]
fn security_157_another_browser_removes_nothing() {
    let fixture = Fixture::asked(T0);
    for device in [None, Some(DEVICE + 1)] {
        let waiting = LostFactorState::Waiting { due: hours(72), is_own: false };
        assert_eq!(fixture.state(device, hours(80)), waiting);
        let attempt = fixture.attempt(hours(80));
        assert!(!remove(&fixture.lost(&attempt, device), hours(80)).outcome);
    }
    // Neither does the attempt of another browser, or one that is over.
    let attempt = fixture.attempt(hours(80));
    let foreign = LostFactor { browser: browser(2), ..fixture.lost(&attempt, Some(DEVICE)) };
    assert_eq!(state(&foreign, hours(80)), LostFactorState::Over);
    assert_eq!(state(&fixture.lost(&attempt, Some(DEVICE)), hours(80) + Span::minutes(15)), LostFactorState::Over);
}

#[test]
fn security_157_a_cancelled_request_and_a_new_epoch_remove_nothing() {
    let asked = Fixture::asked(T0);
    let [change] = &cancel(&asked.account, hours(70)).changes.0[..] else { panic!("one change") };
    let after: AccountState = change.first();
    assert_eq!(*change, Change::cancel_removal(after.clone()));
    assert!(cancel(&after, hours(71)).changes.is_empty(), "twice");
    let ended = asked.account.in_next_epoch(hours(70));
    for account in [after, ended] {
        let fixture = Fixture { account, ..Fixture::new() };
        assert!(matches!(fixture.state(Some(DEVICE), hours(72)), LostFactorState::NotBefore(_)));
        let attempt = fixture.attempt(hours(72));
        assert!(!remove(&fixture.lost(&attempt, Some(DEVICE)), hours(72)).outcome);
    }
}

#[test]
fn security_157_one_request_in_thirty_days_however_it_ended() {
    let asked = Fixture::asked(T0);
    let account = asked.account.clone().without_removal_request();
    let fixture = Fixture { account, ..asked };
    let until = T0 + AGAIN_AFTER;
    assert_eq!(fixture.state(None, until - Span::millis(1)), LostFactorState::NotBefore(until));
    assert_eq!(fixture.state(None, until), LostFactorState::CanAsk);
}

#[test]
fn security_157_none_within_a_week_after_a_change_of_what_protects_the_account() {
    let last = T0 - Span::days(1);
    let until = LostFactorState::NotBefore(last + QUIET);
    let plain = Fixture::new();
    assert_eq!(plain.state(None, T0), LostFactorState::CanAsk);
    let password = Fixture { account: plain.account.in_next_epoch(last), ..Fixture::new() };
    assert_eq!(password.state(None, T0), until, "a new password, or a removed factor");
    let (account, profile) = moved(&plain.account, &plain.profile, 2, last);
    assert_eq!(Fixture { account, profile, ..Fixture::new() }.state(None, T0), until, "an address");
    let mut app = Fixture::new();
    app.totp.active = Some(StoredSeed { seed: Sealed(vec![2]), added_at: last });
    assert_eq!(app.state(None, T0), until, "an app");
    let codes = Fixture { codes: plain.codes.with_change(last), ..Fixture::new() };
    assert_eq!(codes.state(None, T0), until, "new codes");
}

#[test]
fn security_157_without_a_mailed_code_nothing_starts() {
    let fixture = Fixture::new();
    let attempt = fixture.attempt(T0);
    let none = start(&fixture.lost(&attempt, None), true, DEVICE, T0);
    assert!(none.outcome == RemovalStarted::NoCode && none.changes.is_empty());
    let mut attempt: SignInAttempt = request_code(&fixture.lost(&attempt, None), 1, T0).changes.0[1].first();
    for left in (0..MAX_TRIES).rev() {
        let wrong = start(&fixture.lost(&attempt, None), false, DEVICE, T0);
        assert_eq!(wrong.outcome, RemovalStarted::Wrong { tries_left: left });
        attempt = wrong.changes.only(Change::count_removal_code_try);
    }
    assert_eq!(start(&fixture.lost(&attempt, None), true, DEVICE, T0).outcome, RemovalStarted::NoCode, "used up");
    let plain = Fixture { account: AccountState { protected: false, ..fixture.account.clone() }, ..Fixture::new() };
    assert_eq!(plain.state(None, T0), LostFactorState::Over, "nothing to lose");
}

#[test]
fn security_157_an_operator_shortens_the_delay_to_no_less_than_24_hours_and_12_after_the_command() {
    for (after, asked, due) in [
        (0, 24, Some(24)),
        (0, 0, Some(24)),
        (0, 48, Some(48)),
        (11, 24, Some(24)),
        (13, 24, Some(25)),
        (30, 24, Some(42)),
        (59, 24, Some(71)),
        (60, 24, None),
        (0, 72, None),
        (0, 200, None),
        (100, 24, None),
    ] {
        let fixture = Fixture::asked(T0);
        let shortened = shorten(&fixture.account, asked, hours(after));
        match due {
            Some(due) => {
                assert_eq!(shortened.outcome, Shortened::To(hours(due)), "{after} {asked}");
                let account = shortened.changes.only(Change::shorten_removal);
                let shorter = Fixture { account, ..fixture };
                assert_eq!(
                    shorter.state(Some(DEVICE), hours(due) - Span::millis(1)),
                    LostFactorState::Waiting { due: hours(due), is_own: true }
                );
                assert_eq!(shorter.state(Some(DEVICE), hours(due)), LostFactorState::Due);
                // The same command again: nothing is written, and nothing is later than before.
                assert!(shorten(&shorter.account, asked, hours(after)).changes.is_empty());
                assert!(shorten(&shorter.account, 71, hours(after)).changes.is_empty());
            }
            None => {
                assert_eq!(shortened.outcome, Shortened::Already(hours(72)), "{after} {asked}");
                assert!(shortened.changes.is_empty());
            }
        }
    }
    // Minutes count as an hour.
    assert_eq!(shorten(&Fixture::asked(T0).account, 24, at(13 * 60 - 59)).outcome, Shortened::To(hours(25)));
}

#[test]
fn security_157_without_a_running_request_nothing_is_shortened_and_a_cancelled_one_stays_cancelled() {
    let fixture = Fixture::asked(T0);
    let none = |account: &AccountState, now| {
        let shortened = shorten(account, 24, now);
        shortened.changes.is_empty() && shortened.outcome == Shortened::NoRequest
    };
    assert!(none(&Fixture::new().account, T0));
    assert!(none(&fixture.account, T0 + ENDS_AFTER));
    assert!(none(&fixture.account.in_next_epoch(hours(1)), hours(2)));
    let shorter: AccountState = shorten(&fixture.account, 24, hours(1)).changes.0[0].first();
    // Each of the two is written over the version that it has read: the other one decides again.
    let cancelled: AccountState = cancel(&fixture.account, hours(1)).changes.0[0].first();
    assert_eq!(cancelled.version, shorter.version);
    assert!(none(&cancelled, hours(1)));
    let cancelled: AccountState = cancel(&shorter, hours(2)).changes.0[0].first();
    assert!(none(&cancelled, hours(2)) && pending(&cancelled, hours(30)).is_none());
    // An earlier release does not know the attribute, and waits for 72 hours.
    let stored = serde_json::to_value(shorter.factors.removal).unwrap();
    assert_eq!(stored["h"], 24);
}

//! What a report does, and what the thief of a session, a password, a mailbox or an old mail cannot do with it.

use super::*;
use crate::domain::account::{AccountStatus, LinkSeed, Sealed};
use crate::domain::disowned::{DisownedTime, before_disowned};
use crate::domain::email_change::tests::{account, moved, profile};
use crate::domain::failure_window::FailureWindow;
use crate::domain::id::SessionId;
use crate::domain::known_device::KnownDevice;
use crate::domain::passkey::Transports;
use crate::domain::secret::SecretHash;
use crate::domain::session::NewSession;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::tenant::SessionPolicy;
use crate::domain::totp::{RemovedSeed, StoredSeed};

const EVENT: Timestamp = Timestamp::from_seconds(2_000_000_000);

fn at(hours: i64) -> Timestamp {
    EVENT + Span::hours(hours)
}
fn random() -> PasswordHash {
    serde_json::from_str("\"$argon2id$random\"").unwrap()
}
fn password() -> PasswordCredential {
    let hash = serde_json::from_str("\"$argon2id$known\"").unwrap();
    PasswordCredential { account: account().account, hash, changed_at: at(-900), version: 4 }
}
fn session(account: &AccountState, proofs: &str, now: Timestamp) -> Session {
    let proofs: Proofs = serde_json::from_str(&proofs.replace("NOW", &now.millis().to_string())).unwrap();
    let new = NewSession { id: SessionId::from_bytes([7; 16]), secret_hash: SecretHash::from_bytes([8; 32]), device: None };
    Session::open(new, account, proofs, &SessionPolicy { idle: Span::days(1), absolute: Span::days(30) }, now)
}
const ONE_FACTOR: &str = r#"{"pwd":NOW}"#;
const MAILBOX_TOO: &str = r#"{"pwd":NOW,"mail":NOW}"#;
const TWO_FACTORS: &str = r#"{"pwd":NOW,"totp":NOW}"#;

fn seed(number: u8, hours: i64) -> StoredSeed {
    StoredSeed { seed: Sealed(vec![number]), added_at: at(hours) }
}
fn app(active: Option<StoredSeed>, removed: Option<(StoredSeed, i64)>) -> TotpCredential {
    let removed = removed.map(|(stored, hours)| RemovedSeed { stored, removed_at: at(hours) });
    TotpCredential { account: account().account, active, pending: None, removed, version: 4 }
}
fn passkey(id: u8, created: i64, removed: Option<i64>) -> Passkey {
    Passkey {
        account: account().account,
        credential_id: vec![id],
        cose: vec![],
        aaguid: [0; 16],
        transports: Transports::named(&[]),
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

/// What was written: the account, its profile, and the passkeys and the app that changed.
struct Written {
    account: AccountState,
    profile: Profile,
    passkeys: Vec<(u8, bool)>,
    totp: Option<TotpCredential>,
    change: Change,
}

fn done(decision: Decision<Reported>) -> Written {
    assert_eq!(decision.outcome, Reported::Done);
    let [change] = decision.changes.all();
    let passkeys = change.written::<Passkey>().map(|passkey| (passkey.credential_id[0], passkey.is_active())).collect();
    let totp = change.written().next().cloned();
    Written { account: change.first(), profile: change.first(), passkeys, totp, change: change.clone() }
}

fn by_mail<'a>(account: &'a AccountState, profile: &'a Profile, factors: StoredFactors<'a>) -> Report<'a> {
    Report { account, profile, password: None, factors, since: EVENT, by: Reporter::Mail }
}

#[test]
fn security_156_everything_ends_and_the_password_is_a_random_one() {
    let failures = FailureWindow { count: 49, last_at: Some(at(0)) };
    let devices = vec![KnownDevice::new(1)];
    let account = AccountState { devices, ..account() };
    let account = AccountState { factors: Factors { failures, ..account.factors }, ..account };
    let (profile, password) = (profile(), password());
    for by in [Reporter::Mail, Reporter::Session(&session(&account, ONE_FACTOR, at(1)))] {
        let made = Report { password: Some(&password), by, ..by_mail(&account, &profile, StoredFactors::default()) };
        let written = done(report(&made, random(), at(1)));
        assert!(written.account.epoch > account.epoch && written.account.epoch_began_at == Some(at(1)));
        assert!(written.account.devices.is_empty());
        assert_eq!(written.account.factors, account.factors, "wrong codes of a second step stay counted");
        let set: PasswordCredential = written.change.first();
        assert_eq!((set.hash.clone(), set.version), (random(), 5));
        let secured = SecuredAccount {
            account: written.account.clone(),
            profile: written.profile.clone(),
            password: Some(set),
            totp: None,
            codes: None,
            passkeys: vec![],
        };
        assert_eq!(written.change, Change::report_not_me(secured));
        // The same again, however often: nothing.
        let again = Report { account: &written.account, profile: &written.profile, ..made };
        assert_eq!(report(&again, random(), at(2)).outcome, Reported::AlreadyDone);
    }
}

#[test]
fn security_156_factors_of_the_thief_go_and_those_of_the_owner_come_back() {
    let own = seed(1, -900);
    let totp = app(Some(seed(2, 1)), Some((own.clone(), 1)));
    let passkeys = [passkey(1, -900, Some(1)), passkey(2, 1, None), passkey(3, -900, None)];
    let account = AccountState { factors: Factors { totp: Some(9), passkeys: 2, ..Factors::default() }, ..account() };
    let profile = profile();
    let stored = StoredFactors { totp: Some(&totp), codes: None, passkeys: &passkeys };
    let written = done(report(&by_mail(&account, &profile, stored), random(), at(2)));
    assert_eq!(written.passkeys, [(1, true), (2, false)]);
    assert_eq!(written.totp.unwrap().active, Some(own));
    assert!(written.account.protected && written.account.factors.passkeys == 2);
}

/// A thief who had the mailbox for a while kept the mail of an event, and the owner has removed the thief's passkey since.
#[test]
fn security_156_an_old_mail_does_not_bring_back_a_passkey_that_was_new_then() {
    let (account, profile) = (account(), profile());
    let new = [passkey(1, -24, Some(5))];
    let stored = |passkeys| StoredFactors { passkeys, ..StoredFactors::default() };
    assert_eq!(done(report(&by_mail(&account, &profile, stored(&new)), random(), at(6))).passkeys, []);
    let settled = [passkey(1, -7 * 24, Some(5))];
    let back = report(&by_mail(&account, &profile, stored(&settled)), random(), at(6));
    assert_eq!(done(back).passkeys, [(1, true)]);
    // A session that shows two factors brings back any.
    let session = session(&account, TWO_FACTORS, at(6));
    let by = Reporter::Session(&session);
    let back = report(&Report { by, ..by_mail(&account, &profile, stored(&new)) }, random(), at(6));
    assert_eq!(done(back).passkeys, [(1, true)]);
}

#[test]
fn security_77_156_a_thief_of_the_password_changes_no_factor() {
    let (account, profile) = (account(), profile());
    let passkeys = [passkey(1, 1, None)];
    let stored = StoredFactors { passkeys: &passkeys, ..StoredFactors::default() };
    let by = |proofs: &str| {
        let session = session(&account, proofs, at(2));
        let by = Reporter::Session(&session);
        report(&Report { by, ..by_mail(&account, &profile, stored) }, random(), at(2)).outcome
    };
    assert_eq!(by(ONE_FACTOR), Reported::NeedsAddressProof);
    assert_eq!((by(MAILBOX_TOO), by(TWO_FACTORS)), (Reported::Done, Reported::Done));
}

#[test]
fn security_156_a_mailed_link_works_for_a_week_and_for_an_open_account_only() {
    let (account, profile) = (account(), profile());
    let outlook = |account: &AccountState, now| outlook(&by_mail(account, &profile, StoredFactors::default()), now);
    let end = EVENT + LIFETIME;
    assert_eq!((outlook(&account, end - Span::millis(1)), outlook(&account, end)), (Reported::Done, Reported::Over));
    assert_eq!(outlook(&account, EVENT - Span::millis(1)), Reported::Over, "of the future");
    let seed = LinkSeed { key_version: 1, bytes: [1; 16] };
    for status in [AccountStatus::Disabled { since: EVENT }, AccountStatus::ErasureDue { since: EVENT, due: end, seed }] {
        assert_eq!(outlook(&AccountState { status, ..account.clone() }, at(1)), Reported::Over);
    }
    let session = session(&account, ONE_FACTOR, end);
    let by = Reporter::Session(&session);
    let late = Report { by, ..by_mail(&account, &profile, StoredFactors::default()) };
    assert_eq!(super::outlook(&late, end), Reported::Done, "a session reports events of any age");
}

#[test]
fn security_156_after_a_change_of_address_the_former_one_takes_the_account_back() {
    let (thief, changed) = moved(&account(), &profile(), 2, at(1));
    let outlook = |since| outlook(&Report { since, ..by_mail(&thief, &changed, StoredFactors::default()) }, at(3));
    assert_eq!(outlook(at(0)), Reported::AddressChanged);
    assert_eq!(outlook(at(1)), Reported::AddressChanged, "the change itself");
    assert_eq!(outlook(at(2)), Reported::Done, "an event after it");
}

/// The owner has reported a passkey that was a week old. The mail about that report does not bring it back, and the owner can report again.
#[test]
fn security_156_a_report_of_the_report_by_mail_brings_nothing_back() {
    let (account, profile) = (account(), profile());
    let passkeys = [passkey(1, 1, None)];
    let stored = |passkeys| StoredFactors { passkeys, ..StoredFactors::default() };
    let session = session(&account, TWO_FACTORS, at(200));
    let owner = Report { by: Reporter::Session(&session), ..by_mail(&account, &profile, stored(&passkeys)) };
    let first = done(report(&owner, random(), at(200)));
    assert_eq!(first.passkeys, [(1, false)]);
    let removed: Passkey = first.change.first();
    let passkeys = [removed];
    let thief = Report { since: at(200), ..by_mail(&first.account, &first.profile, stored(&passkeys)) };
    let second = done(report(&thief, random(), at(201)));
    assert_eq!(second.passkeys, []);
    // If it were back, the event could be reported again in the account. A mail about it changes nothing.
    let back = [passkey(1, 1, None)];
    let again = self::session(&second.account, TWO_FACTORS, at(202));
    let again = Report { by: Reporter::Session(&again), ..by_mail(&second.account, &second.profile, stored(&back)) };
    assert_eq!(done(report(&again, random(), at(202))).passkeys, [(1, false)]);
    let old_mail = by_mail(&second.account, &second.profile, stored(&back));
    assert_eq!(report(&old_mail, random(), at(100)).outcome, Reported::AlreadyDone);
}

/// The owner moved to another phone within the week. With the mail about it a thief of the mailbox opens nothing.
#[test]
fn security_156_a_mailed_link_leaves_an_account_protected_that_has_been_for_a_week() {
    let profile = profile();
    let account = AccountState { protected: true, factors: Factors { totp: Some(9), ..Factors::default() }, ..account() };
    for (old, active) in [((seed(1, -900), -1), seed(2, 0)), ((seed(1, -900), 1), seed(3, 2))] {
        // Removed before the event, or replaced after it by way of one that is gone.
        let totp = app(Some(active), Some(old));
        let stored = StoredFactors { totp: Some(&totp), ..StoredFactors::default() };
        let written = done(report(&by_mail(&account, &profile, stored), random(), at(3)));
        assert!(written.account.protected, "{totp:?}");
    }
    // What a thief has set up on a plain account goes.
    let totp = app(Some(seed(2, 1)), None);
    let stored = StoredFactors { totp: Some(&totp), ..StoredFactors::default() };
    let written = done(report(&by_mail(&account, &profile, stored), random(), at(3)));
    assert!(!written.account.protected && written.totp.unwrap().active.is_none());
}

/// Reports from the middle of a disowned time would bring back what was added in it.
#[test]
fn security_156_disowned_time_stays_disowned() {
    let (account, profile) = (account(), profile());
    let written = done(report(&by_mail(&account, &profile, StoredFactors::default()), random(), at(10)));
    let outlook = |since| {
        let report = Report { since, ..by_mail(&written.account, &written.profile, StoredFactors::default()) };
        outlook(&report, at(20))
    };
    assert_eq!((outlook(at(0)), outlook(at(5))), (Reported::AlreadyDone, Reported::AlreadyDone));
    assert_eq!(outlook(at(-1)), Reported::Done, "it began earlier");
    assert_eq!((outlook(at(10)), outlook(at(12))), (Reported::Done, Reported::Done), "the report itself, and what came after");
    assert_eq!(before_disowned(&written.profile.disowned, at(5)), EVENT);
    assert_eq!(before_disowned(&written.profile.disowned, at(10)), at(10));
}

#[test]
fn disowned_times_merge_and_end() {
    let time = |from, to| DisownedTime { from: at(from), to: at(to) };
    assert_eq!(with_disowned(&[time(0, 2)], at(1), at(3)), [time(0, 3)], "they overlap");
    assert_eq!(with_disowned(&[time(0, 2)], at(2), at(3)), [time(0, 2), time(2, 3)]);
    assert_eq!(with_disowned(&[time(0, 2), time(4, 6)], at(-1), at(7)), [time(-1, 7)]);
    assert_eq!(with_disowned(&[time(0, 2)], at(200), at(201)), [time(200, 201)], "a week later the first matters no more");
    let many = (0..7).fold(Vec::new(), |times, n| with_disowned(&times, at(2 * n), at(2 * n + 1)));
    assert_eq!(many, [time(0, 5), time(6, 7), time(8, 9), time(10, 11), time(12, 13)], "never less than was disowned");
}

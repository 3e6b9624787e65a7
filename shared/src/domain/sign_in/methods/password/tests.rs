use super::*;
use crate::domain::account::{AccountStatus, LinkSeed, PasswordHome};
use crate::domain::amr::Amr;
use crate::domain::failure_window::{FIRST_BLOCK, FREE_FAILURES, LONGEST_BLOCK};
use crate::domain::id::{AccountId, SessionId, Sub};
use crate::domain::known_device::KnownDevice;
use crate::domain::roles::Roles;
use crate::domain::secret::SecretHash;
use crate::domain::session::NewSession;
use crate::domain::sign_in::complete::Remembering;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::factors::Factors;
use crate::domain::sign_in::throttle::UNKNOWN_KEPT;
use crate::domain::tenant::{SecondFactorPolicy, SessionPolicy};

const POLICY: SessionPolicy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };
const T0: Timestamp = Timestamp::from_seconds(1_000_000);
const NEW_DEVICE: u64 = 99;

/// An active account without failures and devices.
pub(crate) fn authentication() -> AccountState {
    AccountState {
        account: AccountId::from_bytes([1; 16]),
        sub: Sub::from_bytes([2; 16]),
        status: AccountStatus::Active,
        epoch: 4,
        epoch_began_at: None,
        identifier_since: None,
        identifier: identifier(),
        created_at: Timestamp::from_seconds(0),
        failures: FailureWindow::default(),
        devices: Vec::new(),
        password_home: PasswordHome::Here,
        roles: Roles::default(),
        legal_hold: None,
        protected: false,
        factors: Factors::default(),
        satisfied: None,
        version: 10,
    }
}

/// The identifier of [`authentication`].
pub(crate) fn identifier() -> IdentifierHash {
    IdentifierHash { key_version: 1, hash: [3; 32] }
}

fn password() -> PasswordCredential {
    PasswordCredential {
        account: authentication().account,
        hash: PasswordHash::from_phc("old".to_owned()),
        changed_at: T0,
        version: 6,
    }
}

fn known<'a>(authentication: &'a AccountState, password: &'a PasswordCredential, device: Option<u64>) -> Subject<'a> {
    Subject::Known { authentication, password: Some(password), device }
}

fn new(replaced: Option<&Session>) -> NewSignIn<'_> {
    NewSignIn {
        session: new_session(50),
        device: NEW_DEVICE,
        replaced,
        policy: &POLICY,
        second_factor: SecondFactorPolicy::Optional,
        keeps_expiry: false,
        attempt: None,
        remembering: Remembering::Off,
    }
}

fn new_session(id: u8) -> NewSession {
    NewSession { id: SessionId::from_bytes([id; 16]), secret_hash: SecretHash::from_bytes([id; 32]), device: None }
}

fn window(count: u32) -> FailureWindow {
    FailureWindow { count, last_at: Some(T0) }
}

fn devices(ids: impl IntoIterator<Item = u64>) -> Vec<KnownDevice> {
    ids.into_iter().map(KnownDevice::new).collect()
}

#[test]
fn security_112_five_failures_are_free_and_then_blocks_double_up_to_15_minutes() {
    let cases =
        [(0, None), (4, None), (5, Some(30)), (6, Some(60)), (7, Some(120)), (9, Some(480)), (10, Some(900)), (99, Some(900))];
    for (count, seconds) in cases {
        assert_eq!(window(count).blocked_for(T0), seconds.map(Span::seconds), "{count} failures");
        if let Some(seconds) = seconds {
            assert_eq!(window(count).blocked_for(T0 + Span::seconds(seconds)), None, "{count} failures, later");
        }
    }
}

#[test]
fn security_112_after_a_hundred_failures_waiting_does_not_unblock() {
    for count in [100, 101, u32::MAX] {
        assert_eq!(window(count).blocked_for(T0 + Span::days(10_000)), Some(LONGEST_BLOCK), "{count} failures");
    }
    assert_eq!(window(u32::MAX).failed(T0).count, u32::MAX);
}

#[test]
fn a_block_uses_the_server_clock_even_if_it_stepped_back() {
    assert_eq!(window(5).blocked_for(T0 - Span::seconds(10)), Some(Span::seconds(40)));
}

#[test]
fn a_wrong_password_counts_and_is_refused() {
    let (authentication, password) = (authentication(), password());
    let decision = authenticate(known(&authentication, &password, None), PasswordVerdict::Wrong, new(None), T0);
    assert_eq!(decision.outcome, Authenticated::Refused);
    let counted = decision.changes.only(Change::count_failed_sign_in);
    let expected = AccountState { failures: window(1), version: 11, ..authentication };
    assert_eq!(counted, expected);
}

#[test]
fn security_113_while_a_window_blocks_even_the_right_password_is_not_evaluated() {
    let authentication = AccountState { failures: window(5), ..authentication() };
    let password = password();
    for verdict in [PasswordVerdict::Right, PasswordVerdict::Wrong] {
        let decision = authenticate(known(&authentication, &password, None), verdict, new(None), T0);
        assert!(decision.changes.is_empty());
        assert_eq!(decision.outcome, Authenticated::Blocked { retry_after: Span::seconds(30) });
    }
}

#[test]
fn a_right_password_resets_the_window_and_opens_a_session_of_the_current_epoch() {
    let authentication = AccountState { failures: window(4), devices: devices(1..=8), ..authentication() };
    let password = password();
    let decision = authenticate(known(&authentication, &password, None), PasswordVerdict::Right, new(None), T0);
    let [first, second] = decision.changes.all();
    let (state, session) = (first.made_by(Change::record_sign_in), second.made_by(Change::open_session_on_new_device));
    assert_eq!((state.failures, state.version), (FailureWindow::default(), 11));
    assert_eq!(state.devices, devices([NEW_DEVICE, 1, 2, 3, 4]));
    assert_eq!((session.epoch, session.auth_time, session.version), (4, T0, 1));
    assert_eq!(session.id, SessionId::from_bytes([50; 16]));
    assert_eq!(
        decision.outcome,
        Authenticated::SignedIn { session: Box::new(session.clone()), new_device: true, satisfied: None, passkeys: 0 }
    );
}

#[test]
fn security_56_64_another_users_session_in_the_browser_ends_before_the_new_one_opens() {
    let (authentication, password) = (authentication(), password());
    let other = AccountState { account: AccountId::from_bytes([9; 16]), ..authentication.clone() };
    let replaced = Session::open(new_session(40), &other, Proofs::of_earlier(&[Amr::Pwd], T0), &POLICY, T0);
    let decision = authenticate(known(&authentication, &password, None), PasswordVerdict::Right, new(Some(&replaced)), T0);
    let [recorded, ended, opened] = decision.changes.all();
    assert!(recorded.is(Change::record_sign_in));
    let (ended, opened) = (ended.made_by(Change::end_session), opened.made_by(Change::open_session_on_new_device));
    assert_eq!((ended.id, ended.ended_at), (replaced.id, Some(T0)));
    assert_ne!(opened.id, replaced.id);
    assert_ne!(opened.secret_hash, replaced.secret_hash);
}

#[test]
fn security_56_the_same_users_session_is_renewed_if_it_is_live_and_began_with_a_sign_in() {
    let (authentication, password) = (authentication(), password());
    let own = Session::open(new_session(40), &authentication, Proofs::of_earlier(&[Amr::Pwd], T0), &POLICY, T0);
    let at = T0 + Span::hours(1);
    let decide = |replaced: &Session, at| {
        authenticate(known(&authentication, &password, None), PasswordVerdict::Right, new(Some(replaced)), at)
    };
    let decision = decide(&own, at);
    let [recorded, renewed] = decision.changes.all();
    assert!(recorded.is(Change::record_sign_in));
    let renewed = renewed.made_by(Change::renew_session_on_new_device);
    assert_eq!((renewed.id, renewed.auth_time, renewed.version), (own.id, at, 2));
    assert_ne!(renewed.secret_hash, own.secret_hash, "the old cookie is dead");
    assert_eq!(
        decision.outcome,
        Authenticated::SignedIn { session: Box::new(renewed), new_device: true, satisfied: None, passkeys: 0 }
    );
    let of_another_epoch = Session { epoch: own.epoch - 1, ..own.clone() };
    let exchanged = Session { amr: vec![], proofs: Proofs::none(), ..own.clone() };
    for (what, replaced, at) in [
        ("idle", own.clone(), T0 + POLICY.idle),
        ("of another epoch", of_another_epoch, at),
        ("from a token exchange", exchanged, at),
    ] {
        let decision = decide(&replaced, at);
        let [_, ended, opened] = decision.changes.all();
        assert!(ended.is(Change::end_session), "{what}");
        assert_ne!(opened.made_by(Change::open_session_on_new_device).id, own.id, "{what}");
    }
}

#[test]
fn security_68_a_hash_with_weaker_parameters_is_replaced_only_over_the_compared_one() {
    let (authentication, password) = (authentication(), password());
    let stronger = PasswordHash::from_phc("new".to_owned());
    let verdict = PasswordVerdict::RightRehashed(stronger.clone());
    let decision = authenticate(known(&authentication, &password, None), verdict, new(None), T0);
    let [recorded, rehashed, opened] = decision.changes.all();
    assert!(recorded.is(Change::record_sign_in) && opened.is(Change::open_session_on_new_device));
    let rehashed = rehashed.made_by(Change::rehash);
    assert_eq!(rehashed, PasswordCredential { hash: stronger, version: 7, ..password });
}

#[test]
fn security_114_a_known_device_signs_in_while_unknown_devices_are_blocked() {
    let authentication = AccountState { failures: window(100), devices: devices([1, 2]), ..authentication() };
    let password = password();
    let decision = authenticate(known(&authentication, &password, Some(2)), PasswordVerdict::Right, new(None), T0);
    let [first, second] = decision.changes.all();
    let (state, _) = (first.made_by(Change::record_sign_in), second.made_by(Change::open_session));
    // The shared window is unchanged: the owner's sign-ins give attackers no more tries.
    assert_eq!(state.failures, window(100));
    assert_eq!(state.devices, devices([2, 1]));
    assert!(matches!(decision.outcome, Authenticated::SignedIn { new_device: false, .. }));
}

#[test]
fn security_114_the_failures_of_a_known_device_count_in_its_own_window() {
    let authentication = AccountState { devices: devices([1, 2]), ..authentication() };
    let password = password();
    let mut state = authentication;
    for _ in 0..FREE_FAILURES {
        let decision = authenticate(known(&state, &password, Some(2)), PasswordVerdict::Wrong, new(None), T0);
        let counted = decision.changes.0.first().expect("not counted").made_by(Change::count_failed_sign_in);
        state = counted;
    }
    assert_eq!(state.failures, FailureWindow::default());
    assert_eq!(known(&state, &password, Some(2)).blocked_for(T0), Some(FIRST_BLOCK));
    assert_eq!(known(&state, &password, Some(1)).blocked_for(T0), None);
    assert_eq!(known(&state, &password, None).blocked_for(T0), None);
}

#[test]
fn an_unknown_device_counts_in_the_shared_window() {
    let authentication = AccountState { failures: window(5), devices: devices([1]), ..authentication() };
    let password = password();
    assert_eq!(known(&authentication, &password, Some(7)).blocked_for(T0), Some(FIRST_BLOCK));
}

#[test]
fn security_71_unknown_identifiers_and_closed_accounts_answer_like_a_wrong_password() {
    let password = password();
    for status in [
        AccountStatus::Disabled { since: T0 },
        AccountStatus::ErasureDue { since: T0, due: T0, seed: LinkSeed { key_version: 1, bytes: [1; 16] } },
        AccountStatus::Erased { at: T0 },
    ] {
        let closed = AccountState { status, ..authentication() };
        let decision = authenticate(known(&closed, &password, None), PasswordVerdict::Wrong, new(None), T0);
        assert_eq!(decision.outcome, Authenticated::Refused);
        decision.changes.only(Change::count_failed_sign_in);
    }
    let unknown = Subject::Unknown { identifier: identifier(), failures: None };
    let decision = authenticate(unknown, PasswordVerdict::Wrong, new(None), T0);
    let counted = decision.changes.only(Change::count_unknown_sign_in);
    // The answer is the same refusal, unless a legacy directory is asked: only then the outcome tells that no account has it.
    assert_eq!(decision.outcome, Authenticated::UnknownIdentifier { counted: counted.clone(), before: None });
    assert_eq!((counted.failures, counted.version), (window(1), 1));
    let without_password = Subject::Known { authentication: &authentication(), password: None, device: None };
    let decision = authenticate(without_password, PasswordVerdict::Right, new(None), T0);
    assert_eq!(decision.outcome, Authenticated::Refused);
}

/// Only the right password shows that an account is closed or disabled. Each attempt is written, so that parallel guesses conflict.
#[test]
fn security_74_the_right_password_of_a_closed_or_disabled_account_opens_no_session() {
    let password = password();
    let due = T0 + Span::days(30);
    let seed = LinkSeed { key_version: 1, bytes: [1; 16] };
    let state = |status| AccountState { status, failures: window(4), ..authentication() };
    for verdict in [PasswordVerdict::Right, PasswordVerdict::RightRehashed(password.hash.clone())] {
        let closed = state(AccountStatus::ErasureDue { since: T0, due, seed });
        let decision = authenticate(known(&closed, &password, None), verdict.clone(), new(None), T0);
        assert_eq!(decision.outcome, Authenticated::Closed { due });
        // security 145: the trigger of the mail is limited, the mail is not.
        let [counted, change] = decision.changes.all();
        let trigger = Trigger::account(closed.account);
        assert_eq!(*counted, Change::count_mail_start(MailPurpose::WayBack, closed.identifier, trigger, T0));
        let after: AccountState = change.first();
        assert_eq!(*change, Change::request_restoration_mail(after.clone()));
        assert_eq!((after.failures, after.version), (FailureWindow::default(), closed.version + 1));
        assert_eq!(after.status, closed.status);
        let disabled = state(AccountStatus::Disabled { since: T0 });
        let decision = authenticate(known(&disabled, &password, None), verdict, new(None), T0);
        assert_eq!(decision.outcome, Authenticated::Disabled);
        let after = decision.changes.only(Change::record_sign_in);
        assert_eq!((after.failures, after.version), (FailureWindow::default(), disabled.version + 1));
        assert_eq!(after.status, disabled.status);
    }
    let erased = state(AccountStatus::Erased { at: T0 });
    let decision = authenticate(known(&erased, &password, None), PasswordVerdict::Right, new(None), T0);
    assert_eq!(decision.outcome, Authenticated::Refused);
}

#[test]
fn security_71_unknown_identifiers_block_as_accounts_do() {
    for count in [0, 4, 5, 7, 99, 100] {
        let failures = UnknownIdentifierFailures {
            identifier: identifier(),
            failures: window(count),
            version: 3,
            expires_at: T0 + UNKNOWN_KEPT,
        };
        let unknown = Subject::Unknown { identifier: identifier(), failures: Some(&failures) };
        let authentication = AccountState { failures: window(count), ..authentication() };
        assert_eq!(unknown.blocked_for(T0), known(&authentication, &password(), None).blocked_for(T0), "{count} failures");
    }
}

#[test]
fn security_131_expired_failures_of_an_unknown_identifier_are_overwritten() {
    let failures = UnknownIdentifierFailures { identifier: identifier(), failures: window(100), version: 3, expires_at: T0 };
    let unknown = Subject::Unknown { identifier: identifier(), failures: Some(&failures) };
    let decision = authenticate(unknown, PasswordVerdict::Wrong, new(None), T0);
    let counted = decision.changes.only(Change::count_unknown_sign_in);
    assert_eq!((counted.failures, counted.version), (window(1), 4));
}

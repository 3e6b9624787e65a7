use super::*;
use crate::domain::account::AccountStatus;
use crate::domain::failure_window::FailureWindow;
use crate::domain::known_device::KnownDevice;
use crate::domain::session::Session;
use crate::domain::sign_in::methods::password::tests::{authentication, identifier};

const T0: Timestamp = Timestamp::from_seconds(1_000_000);
const BROWSER: SecretHash = SecretHash::from_bytes([5; 32]);
const OTHER_BROWSER: SecretHash = SecretHash::from_bytes([6; 32]);
const RIGHT_CODE: Proof = Proof::Code { fits: true };
const WRONG_CODE: Proof = Proof::Code { fits: false };

fn new_recovery() -> NewRecovery {
    NewRecovery {
        id: FlowId::from_bytes([7; 16]),
        account: AccountId::from_bytes([8; 16]),
        seed: [9; 16],
        code_key_version: 2,
        identifier: identifier(),
        browser: BROWSER,
        trigger: Trigger::source("192.0.2.1"),
        client_id: "shop".parse().unwrap(),
        locale: "en".to_owned(),
        continue_to: None,
        address: None,
    }
}

fn flow() -> Flow {
    let changes = begin(new_recovery(), T0).changes;
    let [counted, flow] = changes.all();
    let trigger = Trigger::source("192.0.2.1");
    assert_eq!(*counted, Change::count_mail_start(MailPurpose::Recovery, identifier(), trigger, T0));
    flow.made_by(Change::begin_flow)
}

fn password() -> PasswordCredential {
    PasswordCredential {
        account: authentication().account,
        hash: PasswordHash::from_phc("old".to_owned()),
        changed_at: Timestamp::from_seconds(0),
        version: 6,
    }
}

fn owner<'a>(authentication: &'a AccountState, password: &'a PasswordCredential) -> Option<Owner<'a>> {
    Some(Owner::Known { authentication, password: Some(password), new_password: PasswordHash::from_phc("new".to_owned()) })
}

#[test]
fn a_matching_proof_replaces_the_password_and_ends_all_sessions_and_grants() {
    let failures = FailureWindow { count: 100, last_at: Some(T0) };
    let locked = AccountState { failures, devices: vec![KnownDevice { failures, ..KnownDevice::new(1) }], ..authentication() };
    let before = password();
    for proof in [RIGHT_CODE, Proof::Link { fits: true }] {
        let mut decision = reset(&flow(), &BROWSER, proof, owner(&locked, &before), T0);
        assert_eq!(decision.outcome, Recovered::PasswordReset);
        let change = decision.changes.0.pop().expect("a change");
        let (completed, after): (Flow, AccountState) = (change.first(), change.first());
        let password: PasswordCredential = change.first();
        assert_eq!(change, Change::reset_password(completed.clone(), after.clone(), password.clone()));
        assert_eq!((completed.state, completed.version), (FlowState::Completed, 2));
        assert_eq!((after.epoch, after.epoch_began_at, after.version), (locked.epoch + 1, Some(T0), locked.version + 1));
        assert_eq!((after.failures, after.devices[0].failures), (FailureWindow::default(), FailureWindow::default()));
        assert_eq!((password.hash.as_phc(), password.version, password.changed_at), ("new", 7, T0));
        assert!(decision.changes.is_empty(), "one transaction");
    }
}

/// A proof of a mailbox never outlives the credential that was valid when it was requested.
#[test]
fn security_146_a_password_reset_is_dead_once_the_credential_or_the_epoch_has_changed() {
    let before = password();
    let later = T0 + Span::minutes(1);
    let account = AccountState { created_at: T0 - Span::days(1), ..authentication() };
    let taken = |since| AccountState { identifier_since: Some(since), ..account.clone() };
    let created = |at| AccountState { created_at: at, ..account.clone() };
    for (name, account, outcome) in [
        ("unchanged", account.clone(), Recovered::PasswordReset),
        ("a new password before it", account.with_new_password(T0 - Span::millis(1)), Recovered::PasswordReset),
        ("a new password in its millisecond", account.with_new_password(T0), Recovered::Over),
        ("a new password after it", account.with_new_password(later), Recovered::Over),
        ("a new epoch", account.in_next_epoch(later), Recovered::Over),
        ("the address was taken before it", taken(T0), Recovered::PasswordReset),
        ("the address was taken after it", taken(later), Recovered::Over),
        ("the account was created after it", created(later), Recovered::Over),
    ] {
        for proof in [RIGHT_CODE, Proof::Link { fits: true }] {
            let decision = reset(&flow(), &BROWSER, proof, owner(&account, &before), later);
            assert_eq!(decision.outcome, outcome, "{name}");
        }
    }
}

/// While a legacy directory is configured, the flow stores the address, sealed under a key that expires with it.
#[test]
fn an_address_is_sealed_under_a_key_that_is_written_before_the_flow() {
    let address = SealedAddress { sealed: Sealed(vec![1]), data_key: (vec![2], 3) };
    let decision = begin(NewRecovery { address: Some(address), ..new_recovery() }, T0);
    let [_, first, second] = decision.changes.all();
    let (key, flow) = (first.made_by(Change::create_data_key), second.made_by(Change::begin_flow));
    let state = DataKeyState::Pending { expires_at: flow.expires_at };
    assert_eq!(key, WrappedDataKey { account: flow.account, wrapped: vec![2], keyring_version: 3, state });
    assert_eq!(flow.payload, Some(Sealed(vec![1])));
}

/// security 92, 93: an import by this proof uses up the flow and opens no session; only a right proof reveals anything.
#[test]
fn a_matching_proof_imports_a_user_of_the_legacy_directory() {
    for proof in [RIGHT_CODE, Proof::Link { fits: true }] {
        let flow = Flow { payload: Some(Sealed(vec![1])), ..flow() };
        let comes = || Some(Owner::Comes(Box::new(super::super::legacy_directory::tests::imported_user())));
        let mut decision = reset(&flow, &BROWSER, proof, comes(), T0);
        assert_eq!(decision.outcome, Recovered::PasswordReset);
        let account = decision.changes.0.pop().expect("a change").made_by(Change::import_account);
        let completed = account.flow.expect("the flow");
        assert_eq!((completed.state, completed.version, completed.payload), (FlowState::Completed, 2, None));
        assert_eq!(account.data_key.state, DataKeyState::Account);
        assert!(account.authentication.devices.is_empty(), "no device was added");
        assert!(decision.changes.is_empty());

        for (owner, outcome) in [(Owner::Stays, Recovered::Stays), (Owner::UnknownIdentifier, Recovered::UnknownIdentifier)] {
            let decision = reset(&flow, &BROWSER, proof, Some(owner), T0);
            assert!(decision.outcome == outcome && decision.changes.is_empty());
        }
    }
    let imported_user = Owner::Comes(Box::new(super::super::legacy_directory::tests::imported_user()));
    for owner in [imported_user, Owner::Stays, Owner::UnknownIdentifier] {
        let decision = reset(&flow(), &BROWSER, WRONG_CODE, Some(owner), T0);
        assert_eq!(decision.outcome, Recovered::WrongProof { tries_left: 4 });
    }
}

#[test]
fn security_92_a_reset_opens_no_session() {
    let (authentication, password) = (authentication(), password());
    let decision = reset(&flow(), &BROWSER, RIGHT_CODE, owner(&authentication, &password), T0);
    assert!(!decision.changes.0.iter().any(|change| change.written::<Session>().next().is_some()));
}

#[test]
fn security_79_five_wrong_codes_end_a_flow() {
    let mut flow = flow();
    for tries_left in [4, 3, 2, 1, 0] {
        let decision = reset(&flow, &BROWSER, WRONG_CODE, None, T0);
        assert_eq!(decision.outcome, Recovered::WrongProof { tries_left });
        let [tried] = decision.changes.all();
        flow = tried.made_by(Change::count_flow_try);
    }
    let (authentication, password) = (authentication(), password());
    for proof in [RIGHT_CODE, WRONG_CODE, Proof::Link { fits: true }] {
        let decision = reset(&flow, &BROWSER, proof, owner(&authentication, &password), T0);
        assert_eq!(decision.outcome, Recovered::Over);
        assert!(decision.changes.is_empty());
    }
}

#[test]
fn security_91_only_an_open_flow_of_this_browser_can_set_a_new_password() {
    let (authentication, password) = (authentication(), password());
    let spent = [
        ("completed", Flow { state: FlowState::Completed, ..flow() }, BROWSER, T0),
        ("disowned", Flow { state: FlowState::Ended, ..flow() }, BROWSER, T0),
        ("a registration", Flow { purpose: FlowPurpose::Registration, ..flow() }, BROWSER, T0),
        ("expired", flow(), BROWSER, T0 + RECOVERY_LIFETIME),
        ("another browser", flow(), OTHER_BROWSER, T0),
        ("begun by no browser", Flow { browser: None, ..flow() }, BROWSER, T0),
    ];
    for (what, flow, browser, at) in spent {
        for proof in [RIGHT_CODE, Proof::Link { fits: true }] {
            let decision = reset(&flow, &browser, proof, owner(&authentication, &password), at);
            assert_eq!(decision.outcome, Recovered::Over, "{what}");
            assert!(decision.changes.is_empty(), "{what}");
        }
    }
}

#[test]
fn security_93_an_address_without_an_account_or_with_a_closed_one_answers_like_a_wrong_code() {
    let password = password();
    let closed = AccountState { status: AccountStatus::Disabled { since: T0 }, ..authentication() };
    for owner in [None, owner(&closed, &password)] {
        let decision = reset(&flow(), &BROWSER, RIGHT_CODE, owner, T0);
        assert_eq!(decision.outcome, Recovered::WrongProof { tries_left: 4 });
    }
}

#[test]
fn a_wrong_link_changes_nothing() {
    let decision = reset(&flow(), &BROWSER, Proof::Link { fits: false }, None, T0);
    assert_eq!(decision.outcome, Recovered::Over);
    assert!(decision.changes.is_empty());
}

#[test]
fn security_94_the_owner_of_the_address_ends_a_flow_with_the_links_token() {
    let decision = disown(&Flow { payload: Some(Sealed(vec![1])), ..flow() }, true, T0);
    assert!(decision.outcome);
    let ended = decision.changes.only(Change::disown_flow);
    assert_eq!((ended.state, ended.version, &ended.payload), (FlowState::Ended, 2, &None), "the address is removed");
    assert!(disown(&flow(), false, T0).changes.is_empty());
    assert!(disown(&Flow { state: FlowState::Completed, ..flow() }, true, T0).changes.is_empty());
    assert!(disown(&flow(), true, T0 + RECOVERY_LIFETIME).changes.is_empty());
}

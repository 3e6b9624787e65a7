use super::fixture::SoftwarePasskey;
use super::*;
use crate::domain::account::LinkSeed;
use crate::domain::id::SessionId;
use crate::domain::known_device::KnownDevice;
use crate::domain::passkey::{CredentialHash, Transports};
use crate::domain::secret::SecretHash;
use crate::domain::session::{NewSession, Session};
use crate::domain::sign_in::complete::Remembering;
use crate::domain::sign_in::methods::password::tests::authentication;
use crate::domain::tenant::{SecondFactorPolicy, SessionPolicy};
use crate::keys::passkey::PasskeyVerifier;
use ceremony::check_creation;
use data_encoding::BASE64URL_NOPAD;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const RP: &str = "example.com";
const ORIGIN: &str = "https://example.com";
const DEVICE: u64 = 7;

/// A passkey of the account, and its stored state.
fn added(account: &AccountState) -> (SoftwarePasskey, Passkey) {
    let passkey = SoftwarePasskey::es256(RP, ORIGIN, account.account.as_bytes());
    let origins = [ORIGIN.to_owned()];
    let ceremony = Ceremony { challenge: &[1; 32], rp_id: RP, origins: &origins };
    let json = passkey.creation(&BASE64URL_NOPAD.encode(&[1; 32])).json();
    let created = check_creation(&json, &ceremony, &PasskeyVerifier).unwrap();
    let stored = Passkey {
        account: account.account,
        credential_id: created.id,
        cose: created.cose,
        aaguid: created.aaguid,
        transports: Transports::default(),
        backup_eligible: created.backup_eligible,
        backed_up: created.backed_up,
        counter: created.counter,
        rp_id: RP.to_owned(),
        name: None,
        newest_challenge: NOW - Span::hours(1),
        created_at: NOW - Span::hours(1),
        last_used_at: None,
        removed_at: None,
        version: 1,
    };
    (passkey, stored)
}

/// Decides on a use with a challenge that was issued at this time.
fn decide(
    account: &AccountState,
    passkey: &mut SoftwarePasskey,
    stored: Option<&Passkey>,
    issued_at: Timestamp,
) -> Decision<Result<Authenticated, PasskeyRefusal>> {
    let challenge = [2; 32];
    let posted = PostedUse::read(&passkey.assertion(&BASE64URL_NOPAD.encode(&challenge)).json()).unwrap();
    let origins = [ORIGIN.to_owned()];
    let ceremony = Ceremony { challenge: &challenge, rp_id: RP, origins: &origins };
    let policy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };
    let session = NewSession { id: SessionId::from_bytes([1; 16]), secret_hash: SecretHash::from_bytes([1; 32]), device: None };
    let new = NewSignIn {
        session,
        device: 9,
        replaced: None,
        policy: &policy,
        second_factor: SecondFactorPolicy::Optional,
        keeps_expiry: false,
        attempt: None,
        remembering: Remembering::Off,
    };
    let subject = Subject { authentication: account, passkey: stored, device: Some(DEVICE) };
    authenticate(subject, &Presented { posted: &posted, ceremony, issued_at }, &PasskeyVerifier, new, NOW)
}

fn on_known_device() -> AccountState {
    let failures = crate::domain::failure_window::FailureWindow::default();
    AccountState { devices: vec![KnownDevice { failures, ..KnownDevice::new(DEVICE) }], ..authentication() }
}

#[test]
fn on_a_known_device_the_passkey_and_the_session_are_written_and_on_a_new_one_the_account_too() {
    let account = on_known_device();
    let (mut passkey, stored) = added(&account);
    let known = decide(&account, &mut passkey, Some(&stored), NOW);
    assert_eq!(known.changes.0.len(), 2);
    let used: Passkey = known.changes.0[0].made_by(Change::use_passkey);
    assert_eq!((used.newest_challenge, used.last_used_at, used.version), (NOW, Some(NOW), 2));
    let session: Session = known.changes.0[1].first();
    assert_eq!(session.proofs().iter().map(|proof| proof.method.clone()).collect::<Vec<_>>(), [Method::SyncedPasskey]);
    let Ok(Authenticated::SignedIn { new_device: false, .. }) = known.outcome else { panic!("{:?}", known.outcome) };
    let new = AccountState { devices: Vec::new(), ..account.clone() };
    let decision = decide(&new, &mut passkey, Some(&stored), NOW);
    let [both, _] = &decision.changes.0[..] else { panic!("{:?}", decision.changes) };
    let (state, used): (AccountState, Passkey) = (both.first(), both.first());
    assert_eq!(*both, Change::record_passkey_sign_in(state.clone(), used), "one transaction");
    assert_eq!(state.devices.len(), 1);
    // Wrong codes of a second step are forgotten with it.
    let failures = crate::domain::failure_window::FailureWindow { count: 50, last_at: Some(NOW) };
    let locked = AccountState { factors: Factors { failures, ..account.factors }, ..account };
    let state: AccountState = decide(&locked, &mut passkey, Some(&stored), NOW).changes.0[0].first();
    assert_eq!(state.factors.failures.count, 0);
}

#[test]
fn security_78_a_passkey_alone_opens_a_protected_account() {
    let account = AccountState { protected: true, ..on_known_device() };
    let (mut passkey, mut stored) = added(&account);
    assert!(matches!(decide(&account, &mut passkey, Some(&stored), NOW).outcome, Ok(Authenticated::SignedIn { .. })));
    (passkey.backup, stored.backup_eligible) = (0, false);
    let decision = decide(&account, &mut passkey, Some(&stored), NOW);
    let session: Session = decision.changes.0[1].first();
    assert_eq!(session.proofs().iter().map(|proof| proof.method.clone()).collect::<Vec<_>>(), [Method::BoundPasskey]);
}

#[test]
fn security_80_a_challenge_that_is_not_newer_than_the_last_one_is_refused() {
    let account = on_known_device();
    let (mut passkey, stored) = added(&account);
    let decision = decide(&account, &mut passkey, Some(&stored), NOW);
    let used: Passkey = decision.changes.0[0].first();
    for issued_at in [NOW, NOW - Span::minutes(1)] {
        let again = decide(&account, &mut passkey, Some(&used), issued_at);
        assert!(again.changes.is_empty() && again.outcome == Err(PasskeyRefusal::ChallengeStale));
    }
}

#[test]
fn security_83_a_removed_or_foreign_passkey_opens_nothing_and_writes_nothing() {
    let account = on_known_device();
    let (mut passkey, stored) = added(&account);
    let removed = stored.removed(NOW);
    for stored in [None, Some(&removed)] {
        let decision = decide(&account, &mut passkey, stored, NOW);
        assert!(decision.changes.is_empty() && decision.outcome == Err(PasskeyRefusal::CredentialUnknown));
    }
    let (mut other, _) = added(&account);
    other.id = passkey.id.clone();
    let decision = decide(&account, &mut other, Some(&stored), NOW);
    assert!(decision.changes.is_empty() && decision.outcome == Err(PasskeyRefusal::Signature));
    other.user_handle = vec![8; 16];
    assert_eq!(decide(&account, &mut other, Some(&stored), NOW).outcome, Err(PasskeyRefusal::UserHandle));
}

#[test]
fn security_84_a_counter_that_goes_back_is_refused_with_an_event() {
    let account = on_known_device();
    let (mut passkey, stored) = added(&account);
    let stored = Passkey { counter: 9, ..stored };
    passkey.counter = 4;
    let decision = decide(&account, &mut passkey, Some(&stored), NOW);
    assert_eq!(decision.outcome, Err(PasskeyRefusal::Counter));
    let refused: Passkey = decision.changes.0[0].made_by(Change::refuse_passkey);
    assert_eq!((refused.counter, refused.newest_challenge), (9, NOW), "the challenge is used up, the counter stays");
}

#[test]
fn an_account_that_cannot_be_used_shows_its_status_only_to_its_passkey() {
    let closed = AccountStatus::ErasureDue { since: NOW, due: NOW, seed: LinkSeed { key_version: 1, bytes: [1; 16] } };
    let account = AccountState { status: closed, ..on_known_device() };
    let (mut passkey, stored) = added(&account);
    assert_eq!(decide(&account, &mut passkey, Some(&stored), NOW).outcome, Ok(Authenticated::Closed { due: NOW }));
    let disabled = AccountState { status: AccountStatus::Disabled { since: NOW }, ..account.clone() };
    assert_eq!(decide(&disabled, &mut passkey, Some(&stored), NOW).outcome, Ok(Authenticated::Disabled));
    assert_eq!(decide(&account, &mut passkey, None, NOW).outcome, Err(PasskeyRefusal::CredentialUnknown));
    let erased = AccountState { status: AccountStatus::Erased { at: NOW }, ..account };
    assert_eq!(decide(&erased, &mut passkey, Some(&stored), NOW).outcome, Err(PasskeyRefusal::CredentialUnknown));
}

#[test]
fn the_hash_of_a_stored_passkey_is_that_of_its_id() {
    let (passkey, stored) = added(&authentication());
    assert_eq!(stored.hash(), CredentialHash::of(&passkey.id));
}

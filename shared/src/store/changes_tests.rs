//! The table of writes: every change in every shape, as planned. `LATCHKEY_BLESS=1` writes `changes.golden` again.

use super::fixture::{
    NOW, account, active, attempt, authentication, codes, flow, grant, new_account, passkey, password, request, revoked,
    session, tenant, totp,
};
use super::*;
use crate::domain::account::{AccountState, AccountStatus, DataKeyState, LinkSeed, Sealed, WrappedDataKey};
use crate::domain::change::Change;
use crate::domain::consent::{AcceptedTerms, Consent};
use crate::domain::credential::PasswordCredential;
use crate::domain::delivery::MailPurpose;
use crate::domain::email_undo::{AddressClaim, ReturnedAddress, WithdrawnRequest};
use crate::domain::erasure::DueErasure;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::flow::{Flow, FlowPurpose};
use crate::domain::id::{AccountId, AttemptId, FlowId, GrantId, Jti, SessionId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::legacy_directory::ImportedAccount;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::mail_limit::{CodeLimit, Trigger};
use crate::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use crate::domain::passkey::Passkey;
use crate::domain::profile::Profile;
use crate::domain::record::Terms;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::retention::RetentionJob;
use crate::domain::sign_in::attempt::SignInAttempt;
use crate::domain::totp::TotpCredential;
use crate::domain::transfer::TransferredAccount;
use crate::domain::verbs::NewAccount;
use crate::goldens::compare;
use std::fmt::Write as _;

#[path = "changes_factors.rs"]
mod factors;
#[path = "changes_planned.rs"]
mod planned;

use planned::{event, lines};

/// The current identifier of the samples, and their former one.
const IDENTIFIER: IdentifierHash = IdentifierHash { key_version: 1, hash: [2; 32] };
const FORMER: IdentifierHash = IdentifierHash { key_version: 1, hash: [3; 32] };
const SUBJECT: SubjectHash = SubjectHash(IdentifierHash { key_version: 1, hash: [4; 32] });

fn state() -> AccountState {
    AccountState { identifier: IDENTIFIER, version: 5, ..authentication() }
}

fn a_flow(purpose: FlowPurpose, version: u64) -> Flow {
    Flow { id: FlowId::from_bytes([5; 16]), purpose, identifier: IDENTIFIER, version, ..flow() }
}

fn an_attempt(version: u64) -> SignInAttempt {
    SignInAttempt { id: AttemptId::from_bytes([5; 16]), version, ..attempt() }
}

fn a_session(version: u64) -> Session {
    Session { id: SessionId::from_bytes([6; 16]), version, ..session() }
}

fn a_grant(number: u8, state: GrantState, version: u64) -> Grant {
    Grant { id: GrantId::from_bytes([number; 16]), version, client_id: "demo-app".parse().unwrap(), ..grant(state) }
}

fn ended(reason: RevocationReason) -> Grant {
    a_grant(7, GrantState::Revoked { at: NOW, reason }, 5)
}

fn a_profile(version: u64) -> Profile {
    Profile { version, ..new_account().profile }
}

fn a_password(version: u64) -> PasswordCredential {
    PasswordCredential { version, ..password() }
}

fn a_passkey(version: u64) -> Passkey {
    Passkey { version, ..passkey() }
}

fn a_consent(client: &str, version: u64) -> Consent {
    Consent {
        account: account(),
        client_id: client.parse().unwrap(),
        scope: "openid".parse().unwrap(),
        granted_at: NOW,
        withdrawn_at: None,
        version,
    }
}

fn a_link() -> LinkedIdentity {
    LinkedIdentity { account: account(), subject: SUBJECT, named: Sealed(vec![1; 100]), linked_at: NOW }
}

fn failures(version: u64) -> UnknownIdentifierFailures {
    UnknownIdentifierFailures { identifier: IDENTIFIER, failures: FailureWindow::default(), version, expires_at: NOW }
}

fn created(link: Option<LinkedIdentity>) -> Change {
    let new = new_account();
    let sub = if link.is_some() { state().sub } else { Sub::from_bytes([9; 16]) };
    let authentication = AccountState { sub, version: 1, ..state() };
    let flow = a_flow(FlowPurpose::Registration, 2);
    Change::create_account(NewAccount { identifier: IDENTIFIER, authentication, link, flow, ..new })
}

fn created_without_password() -> Change {
    let (authentication, flow) = (AccountState { version: 1, ..state() }, a_flow(FlowPurpose::Registration, 2));
    let (password, passkey) = (None, Some(a_passkey(1)));
    Change::create_account(NewAccount { identifier: IDENTIFIER, authentication, flow, password, passkey, ..new_account() })
}

fn imported(flow: Option<Flow>, password: Option<PasswordCredential>, totp: Option<TotpCredential>) -> Change {
    let NewAccount { profile, data_key, .. } = new_account();
    let sub = if password.is_some() { state().sub } else { Sub::from_bytes([9; 16]) };
    let authentication = AccountState { sub, version: 1, ..state() };
    Change::import_account(ImportedAccount { authentication, password, totp, profile, link: a_link(), data_key, flow })
}

fn moved(whole: bool) -> Change {
    let NewAccount { password, profile, terms, data_key, .. } = new_account();
    let authentication = AccountState { version: 1, ..state() };
    let mut moved = TransferredAccount {
        authentication,
        password: None,
        profile,
        links: Vec::new(),
        terms: Vec::new(),
        consents: Vec::new(),
        totp: None,
        recovery_codes: None,
        passkeys: Vec::new(),
        data_key,
    };
    if whole {
        let links = vec![a_link()];
        let consents = vec![a_consent("demo-app", 1), a_consent("other-app", 1)];
        let (totp, recovery_codes, passkeys) = (Some(totp(1)), Some(codes(1)), vec![a_passkey(1)]);
        moved = TransferredAccount { password, links, terms, consents, totp, recovery_codes, passkeys, ..moved };
    }
    Change::move_account(moved)
}

fn password_change(session: Option<Session>, grant: Option<Grant>) -> Change {
    Change::change_password(state(), a_password(2), session, grant)
}

fn withdrawal(consent: Option<Consent>, grants: Vec<Grant>) -> Change {
    Change::withdraw_consent(account(), &"demo-app".parse().unwrap(), consent, grants).expect("something to withdraw")
}

fn claimed(account: Option<AccountId>) -> ClaimedSubject {
    ClaimedSubject { account, at: NOW }
}

fn reopened() -> AccountState {
    AccountState { status: AccountStatus::Active, epoch_began_at: Some(NOW), ..state() }
}

fn due(due: Timestamp) -> DueErasure {
    DueErasure { account: account(), identifier: IDENTIFIER, due, requested_at: Some(NOW) }
}

fn terms(version: u64) -> Terms {
    Terms { accepted: vec![AcceptedTerms::of_earlier_release("terms", "1", NOW)], version }
}

fn newer() -> AccountState {
    AccountState { account: AccountId::from_bytes([10; 16]), ..state() }
}

fn returned(claim: AddressClaim) -> ReturnedAddress {
    let (authentication, profile, password) = (state(), a_profile(2), a_password(2));
    ReturnedAddress {
        totp: None,
        recovery_codes: None,
        passkeys: vec![],
        at: NOW,
        authentication,
        profile,
        password,
        claim,
        freed: Some(FORMER),
        withdrawn: None,
        displaced: None,
    }
}

fn displacing(erasure: Option<DueErasure>) -> ReturnedAddress {
    let claim = AddressClaim::TakenFrom(newer().account);
    let status = AccountStatus::ErasureDue { since: NOW, due: NOW, seed: LinkSeed { key_version: 1, bytes: [7; 16] } };
    ReturnedAddress { displaced: Some((AccountState { status, ..newer() }, erasure)), ..returned(claim) }
}

/// Each change in each of its shapes: constructor name, shape, change.
#[rustfmt::skip]
pub(super) fn every_change() -> Vec<(&'static str, &'static str, Change)> {
    let data_key = |state| WrappedDataKey { state, ..new_account().data_key };
    let erased = AccountState { status: AccountStatus::Erased { at: NOW }, ..state() };
    let later = NOW + Span::days(7);
    let two = || vec![ended(RevocationReason::Withdrawn), a_grant(8, revoked(), 5)];
    let one = || vec![ended(RevocationReason::Withdrawn)];
    vec![
        ("create_data_key", "of a pending registration", Change::create_data_key(data_key(DataKeyState::Pending { expires_at: NOW }))),
        ("create_data_key", "of an account", Change::create_data_key(data_key(DataKeyState::Account))),
        ("begin_flow", "registration", Change::begin_flow(a_flow(FlowPurpose::Registration, 1))),
        ("begin_flow", "recovery", Change::begin_flow(a_flow(FlowPurpose::Recovery, 1))),
        ("begin_flow", "sign-in", Change::begin_flow(a_flow(FlowPurpose::SignIn, 1))),
        ("count_code", "short", Change::count_code(CodeLimit::Short, MailPurpose::SignInCode, IDENTIFIER, NOW)),
        ("count_code", "long", Change::count_code(CodeLimit::Long(Trigger::source("192.0.2.1")), MailPurpose::SignInCode, IDENTIFIER, NOW)),
        ("count_mail_start", "", Change::count_mail_start(MailPurpose::Recovery, IDENTIFIER, Trigger::source("192.0.2.1"), NOW)),
        ("count_source", "", Change::count_source([9; 32], 60, NOW)),
        ("count_flow_try", "", Change::count_flow_try(a_flow(FlowPurpose::Registration, 2))),
        ("resend_code", "", Change::resend_code(a_flow(FlowPurpose::Registration, 2))),
        ("redeem_sign_in_code", "", Change::redeem_sign_in_code(a_flow(FlowPurpose::SignIn, 2))),
        ("disown_flow", "", Change::disown_flow(a_flow(FlowPurpose::Recovery, 2))),
        ("create_account", "without a link", created(None)),
        ("create_account", "with a link", created(Some(a_link()))),
        ("create_account", "with a passkey and no password", created_without_password()),
        ("import_account", "without flow and password", imported(None, None, None)),
        ("import_account", "with a password", imported(None, Some(password()), None)),
        ("import_account", "with a password and an authenticator app", imported(None, Some(password()), Some(totp(1)))),
        ("import_account", "with a flow", imported(Some(a_flow(FlowPurpose::Recovery, 2)), None, None)),
        ("import_account", "with a flow and a password", imported(Some(a_flow(FlowPurpose::Recovery, 2)), Some(password()), None)),
        ("complete_import", "with a password", Change::complete_import(state(), Some(a_password(1)), None, None)),
        ("complete_import", "with claims", Change::complete_import(state(), None, Some(a_profile(2)), None)),
        ("complete_import", "with an authenticator app", Change::complete_import(state(), None, None, Some(totp(1)))),
        ("move_account", "bare", moved(false)),
        ("record_requirements", "", Change::record_requirements(state())),
        ("accept_terms", "first", Change::accept_terms(state(), terms(1))),
        ("accept_terms", "later", Change::accept_terms(state(), terms(4))),
        ("withdraw_terms", "", Change::withdraw_terms(state(), terms(4))),
        ("move_account", "with password, link, terms, two consents and all factors", moved(true)),
        ("count_failed_sign_in", "", Change::count_failed_sign_in(state())),
        ("count_failed_sign_in", "of an erased account", Change::count_failed_sign_in(erased.clone())),
        ("count_unknown_sign_in", "first", Change::count_unknown_sign_in(failures(1))),
        ("count_unknown_sign_in", "later", Change::count_unknown_sign_in(failures(2))),
        ("uncount_failed_sign_in", "", Change::uncount_failed_sign_in(state())),
        ("uncount_unknown_sign_in", "", Change::uncount_unknown_sign_in(failures(3))),
        ("record_sign_in", "", Change::record_sign_in(state())),
        ("record_first_step", "", Change::record_first_step(state())),
        ("count_failed_second_step", "", Change::count_failed_second_step(state())),
        ("block_second_steps", "", Change::block_second_steps(state())),
        ("record_second_step", "", Change::record_second_step(state())),
        ("remember_device", "", Change::remember_device(state())),
        ("forget_devices", "", Change::forget_devices(state())),
        ("open_attempt", "", Change::open_attempt(an_attempt(1))),
        ("close_attempt", "", Change::close_attempt(an_attempt(2))),
        ("open_session", "", Change::open_session(a_session(1))),
        ("open_session_on_new_device", "", Change::open_session_on_new_device(a_session(1))),
        ("renew_session", "", Change::renew_session(a_session(3))),
        ("renew_session_on_new_device", "", Change::renew_session_on_new_device(a_session(3))),
        ("touch_session", "", Change::touch_session(a_session(2))),
        ("end_session", "", Change::end_session(a_session(2))),
        ("rehash", "", Change::rehash(a_password(2))),
        ("keep_password", "", Change::keep_password(state(), a_password(1))),
        ("reset_password", "", Change::reset_password(a_flow(FlowPurpose::Recovery, 2), state(), a_password(2))),
        ("reset_password", "where there was none", Change::reset_password(a_flow(FlowPurpose::Recovery, 2), state(), a_password(1))),
        ("record_consent", "first", Change::record_consent(a_consent("demo-app", 1))),
        ("record_consent", "later", Change::record_consent(a_consent("demo-app", 2))),
        ("update_profile", "", Change::update_profile(a_profile(2))),
        ("change_password", "alone", password_change(None, None)),
        ("change_password", "with the session", password_change(Some(a_session(2)), None)),
        ("change_password", "with the grant", password_change(None, Some(a_grant(7, active(), 5)))),
        ("change_password", "with the session and the grant", password_change(Some(a_session(2)), Some(a_grant(7, active(), 5)))),
        ("add_passkey", "", Change::add_passkey(state(), a_passkey(1), None)),
        ("add_passkey", "and the other sessions end", Change::add_passkey(state(), a_passkey(1), Some(a_session(2)))),
        ("remove_passkey", "", Change::remove_passkey(state(), a_passkey(3).removed(NOW), None, Some(a_session(2)))),
        ("remove_passkey", "the last factor", Change::remove_passkey(state(), a_passkey(3).removed(NOW), Some(codes(3)), Some(a_session(2)))),
        ("rename_passkey", "", Change::rename_passkey(a_passkey(2))),
        ("use_passkey", "", Change::use_passkey(a_passkey(2))),
        ("record_passkey_sign_in", "", Change::record_passkey_sign_in(state(), a_passkey(2))),
        ("refuse_passkey", "", Change::refuse_passkey(a_passkey(2))),
        ("start_address_proof", "", Change::start_address_proof(a_profile(2))),
        ("count_address_proof_try", "", Change::count_address_proof_try(a_profile(3))),
        ("prove_address", "", Change::prove_address(a_profile(3))),
        ("begin_totp", "first", Change::begin_totp(TotpCredential { active: None, removed: None, ..totp(1) })),
        ("begin_totp", "later", Change::begin_totp(totp(3))),
        ("cancel_totp", "", Change::cancel_totp(TotpCredential { active: None, pending: None, ..totp(2) })),
        ("reset_second_steps", "", Change::reset_second_steps(state(), Some(totp(3)), Some(codes(3)))),
        ("unlock_second_steps", "", Change::unlock_second_steps(state())),
        ("activate_totp", "with the first codes", Change::activate_totp(state(), totp(2), codes(1), a_session(2))),
        ("replace_totp", "", Change::replace_totp(state(), totp(4), codes(3), a_session(2))),
        ("remove_totp", "", Change::remove_totp(state(), TotpCredential { active: None, ..totp(4) }, Some(RecoveryCodes { removed_at: Some(NOW), ..codes(3) }), a_session(2))),
        ("remove_totp", "without codes", Change::remove_totp(state(), TotpCredential { active: None, ..totp(4) }, None, a_session(2))),
        ("renew_recovery_codes", "", Change::renew_recovery_codes(state(), codes(3), None)),
        ("renew_recovery_codes", "and end other sessions", Change::renew_recovery_codes(state(), codes(3), Some(a_session(2)))),
        ("use_recovery_code", "", Change::use_recovery_code(state(), codes(3))),
        ("note_codes_kept", "", Change::note_codes_kept(codes(3))),
        ("start_email_change", "", Change::start_email_change(a_profile(2))),
        ("count_email_change_try", "", Change::count_email_change_try(a_profile(2))),
        ("end_email_change", "", Change::end_email_change(a_profile(2))),
        ("change_email", "", Change::change_email(state(), a_profile(2), FORMER)),
        ("undo_email_change", "to a free address", Change::undo_email_change(returned(AddressClaim::New))),
        ("undo_email_change", "to the current address, where there was no password", Change::undo_email_change(ReturnedAddress { freed: None, password: a_password(1), ..returned(AddressClaim::Kept) })),
        ("undo_email_change", "of a closed account", Change::undo_email_change(ReturnedAddress { withdrawn: Some(WithdrawnRequest { requested_at: NOW, due: NOW }), ..returned(AddressClaim::New) })),
        ("undo_email_change", "to the address of a newer account", Change::undo_email_change(displacing(Some(DueErasure { account: newer().account, ..due(NOW) })))),
        ("undo_email_change", "with second factors of before", Change::undo_email_change(ReturnedAddress { totp: Some(totp(3)), recovery_codes: Some(codes(3)), passkeys: vec![a_passkey(3), Passkey { credential_id: vec![9; 16], ..a_passkey(4).removed(NOW) }], ..returned(AddressClaim::New) })),
        ("undo_email_change", "to the address of a closed newer account", Change::undo_email_change(displacing(None))),
        ("request_undo_code", "", Change::request_undo_code(a_profile(2))),
        ("request_restoration_mail", "", Change::request_restoration_mail(state())),
        ("end_session_and_grants", "without a grant", Change::end_session_and_grants(a_session(2), Vec::new())),
        ("end_session_and_grants", "with two grants", Change::end_session_and_grants(a_session(2), two())),
        ("withdraw_consent", "consent alone", withdrawal(Some(a_consent("demo-app", 2)), Vec::new())),
        ("withdraw_consent", "consent and two grants", withdrawal(Some(a_consent("demo-app", 2)), two())),
        ("withdraw_consent", "one grant without consent", withdrawal(None, one())),
        ("withdraw_consent", "two grants without consent", withdrawal(None, two())),
        ("request_deletion", "", Change::request_deletion(state(), due(NOW))),
        ("restore_account", "on the day of the request", Change::restore_account(reopened(), WithdrawnRequest { requested_at: NOW, due: NOW }, NOW)),
        ("restore_account", "later", Change::restore_account(reopened(), WithdrawnRequest { requested_at: NOW, due: NOW }, later)),
        ("replay_request", "of an active account", Change::replay_request(state(), None, due(NOW))),
        ("replay_request", "of a closed account", Change::replay_request(state(), Some(NOW), due(later))),
        ("replay_restoration", "", Change::replay_restoration(reopened(), NOW)),
        ("reclaim_identifier", "of an account", Change::reclaim_identifier(Some(state()), account(), FORMER, IDENTIFIER)),
        ("reclaim_identifier", "of an erased account", Change::reclaim_identifier(None, account(), FORMER, IDENTIFIER)),
        ("reclaim_subject", "of an account", Change::reclaim_subject(claimed(Some(account())), Some(2), Some(a_link()), SubjectHash(FORMER), SUBJECT)),
        ("reclaim_subject", "of an erased account", Change::reclaim_subject(claimed(None), None, None, SubjectHash(FORMER), SUBJECT)),
        ("reclaim_account", "", Change::reclaim_account(state(), IDENTIFIER)),
        ("reclaim_failures", "", Change::reclaim_failures(UnknownIdentifierFailures { identifier: FORMER, ..failures(2) }, None, IDENTIFIER)),
        ("reclaim_failures", "counted under both versions", Change::reclaim_failures(UnknownIdentifierFailures { identifier: FORMER, ..failures(2) }, Some(failures(3)), IDENTIFIER)),
        ("place_legal_hold", "", Change::place_legal_hold(state())),
        ("lift_legal_hold", "", Change::lift_legal_hold(state())),
        ("change_roles", "", Change::change_roles(state())),
        ("defer_erasure", "", Change::defer_erasure(state(), NOW, due(later))),
        ("erase_account", "", Change::erase_account(erased)),
        ("checkpoint_retention", "first", Change::checkpoint_retention(RetentionJob { version: 1, ..RetentionJob::new(NOW) })),
        ("checkpoint_retention", "later", Change::checkpoint_retention(RetentionJob { version: 2, ..RetentionJob::new(NOW) })),
        ("issue_authorization_code", "", Change::issue_authorization_code(a_grant(7, GrantState::CodeIssued, 1))),
        ("redeem_authorization_code", "", Change::redeem_authorization_code(a_grant(7, active(), 2))),
        ("exchange_token", "", Change::exchange_token(a_grant(7, active(), 1))),
        ("rotate_refresh_token", "", Change::rotate_refresh_token(a_grant(7, active(), 3))),
        ("revoke_grant", "asked for by the client", Change::revoke_grant(ended(RevocationReason::ClientRequest))),
        ("revoke_grant", "refresh token reused", Change::revoke_grant(ended(RevocationReason::RefreshReuse))),
        ("revoke_grant", "code replayed", Change::revoke_grant(ended(RevocationReason::CodeReplayed))),
        ("revoke_grant", "withdrawn", Change::revoke_grant(ended(RevocationReason::Withdrawn))),
        ("revoke_access_token", "", Change::revoke_access_token(a_grant(7, active(), 3))),
        ("revoke_grantless_token", "", Change::revoke_grantless_token(Jti::from_bytes([9; 16]), "demo-app".parse().unwrap(), NOW)),
        ("claim_exchanged_token", "", Change::claim_exchanged_token(Jti::from_bytes([9; 16]), "demo-app".parse().unwrap(), NOW)),
        ("store_authorization_request", "", Change::store_authorization_request(FlowId::from_bytes([5; 16]), "a=b".to_owned(), NOW)),
    ].into_iter().chain(factors::changes()).collect()
}

/// The table of writes of `docs/architecture.md`: no rename and no restructuring changes a line of it.
#[test]
fn every_change_is_planned_as_in_the_golden_file() {
    let mut text = String::new();
    for (name, shape, change) in every_change() {
        let plan = plan(&tenant(), &change, &request(), 1).unwrap();
        let of = if shape.is_empty() { "" } else { ": " };
        writeln!(text, "{name}{of}{shape}\n  {}", event(&plan)).unwrap();
        for line in lines(&plan) {
            writeln!(text, "  {line}").unwrap();
        }
        text.push('\n');
    }
    compare("src/store/changes.golden", &text);
}

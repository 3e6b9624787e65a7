use super::*;
use crate::domain::account::{AccountStatus, PasswordHome};
use crate::domain::id::{AttemptId, SessionId};
use crate::domain::mail_limit::Trigger;
use crate::domain::session::{NewSession, Session};
use crate::domain::sign_in::assurance::Acr;
use crate::domain::sign_in::attempt::{NewAttempt, SignInAttempt};
use crate::domain::sign_in::complete::Remembering;
use crate::domain::sign_in::methods::password::tests::{authentication, identifier};
use crate::domain::tenant::{SecondFactorPolicy, SessionPolicy};

const POLICY: SessionPolicy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };
const T0: Timestamp = Timestamp::from_seconds(1_000_000);

fn browser(id: u8) -> SecretHash {
    SecretHash::from_bytes([id; 32])
}

fn begun(limit: CodeLimit) -> (Change, Flow) {
    let new = NewMailCode {
        id: FlowId::from_bytes([5; 16]),
        account: AccountId::from_bytes([6; 16]),
        seed: [7; 16],
        code_key_version: 1,
        identifier: identifier(),
        browser: browser(1),
        client_id: "demo-app".parse().unwrap(),
        locale: "en".to_owned(),
    };
    let changes = begin(new, limit, T0).changes;
    let [counted, begun] = changes.0.as_slice() else { panic!("{changes:?}") };
    (counted.clone(), begun.written::<Flow>().next().unwrap().clone())
}

fn flow() -> Flow {
    begun(CodeLimit::Short).1
}

fn new(replaced: Option<&Session>) -> NewSignIn<'_> {
    let session = NewSession { id: SessionId::from_bytes([9; 16]), secret_hash: browser(9), device: None };
    let attempt = Some(NewAttempt { id: AttemptId::from_bytes([8; 16]), browser: browser(1) });
    NewSignIn {
        session,
        device: 99,
        replaced,
        policy: &POLICY,
        second_factor: SecondFactorPolicy::Optional,
        keeps_expiry: false,
        attempt,
        remembering: Remembering::Off,
    }
}

fn redeemed(
    flow: &Flow,
    fits: bool,
    account: &AccountState,
    at: Timestamp,
) -> Decision<Result<Authenticated, MailCodeRefusal>> {
    redeem(flow, fits, Some(Owner { account, device: None }), &browser(1), new(None), at)
}

#[test]
fn the_right_code_signs_in_at_level_1_and_is_used_up_before_the_session_opens() {
    let decision = redeemed(&flow(), true, &authentication(), T0);
    let Ok(Authenticated::SignedIn { session, new_device: true, .. }) = decision.outcome else { panic!() };
    assert_eq!(session.proofs().level(), Acr::Aal1);
    assert!(session.proofs().amr().is_empty(), "no value of RFC 8176 is a mailbox");
    let [account, used, opened] = decision.changes.0.as_slice() else { panic!("{:?}", decision.changes) };
    assert_eq!(account.written::<AccountState>().next().unwrap().version, authentication().version + 1);
    let used = used.written::<Flow>().next().unwrap();
    assert_eq!((used.state, used.version), (FlowState::Completed, 2));
    assert!(opened.written::<Session>().next().is_some());
}

#[test]
fn security_54_a_protected_account_continues_with_its_second_step() {
    let account = AccountState { protected: true, ..authentication() };
    let decision = redeemed(&flow(), true, &account, T0);
    assert!(matches!(decision.outcome, Ok(Authenticated::SecondStep { .. })), "{:?}", decision.outcome);
    let [_, used, attempt] = decision.changes.0.as_slice() else { panic!("{:?}", decision.changes) };
    assert_eq!(used.written::<Flow>().next().unwrap().state, FlowState::Completed);
    assert_eq!(attempt.written::<SignInAttempt>().next().unwrap().proofs.level(), Acr::Aal1);
    assert!(decision.changes.0.iter().all(|change| change.written::<Session>().next().is_none()));
}

#[test]
fn security_79_five_wrong_codes_end_a_flow() {
    let mut flow = flow();
    for left in (0..MAX_TRIES).rev() {
        let decision = redeemed(&flow, false, &authentication(), T0);
        assert_eq!(decision.outcome, Err(MailCodeRefusal::Wrong { tries_left: left }));
        flow = decision.changes.only(Change::count_flow_try);
    }
    let over = redeemed(&flow, true, &authentication(), T0);
    assert!(over.outcome == Err(MailCodeRefusal::Over) && over.changes.is_empty());
}

#[test]
fn security_79_a_code_is_of_one_browser_one_flow_one_use_and_ten_minutes() {
    let refused = |flow: &Flow, browser, at| {
        let account = authentication();
        let decision = redeem(flow, true, Some(Owner { account: &account, device: None }), &browser, new(None), at);
        decision.changes.is_empty() && decision.outcome == Err(MailCodeRefusal::Over)
    };
    let used = flow().completed(Completion { at: T0, sub: None, repeat_key: None });
    assert!(!refused(&flow(), browser(1), T0 + LIFETIME - Span::millis(1)));
    assert!(refused(&flow(), browser(1), T0 + LIFETIME), "late");
    assert!(refused(&flow(), browser(2), T0), "another browser");
    assert!(refused(&used, browser(1), T0), "used");
    for purpose in [FlowPurpose::Registration, FlowPurpose::Recovery] {
        assert!(refused(&Flow { purpose, ..flow() }, browser(1), T0), "{purpose:?}");
    }
}

#[test]
fn security_94_a_code_from_before_a_change_of_password_or_address_is_void() {
    let over = |account: &AccountState| {
        let decision = redeemed(&flow(), true, account, T0 + Span::minutes(1));
        decision.changes.is_empty() && decision.outcome == Err(MailCodeRefusal::Over)
    };
    assert!(over(&authentication().in_next_epoch(T0 + Span::seconds(1))));
    assert!(over(&AccountState { identifier_since: Some(T0 + Span::seconds(1)), ..authentication() }));
    assert!(over(&AccountState { created_at: T0 + Span::seconds(1), ..authentication() }), "another owner of the address");
    let gone = redeem(&flow(), true, None, &browser(1), new(None), T0);
    assert!(gone.changes.is_empty() && gone.outcome == Err(MailCodeRefusal::Over));
}

#[test]
fn security_54_no_code_opens_an_account_with_its_password_in_the_legacy_directory() {
    let account = AccountState { password_home: PasswordHome::Directory, ..authentication() };
    let refused = redeemed(&flow(), true, &account, T0);
    assert!(!is_for(&account) && refused.changes.is_empty() && refused.outcome == Err(MailCodeRefusal::Over));
}

#[test]
fn only_the_right_code_shows_that_an_account_is_disabled() {
    let account = AccountState { status: AccountStatus::Disabled { since: T0 }, ..authentication() };
    assert_eq!(redeemed(&flow(), true, &account, T0).outcome, Ok(Authenticated::Disabled));
    assert_eq!(redeemed(&flow(), false, &account, T0).outcome, Err(MailCodeRefusal::Wrong { tries_left: 4 }));
}

#[test]
fn a_resend_voids_earlier_codes_and_changes_neither_lifetime_nor_tries() {
    let tried = Flow { tries: 3, ..flow() };
    let mut flow = tried.clone();
    for generation in 1..=MAX_RESENDS {
        let decision = resend(&flow, &browser(1), T0 + Span::minutes(1));
        assert_eq!(decision.outcome, Resent::Sent);
        flow = decision.changes.only(Change::resend_code);
        assert_eq!((flow.generation, flow.tries, flow.expires_at), (generation, 3, tried.expires_at));
    }
    assert_eq!(resend(&flow, &browser(1), T0).outcome, Resent::NoneLeft);
    assert_eq!(resend(&tried, &browser(2), T0).outcome, Resent::Over, "another browser");
}

#[test]
fn security_79_beyond_the_short_codes_of_a_day_codes_are_long_and_counted_by_trigger() {
    let (counted, short) = begun(CodeLimit::Short);
    assert_eq!(counted, Change::count_code(CodeLimit::Short, MailPurpose::SignInCode, identifier(), T0));
    assert!(!short.has_long_code() && short.expires_at == T0 + LIFETIME);
    let trigger = Trigger::source("192.0.2.1");
    let (counted, long) = begun(CodeLimit::Long(trigger));
    assert_eq!(counted, Change::count_mail_start(MailPurpose::SignInCode, identifier(), trigger, T0));
    assert!(long.has_long_code());
}

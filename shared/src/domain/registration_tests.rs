use super::*;
use crate::domain::audit::EventKind;
use crate::domain::linked_identity::SubjectHash;
use crate::domain::passkey::Transports;
use crate::domain::passkey::decisions::NewPasskey;
use crate::domain::sign_in::method::Method;

const T0: Timestamp = Timestamp::from_seconds(1_800_000_000);
const POLICY: SessionPolicy = SessionPolicy { idle: Span::days(7), absolute: Span::days(30) };

fn started() -> (WrappedDataKey, Flow) {
    let new = NewRegistration {
        flow: FlowId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        identifier: IdentifierHash { key_version: 1, hash: [3; 32] },
        seed: [4; 16],
        code_key_version: 1,
        browser: None,
        client_id: "demo-app".parse().unwrap(),
        locale: "en".to_owned(),
        continue_to: None,
        payload: Sealed(vec![5]),
        data_key: (vec![6], 1),
    };
    let changes = start(new, CodeLimit::Short, T0).changes;
    let [counted, key, flow] = changes.all();
    assert_eq!(
        *counted,
        Change::count_code(CodeLimit::Short, MailPurpose::Registration, IdentifierHash { key_version: 1, hash: [3; 32] }, T0)
    );
    (key.made_by(Change::create_data_key), flow.made_by(Change::begin_flow))
}

fn flow() -> Flow {
    started().1
}

fn person(sign_in: Option<SignInAfterProof>) -> Proven {
    Proven::Person(Box::new(ProvenPerson {
        roles: crate::domain::roles::Roles::default(),
        sub: Sub::from_bytes([7; 16]),
        link: None,
        claims: Sealed(vec![8]),
        password: Some(PasswordHash::from_phc("$argon2id$".to_owned())),
        passkey: None,
        opens_by_mail: false,
        terms: Vec::new(),
        satisfied: None,
        data_key: started().0,
        repeat_key: None,
        sign_in,
    }))
}

fn sign_in() -> SignInAfterProof {
    let new = NewSession {
        id: super::super::id::SessionId::from_bytes([9; 16]),
        secret_hash: SecretHash::from_bytes([9; 32]),
        device: None,
    };
    SignInAfterProof { session: new, device: 11, policy: POLICY }
}

fn passkey() -> Passkey {
    NewPasskey {
        credential_id: vec![5; 16],
        cose: vec![2],
        aaguid: [0; 16],
        transports: Transports::default(),
        backup_eligible: true,
        backed_up: true,
        counter: 0,
        rp_id: "example.com".to_owned(),
        name: None,
        challenged_at: T0,
    }
    .of(flow().account, T0)
}

fn names(changes: &Changes) -> Vec<&'static str> {
    changes
        .0
        .iter()
        .map(|change| match change {
            tried if tried.is(Change::count_flow_try) => "count flow",
            new if new.is(Change::create_account) => "create",
            opened if opened.is(Change::open_session) => "session",
            sent if sent.is(Change::resend_code) => "resend",
            ended if ended.is(Change::disown_flow) => "disown",
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn security_107_a_start_counts_its_mail_writes_two_items_and_reads_nothing() {
    let (key, flow) = started();
    assert_eq!(flow.expires_at, T0 + LIFETIME);
    let DataKeyState::Pending { expires_at } = key.state else { panic!("pending") };
    assert!(expires_at > flow.expires_at, "the key outlives its flow");
    assert_eq!((flow.state, flow.tries, flow.generation, flow.version), (FlowState::Open, 0, 0, 1));
}

#[test]
fn the_right_proof_creates_the_account_and_completes_the_flow() {
    for (kind, expected) in [(ProofKind::Code, vec!["create"]), (ProofKind::Link, vec!["create"])] {
        let decision = verify(&flow(), kind, Some(person(None)), None, T0);
        assert_eq!(names(&decision.changes), expected);
        assert_eq!(decision.outcome, Verified::Created { sub: Sub::from_bytes([7; 16]), session: None });
        let new = decision.changes.0.last().expect("an account").made_by(Change::create_account);
        assert_eq!((new.flow.state, new.flow.version, &new.flow.payload), (FlowState::Completed, 2, &None));
        assert_eq!((new.authentication.version, new.password.unwrap().version, new.profile.version), (1, 1, 1));
        assert_eq!(new.data_key.state, DataKeyState::Account);
        assert!(new.authentication.is_active());
        assert_eq!(new.authentication.account, flow().account);
    }
}

#[test]
fn security_159_an_account_without_a_password_comes_with_its_passkey_or_with_mailed_codes_or_not_at_all() {
    let without = |passkey: Option<Passkey>, opens_by_mail| {
        let Proven::Person(known) = person(Some(sign_in())) else { panic!("a person") };
        Proven::Person(Box::new(ProvenPerson { password: None, passkey, opens_by_mail, ..*known }))
    };
    let none = verify(&flow(), ProofKind::Code, Some(without(None, false)), None, T0);
    assert!(none.changes.is_empty() && none.outcome == Verified::NeedsPasskey, "{:?}", none.outcome);
    for (passkey, opens_by_mail, count) in [(Some(passkey()), false, 1), (None, true, 0)] {
        let decision = verify(&flow(), ProofKind::Code, Some(without(passkey.clone(), opens_by_mail)), None, T0);
        let new = decision.changes.0[0].made_by(Change::create_account);
        assert_eq!((new.authentication.factors.passkeys, new.authentication.protected), (count, false));
        assert!(new.password.is_none() && new.passkey == passkey);
        let Verified::Created { session: Some(session), .. } = decision.outcome else { panic!("{:?}", decision.outcome) };
        // Only what was proven: the mailbox. The creation of a passkey is no use of it.
        assert_eq!(session.proofs().iter().map(|proof| proof.method.clone()).collect::<Vec<_>>(), [Method::MailCode]);
    }
    // An address that got an account meanwhile is not asked for a passkey.
    let owner = Some(AccountId::from_bytes([9; 16]));
    assert_eq!(verify(&flow(), ProofKind::Code, Some(without(None, false)), owner, T0).outcome, Verified::AlreadyRegistered);
}

/// security 59: the password of a legacy user and its sessions in the legacy directory are not valid here.
#[test]
fn sign_ins_at_the_legacy_directory_end_with_the_registration() {
    let subject = SubjectHash(IdentifierHash { key_version: 1, hash: [3; 32] });
    let link = LinkedIdentity { account: flow().account, subject, named: Sealed(vec![4]), linked_at: T0 };
    for (link, since) in [(Some(link), Some(T0)), (None, None)] {
        let Proven::Person(known) = person(None) else { panic!("a person") };
        let known = Proven::Person(Box::new(ProvenPerson { link, ..*known }));
        let decision = verify(&flow(), ProofKind::Code, Some(known), None, T0);
        let new = decision.changes.0.last().expect("an account").made_by(Change::create_account);
        assert_eq!(new.authentication.epoch_began_at, since);
    }
}

#[test]
fn the_browser_that_started_is_signed_in_and_becomes_a_known_device() {
    let decision = verify(&flow(), ProofKind::Link, Some(person(Some(sign_in()))), None, T0);
    assert_eq!(names(&decision.changes), ["create", "session"]);
    let [first, second] = decision.changes.all();
    let (new, session) = (first.made_by(Change::create_account), second.made_by(Change::open_session));
    assert_eq!(new.authentication.devices.first().map(|device| device.id), Some(11));
    assert!(session.is_live(&new.authentication, T0));
    assert_eq!(
        session.amr,
        [crate::domain::amr::Amr::Pwd],
        "security 54: amr has the methods that were used and that it has names for"
    );
}

#[test]
fn a_wrong_code_takes_a_try_of_the_flow_alone_and_a_wrong_link_takes_none() {
    let decision = verify(&flow(), ProofKind::Code, None, None, T0);
    assert_eq!(names(&decision.changes), ["count flow"]);
    assert_eq!(decision.outcome, Verified::Wrong { tries_left: 4 });
    assert_eq!(decision.changes.0[0].event().map(|event| event.kind), Some(EventKind::CodeRefused));
    let decision = verify(&flow(), ProofKind::Link, None, None, T0);
    assert!(decision.changes.is_empty());
}

#[test]
fn after_five_wrong_codes_even_the_right_one_is_refused() {
    let mut flow = flow();
    for tries_left in (0..MAX_TRIES).rev() {
        let decision = verify(&flow, ProofKind::Code, None, None, T0);
        assert_eq!(decision.outcome, Verified::Wrong { tries_left });
        let next = decision.changes.0.last().expect("counted").made_by(Change::count_flow_try);
        flow = next;
    }
    for kind in [ProofKind::Code, ProofKind::Link] {
        let decision = verify(&flow, kind, Some(person(None)), None, T0);
        assert_eq!(decision.outcome, Verified::Over(FlowOver::NoTriesLeft));
        assert!(decision.changes.is_empty());
    }
    // A new code does not reset the tries.
    assert_eq!(resend(&flow, T0).outcome, Resent::Over(FlowOver::NoTriesLeft));
}

#[test]
fn a_proof_of_a_flow_that_is_over_is_not_evaluated_and_changes_nothing() {
    // security 88, 131
    let over = |flow: Flow, at: Timestamp| {
        let code = verify(&flow, ProofKind::Code, Some(person(None)), None, at);
        let link = verify(&flow, ProofKind::Link, Some(person(None)), None, at);
        let again = resend(&flow, at);
        assert!(code.changes.is_empty() && link.changes.is_empty() && again.changes.is_empty());
        assert_eq!(code.outcome, link.outcome);
        match (code.outcome, again.outcome) {
            (Verified::Over(over), Resent::Over(again)) if over == again => over,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(over(flow(), T0 + LIFETIME), FlowOver::Expired);
    assert_eq!(over(Flow { state: FlowState::Completed, ..flow() }, T0), FlowOver::Completed);
    assert_eq!(over(Flow { state: FlowState::Ended, ..flow() }, T0), FlowOver::Disowned);
    assert_eq!(over(Flow { purpose: FlowPurpose::Recovery, ..flow() }, T0), FlowOver::OtherPurpose);
    let last = verify(&flow(), ProofKind::Link, Some(person(None)), None, T0 + LIFETIME - Span::millis(1));
    assert!(matches!(last.outcome, Verified::Created { .. }));
}

#[test]
fn an_account_created_meanwhile_is_revealed_only_to_the_user_who_proved_the_address() {
    let owner = Some(AccountId::from_bytes([9; 16]));
    let right = verify(&flow(), ProofKind::Code, Some(person(None)), owner, T0);
    assert_eq!(right.outcome, Verified::AlreadyRegistered);
    assert!(right.changes.is_empty());
    let wrong = verify(&flow(), ProofKind::Code, None, owner, T0);
    assert_eq!(wrong.outcome, Verified::Wrong { tries_left: 4 });
}

#[test]
fn a_legacy_account_that_cannot_be_imported_blocks_registration_and_is_revealed_only_after_proof() {
    for kind in [ProofKind::Code, ProofKind::Link] {
        let decision = verify(&flow(), kind, Some(Proven::Stays), None, T0);
        assert!(decision.outcome == Verified::Stays && decision.changes.is_empty());
    }
    let late = verify(&flow(), ProofKind::Link, Some(Proven::Stays), None, T0 + LIFETIME);
    assert_eq!(late.outcome, Verified::Over(FlowOver::Expired));
}

#[test]
fn a_code_is_resent_at_most_three_times_each_with_a_new_generation() {
    let mut flow = flow();
    for left in (0..MAX_RESENDS).rev() {
        let decision = resend(&flow, T0);
        assert_eq!(decision.outcome, Resent::Sent { left });
        let next = decision.changes.0.first().expect("resent").made_by(Change::resend_code);
        assert_eq!((next.generation, next.version, next.tries), (flow.generation + 1, flow.version + 1, flow.tries));
        flow = next;
    }
    let decision = resend(&flow, T0);
    assert_eq!(decision.outcome, Resent::NoneLeft);
    assert!(decision.changes.is_empty());
}

#[test]
fn the_owner_of_the_address_ends_an_unrequested_flow_and_its_form_is_removed() {
    let decision = disown(&flow(), T0);
    let ended = decision.changes.0.first().expect("ended").made_by(Change::disown_flow);
    assert_eq!((ended.state, &ended.payload), (FlowState::Ended, &None));
    let tried = Flow { tries: MAX_TRIES, ..flow() };
    assert_eq!(names(&disown(&tried, T0).changes), ["disown"]);
    for over in [FlowState::Completed, FlowState::Ended] {
        assert!(disown(&Flow { state: over, ..flow() }, T0).changes.is_empty());
    }
}

#[test]
fn security_148_a_repeated_proof_is_answered_alike_in_the_same_hands_for_ten_minutes() {
    let key = |n: u8| SecretHash::from_bytes([n; 32]);
    let (sub, account) = (Sub::from_bytes([7; 16]), flow().account);
    let completion = |repeat_key| Completion { at: T0, sub: Some(sub), repeat_key };
    let by_api = |repeat_key| flow().completed(completion(repeat_key));
    let by_browser = Flow { browser: Some(key(5)), ..flow() }.completed(completion(None));
    let again = Some(Verified::Repeated { account, sub, at: T0 });
    let late = T0 + Span::minutes(10);
    for (name, flow, presented, now, expected) in [
        ("the same key", by_api(Some(key(1))), Some(key(1)), late - Span::millis(1), again.clone()),
        ("another key", by_api(Some(key(1))), Some(key(2)), T0, None),
        ("no key", by_api(Some(key(1))), None, T0, None),
        ("a key that the first request did not have", by_api(None), Some(key(1)), T0, None),
        ("without keys", by_api(None), None, T0, None),
        ("after ten minutes", by_api(Some(key(1))), Some(key(1)), late, None),
        ("the browser", by_browser.clone(), None, T0, again),
        ("the browser, after ten minutes", by_browser, None, late, None),
        ("still open", flow(), Some(key(1)), T0, None),
    ] {
        assert_eq!(repeated(&flow, presented.as_ref(), now), expected, "{name}");
    }
}

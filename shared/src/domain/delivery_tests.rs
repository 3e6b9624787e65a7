use super::*;
use crate::domain::account::LinkSeed;
use crate::domain::identifier::IdentifierHash;
use crate::domain::time::Span;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn flow(purpose: FlowPurpose) -> Flow {
    Flow {
        id: FlowId::from_bytes([1; 16]),
        purpose,
        account: AccountId::from_bytes([2; 16]),
        identifier: IdentifierHash { key_version: 1, hash: [3; 32] },
        seed: vec![4; 16],
        code_key_version: 1,
        completion: None,
        long_code: false,
        generation: 2,
        tries: 0,
        state: FlowState::Open,
        browser: None,
        client_id: "demo-app".parse().unwrap(),
        locale: "en".to_owned(),
        continue_to: None,
        payload: None,
        created_at: NOW,
        expires_at: NOW + Span::minutes(10),
        version: 1,
    }
}

fn event(kind: EventKind) -> Event {
    Event {
        id: "01K".to_owned(),
        kind,
        at: NOW,
        request_id: "r".parse().unwrap(),
        account: Some(AccountId::from_bytes([9; 16])),
        flow: Some(FlowId::from_bytes([1; 16])),
        client_id: None,
        address_hash: None,
        is_new_device: false,
    }
}

#[test]
fn only_events_that_the_user_must_know_of_are_mailed() {
    let tenant = TenantId::default_tenant();
    let carrier = Carrier::Flow(Box::new(flow(FlowPurpose::Registration)));
    let cases = [
        (EventKind::RegistrationStarted, 1),
        (EventKind::RecoveryStarted, 1),
        (EventKind::CodeResent, 1),
        (EventKind::PasswordReset, 1),
        (EventKind::FlowDisowned, 0),
        (EventKind::CodeRefused, 0),
        (EventKind::AccountCreated, 0),
        (EventKind::AccountImported, 0),
        (EventKind::SignedIn, 0),
        (EventKind::SignInFailed, 0),
        (EventKind::SignedOut, 0),
        (EventKind::ConsentGranted, 0),
        (EventKind::GrantRevoked, 0),
        (EventKind::AccessTokenRevoked, 0),
        (EventKind::RefreshReuse, 0),
        (EventKind::CodeReplayed, 0),
        (EventKind::ProfileChanged, 0),
        (EventKind::PasswordChanged, 1),
        (EventKind::EmailChangeStarted, 2),
        (EventKind::EmailChangeRefused, 0),
        (EventKind::EmailChangeEnded, 0),
        (EventKind::EmailChanged, 1),
        (EventKind::EmailChangeUndone, 1),
        (EventKind::SessionEnded, 0),
        (EventKind::ConsentWithdrawn, 0),
        (EventKind::TermsAccepted, 0),
        (EventKind::TermsWithdrawn, 0),
        (EventKind::PasskeyAdded, 1),
        (EventKind::PasskeyRemoved, 1),
        (EventKind::PasskeyRefused, 0),
        (EventKind::DeviceRemembered, 0),
        (EventKind::DevicesForgotten, 0),
        (EventKind::DataExported, 0),
        (EventKind::DeletionRequested, 1),
        (EventKind::AccountRestored, 1),
        (EventKind::AccountErased, 0),
        (EventKind::ErasureDeferred, 0),
        (EventKind::LegalHoldPlaced, 0),
        (EventKind::LegalHoldLifted, 0),
        (EventKind::NoticeMerged, 0),
        (EventKind::RolesChanged, 0),
    ];
    for (kind, expected) in cases {
        assert_eq!(deliveries(&tenant, &event(kind), &carrier).len(), expected, "{kind:?}");
    }
}

/// A sign-in is mailed only if the account did not know the device. The message has the session, which has the browser in words.
#[test]
fn a_sign_in_on_a_new_device_is_mailed() {
    let (tenant, session) = (TenantId::default_tenant(), SessionId::from_bytes([4; 16]));
    let sign_in = |is_new_device| Event { flow: None, is_new_device, ..event(EventKind::SignedIn) };
    let order = MailOrder::NewDevice { account: AccountId::from_bytes([9; 16]), session, at: NOW };
    let expected = Delivery { tenant: tenant.clone(), event_id: "01K".to_owned(), due: None, order };
    assert_eq!(deliveries(&tenant, &sign_in(true), &Carrier::Session(session)), std::slice::from_ref(&expected));
    assert_eq!(deliveries(&tenant, &sign_in(false), &Carrier::Session(session)), []);
    let json = serde_json::to_value(&expected).unwrap();
    let mut names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["account", "at", "event_id", "kind", "session", "tenant"]);
    assert_eq!(serde_json::from_value::<Delivery>(json).unwrap(), expected);
}

/// The same event of an account, without a flow: a link and its code are sent again.
#[test]
fn a_requested_link_is_about_the_account() {
    let tenant = TenantId::default_tenant();
    let event = Event { flow: None, ..event(EventKind::CodeResent) };
    let account = event.account.unwrap();
    let order = MailOrder::Account { account, about: AccountMail::LinkRequested, at: NOW };
    assert_eq!(
        deliveries(&tenant, &event, &Carrier::Other),
        [Delivery { tenant, event_id: event.id.clone(), due: None, order }]
    );
}

/// Queue messages carry ids only: nothing that a code derives from, and no address.
#[test]
fn a_queue_message_carries_ids_only() {
    let tenant = TenantId::default_tenant();
    let flow = Carrier::Flow(Box::new(flow(FlowPurpose::Registration)));
    let deliveries = deliveries(&tenant, &event(EventKind::CodeResent), &flow);
    let json = serde_json::to_value(&deliveries[0]).unwrap();
    let mut names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["account", "event_id", "flow", "generation", "kind", "resent", "tenant"]);
    assert_eq!(serde_json::from_value::<Delivery>(json).unwrap(), deliveries[0]);
}

#[test]
fn the_proof_of_a_flow_is_sent_only_while_it_is_valid() {
    let open = |purpose| flow(purpose);
    let ended = |state| Flow { state, ..flow(FlowPurpose::Registration) };
    let seed = LinkSeed { key_version: 1, bytes: [1; 16] };
    let active = Some(AccountStatus::Active);
    let closed = Some(AccountStatus::ErasureDue { since: NOW, due: NOW, seed });
    let disabled = Some(AccountStatus::Disabled { since: NOW });
    let erased = Some(AccountStatus::Erased { at: NOW });
    let table = [
        ("unknown address", open(FlowPurpose::Registration), 2, None, NOW, ProofMail::Code(MailPurpose::Registration)),
        ("known address", open(FlowPurpose::Registration), 2, active, NOW, ProofMail::AlreadyRegistered),
        ("closed", open(FlowPurpose::Registration), 2, closed, NOW, ProofMail::Closed),
        ("disabled", open(FlowPurpose::Registration), 2, disabled, NOW, ProofMail::Disabled(MailPurpose::Registration)),
        ("erased", open(FlowPurpose::Registration), 2, erased, NOW, ProofMail::Code(MailPurpose::Registration)),
        ("recovery", open(FlowPurpose::Recovery), 2, active, NOW, ProofMail::Code(MailPurpose::Recovery)),
        ("recovery, unknown", open(FlowPurpose::Recovery), 2, None, NOW, ProofMail::Drop(DropReason::NoAccount)),
        ("recovery, closed", open(FlowPurpose::Recovery), 2, closed, NOW, ProofMail::Closed),
        ("recovery, disabled", open(FlowPurpose::Recovery), 2, disabled, NOW, ProofMail::Disabled(MailPurpose::Recovery)),
        ("recovery, erased", open(FlowPurpose::Recovery), 2, erased, NOW, ProofMail::Drop(DropReason::NoAccount)),
        ("older code", open(FlowPurpose::Registration), 1, None, NOW, ProofMail::Drop(DropReason::Superseded)),
        ("used up", ended(FlowState::Completed), 2, None, NOW, ProofMail::Drop(DropReason::DeadFlow)),
        ("disowned", ended(FlowState::Ended), 2, None, NOW, ProofMail::Drop(DropReason::DeadFlow)),
        (
            "expired at exactly this millisecond (security 131)",
            open(FlowPurpose::Registration),
            2,
            None,
            NOW + Span::minutes(10),
            ProofMail::Drop(DropReason::DeadFlow),
        ),
    ];
    for (name, flow, generation, account, now, expected) in table {
        assert_eq!(proof_mail(&flow, generation, account, now), expected, "{name}");
    }
}

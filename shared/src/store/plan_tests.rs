//! Plans: stamps, tokens and event ids that do not depend on the number of sends; ends; item sizes.

use super::*;
use crate::domain::account::{AccountState, AccountStatus, DataKeyState, Sealed, WrappedDataKey};
use crate::domain::audit::EventKind;
use crate::domain::consent::Consent;
use crate::domain::email_undo::WithdrawnRequest;
use crate::domain::erasure::DueErasure;
use crate::domain::flow::Flow;
use crate::domain::id::SessionId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::legacy_directory::ImportedAccount;
use crate::domain::lost_factor::RemovalRequest;
use crate::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use crate::domain::passkey::{MAX_PASSKEYS, Passkey};
use crate::domain::retention::RetentionJob;
use crate::domain::session::Session;
use crate::domain::sign_in::factors::Factors;
use crate::domain::transfer::{MAX_CONSENTS, MAX_IDENTITIES, TransferredAccount, max_consents};
use crate::domain::verbs::NewAccount;
use crate::store::key::PK;
use std::collections::HashSet;
use ulid::Ulid;

#[path = "plan_fixture.rs"]
mod fixture;
use crate::domain::linked_identity::{LinkedIdentity, SubjectHash};
use fixture::*;
#[path = "changes_tests.rs"]
mod changes;
#[path = "records_tests.rs"]
mod records;

/// One write unit. An update bills the whole item.
const UNIT: usize = 1024;

fn imported(flow: Option<Flow>) -> Change {
    let NewAccount { authentication, password, profile, data_key, .. } = new_account();
    let subject = SubjectHash(IdentifierHash { key_version: 1, hash: [7; 32] });
    let link = LinkedIdentity { account: account(), subject, named: Sealed(vec![1; 100]), linked_at: NOW };
    let account = ImportedAccount { authentication, password, totp: None, profile, link, data_key, flow };
    Change::import_account(account)
}

/// security 105, 111: an import claims address and subject, and overwrites nothing but its own flow and pending data key, all or
/// nothing.
#[test]
fn an_import_overwrites_only_its_own_flow_and_pending_key() {
    for flow in [None, Some(flow())] {
        let plan = planned(&imported(flow.clone()));
        let conditions: Vec<_> = puts(&plan).iter().map(|put| (put.key.sk.clone(), put.condition.clone())).collect();
        assert_eq!(conditions.len(), if flow.is_some() { 9 } else { 8 });
        for (sk, condition) in conditions {
            let expected = match (&*sk, &flow) {
                ("KEY", Some(_)) => Condition::Pending { wrapped: vec![255; 60] },
                ("W", Some(_)) => Condition::Version(1),
                (_, _) => Condition::Absent,
            };
            assert_eq!(condition, expected, "{sk}");
        }
    }
}

fn moved(identities: usize, passkeys: usize, consents: usize) -> Change {
    let NewAccount { authentication, password, profile, terms, data_key, .. } = new_account();
    let link = |number: usize| LinkedIdentity {
        account: account(),
        subject: SubjectHash(IdentifierHash { key_version: 1, hash: [u8::try_from(number).unwrap(); 32] }),
        named: Sealed(vec![1; 100]),
        linked_at: NOW,
    };
    let consent = |number: usize| Consent {
        account: account(),
        client_id: format!("client-{number}").parse().unwrap(),
        scope: "openid".parse().unwrap(),
        granted_at: NOW,
        withdrawn_at: None,
        version: 1,
    };
    let one = |number: usize| Passkey { credential_id: vec![u8::try_from(number).unwrap(); 16], version: 1, ..passkey() };
    let (links, consents) = ((0..identities).map(link).collect(), (0..consents).map(consent).collect());
    Change::move_account(TransferredAccount {
        authentication,
        password,
        profile,
        links,
        terms,
        consents,
        totp: Some(totp(1)),
        recovery_codes: Some(codes(1)),
        passkeys: (0..passkeys).map(one).collect(),
        data_key,
    })
}

/// security 105, 111: a transferred account is new under account id, address, every linked identity and every credential id, with the most
/// data that one user can have.
#[test]
fn a_transfer_requires_every_item_to_be_absent_and_fits_one_transaction() {
    assert_eq!(max_consents(MAX_IDENTITIES, 0), MAX_CONSENTS);
    for passkeys in [0, 1, MAX_PASSKEYS] {
        let consents = max_consents(MAX_IDENTITIES, passkeys);
        let plan = planned(&moved(MAX_IDENTITIES, passkeys, consents));
        let puts = puts(&plan);
        assert_eq!(puts.len(), 9 + 2 * MAX_IDENTITIES + 2 * passkeys + consents);
        assert!(puts.len() <= 100, "{}", puts.len());
        let keys: HashSet<_> = puts.iter().map(|put| put.key.clone()).collect();
        assert_eq!(keys.len(), puts.len(), "a transaction writes each key once");
        for put in puts {
            assert_eq!(put.condition, Condition::Absent, "{}", put.key.sk);
        }
    }
}

fn erased() -> AccountState {
    AccountState { status: AccountStatus::Erased { at: NOW }, ..authentication() }
}

fn due(due: Timestamp) -> DueErasure {
    DueErasure { account: account(), identifier: authentication().identifier, due, requested_at: Some(NOW) }
}

fn request_deletion() -> Change {
    Change::request_deletion(authentication(), due(NOW))
}

fn restore() -> Change {
    Change::restore_account(authentication(), WithdrawnRequest { requested_at: NOW, due: NOW }, NOW)
}

fn defer() -> Change {
    Change::defer_erasure(authentication(), NOW, due(NOW + Span::days(7)))
}

fn planned(change: &Change) -> Plan {
    plan(&tenant(), change, &request(), 1).unwrap()
}

fn puts(plan: &Plan) -> Vec<&Put> {
    match plan {
        Plan::Put(put) => vec![put],
        Plan::Transaction { writes, .. } => writes.iter().filter_map(put).collect(),
        Plan::Delete(_) | Plan::Count(_) => vec![],
    }
}

fn put(write: &Write) -> Option<&Put> {
    match write {
        Write::Put(put) => Some(put),
        Write::Delete(_) | Write::Check(_) => None,
    }
}

/// The billed size (DynamoDB Developer Guide, "DynamoDB item sizes and formats").
fn size(item: &Item) -> usize {
    fn value(attribute: &AttributeValue) -> usize {
        match attribute {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
            AttributeValue::L(list) => 3 + list.iter().map(|element| 1 + value(element)).sum::<usize>(),
            AttributeValue::M(map) => 3 + map.iter().map(|(name, element)| 1 + name.len() + value(element)).sum::<usize>(),
            other => panic!("not counted: {other:?}"),
        }
    }
    item.iter().map(|(name, element)| name.len() + value(element)).sum()
}

/// security 125: every list in an item is at its limit here, and the item still costs one unit.
#[test]
fn the_largest_hot_items_fit_one_write_unit() {
    let code = Grant { revoked_jtis: Vec::new(), ..grant(GrantState::CodeIssued) };
    let began = Some(NOW);
    // Only an open account has a request to remove lost factors.
    let removal = Some(RemovalRequest { asked_at: NOW, device: Some(u64::MAX), hours: Some(72) });
    let in_use = AccountState {
        status: AccountStatus::Active,
        epoch_began_at: began,
        identifier_since: began,
        factors: Factors { removal, ..authentication().factors },
        devices: remembered_devices(),
        ..authentication()
    };
    let table = [
        ("AUTHN, with a failure's event", Change::count_failed_sign_in(authentication())),
        ("AUTHN, a sign-in", Change::record_sign_in(authentication())),
        ("AUTHN in use, with a failure's event", Change::count_failed_sign_in(in_use)),
        ("a session, with its event", Change::end_session(session())),
        ("a session on a new device", Change::open_session_on_new_device(session())),
        ("a passkey", Change::use_passkey(passkey())),
        ("a session in use", Change::touch_session(session())),
        ("recovery codes", Change::note_codes_kept(codes(2))),
        ("a code", Change::issue_authorization_code(code)),
        ("a grant that was rotated, with a revoked token", Change::rotate_refresh_token(grant(active()))),
        (
            "a grant that was revoked, with its event",
            Change::revoke_grant(grant(active()).revoked(RevocationReason::RefreshReuse, NOW)),
        ),
    ];
    for (name, change) in table {
        let plan = planned(&change);
        let [put] = puts(&plan)[..] else { panic!("{name}") };
        let size = size(&put.item);
        assert!(size <= UNIT, "{name}: {size} bytes");
        assert!(!name.starts_with("AUTHN") || size <= 1000, "{name}: {size} bytes");
        // A sample far below the limit would prove little.
        assert!(size > 400, "{name}: {size} bytes");
    }
}

#[test]
fn stamps_tokens_and_event_ids_do_not_change_when_a_write_is_sent_again() {
    let change = Change::create_account(new_account());
    let once = planned(&change);
    let again = planned(&change);
    let (Plan::Transaction { token, .. }, Plan::Transaction { token: same, .. }) = (&once, &again) else { panic!() };
    assert_eq!(token, same);
    assert!(token.len() <= 36, "{token}");
    for (a, b) in puts(&once).into_iter().zip(puts(&again)) {
        assert_eq!((&a.key, &a.item), (&b.key, &b.item));
        assert_eq!(a.item[OP], AttributeValue::S("JKJaXmPLvHcESHAlmno=.3.1".to_owned()));
    }

    // Another attempt, another change of the request, and another request each have another stamp, token and event.
    let others = [
        plan(&tenant(), &change, &RequestContext { attempt: 1, ..request() }, 1).unwrap(),
        plan(&tenant(), &change, &request(), 0).unwrap(),
        plan(&tenant(), &change, &RequestContext { request_id: "other".parse().unwrap(), ..request() }, 1).unwrap(),
    ];
    let mut seen: HashSet<String> = HashSet::new();
    for plan in others.iter().chain([&once]) {
        let Plan::Transaction { token, .. } = plan else { panic!() };
        let puts = puts(plan);
        let event = puts[0].item[item::EVENT].as_m().unwrap()["id"].as_s().unwrap();
        assert_eq!(Ulid::from_string(event).unwrap().timestamp_ms(), 1_795_000_000_123);
        for text in [token, puts[0].item[OP].as_s().unwrap(), event] {
            assert!(seen.insert(text.clone()), "{text} twice");
        }
    }
}

/// Two commits of one request have the same stamp; the audit records of both must be stored (security 127).
#[test]
fn two_writes_of_one_request_have_different_event_ids() {
    let id = |change: &Change| match planned(change) {
        Plan::Put(put) => put.item[item::EVENT].as_m().unwrap()["id"].as_s().unwrap().clone(),
        Plan::Delete(_) | Plan::Transaction { .. } | Plan::Count(_) => panic!(),
    };
    let other = Session { id: SessionId::from_bytes([1; 16]), ..session() };
    assert_ne!(id(&Change::end_session(session())), id(&Change::end_session(other)));
    let later = Session { version: session().version + 1, ..session() };
    assert_ne!(id(&Change::end_session(session())), id(&Change::end_session(later)));
}

/// security 127: exactly one item of a change carries its event. A write without an event removes an earlier one from the item.
#[test]
fn exactly_one_item_carries_the_event() {
    let reset = Change::reset_password(flow(), authentication(), password());
    let table = [
        (Change::create_account(new_account()), Some((ItemKind::Authentication, EventKind::AccountCreated))),
        (imported(None), Some((ItemKind::Authentication, EventKind::AccountImported))),
        (imported(Some(flow())), Some((ItemKind::Authentication, EventKind::AccountImported))),
        (moved(1, 1, 1), Some((ItemKind::Authentication, EventKind::AccountImported))),
        (reset, Some((ItemKind::Authentication, EventKind::PasswordReset))),
        (request_deletion(), Some((ItemKind::Authentication, EventKind::DeletionRequested))),
        (restore(), Some((ItemKind::Authentication, EventKind::AccountRestored))),
        (defer(), Some((ItemKind::Authentication, EventKind::ErasureDeferred))),
        (Change::erase_account(erased()), Some((ItemKind::Authentication, EventKind::AccountErased))),
        (Change::place_legal_hold(authentication()), Some((ItemKind::Authentication, EventKind::LegalHoldPlaced))),
        (Change::lift_legal_hold(authentication()), Some((ItemKind::Authentication, EventKind::LegalHoldLifted))),
        (Change::change_roles(authentication()), Some((ItemKind::Authentication, EventKind::RolesChanged))),
        (Change::checkpoint_retention(RetentionJob::new(NOW)), None),
        (Change::begin_flow(flow()), Some((ItemKind::Flow, EventKind::RegistrationStarted))),
        (Change::open_session(session()), Some((ItemKind::Session, EventKind::SignedIn))),
        (Change::record_sign_in(authentication()), None),
        (Change::rehash(password()), None),
        (Change::rotate_refresh_token(grant(active())), None),
        (Change::exchange_token(grant(active())), None),
        (Change::touch_session(session()), None),
    ];
    for (change, expected) in table {
        let plan = planned(&change);
        let carried: Vec<(ItemKind, EventKind)> = puts(&plan)
            .iter()
            .filter_map(|put| {
                let event: Event = serde_dynamo::from_attribute_value(put.item.get(item::EVENT)?.clone()).unwrap();
                let kinds = [ItemKind::Authentication, ItemKind::Flow, ItemKind::Session];
                let kind = kinds.into_iter().find(|kind| put.item[KIND] == AttributeValue::S(kind.as_str().to_owned()))?;
                Some((kind, event.kind))
            })
            .collect();
        assert_eq!(carried, expected.into_iter().collect::<Vec<_>>(), "{change:?}");
    }
}

/// security 130: the due work of a closed account is written and removed together with its state, and is stored under one day
/// only.
#[test]
fn due_work_moves_with_the_state_of_its_account() {
    let conditions = |change: &Change| match planned(change) {
        Plan::Transaction { writes, .. } => writes
            .into_iter()
            .map(|write| match write {
                Write::Put(put) => (put.key.sk, put.condition),
                Write::Delete(delete) => (delete.key.sk, delete.condition),
                Write::Check(check) => (check.key.sk, check.condition),
            })
            .collect::<Vec<_>>(),
        Plan::Put(_) | Plan::Delete(_) | Plan::Count(_) => panic!(),
    };
    let authn = || ("AUTHN".to_owned(), Condition::Version(999_999));
    let work = |condition| (account().to_string(), condition);
    let record = || work(Condition::AbsentOrOfAccount(account()));
    assert_eq!(conditions(&request_deletion()), [authn(), work(Condition::Absent), record()]);
    assert_eq!(conditions(&restore()), [authn(), work(Condition::Present), record()]);
    assert_eq!(conditions(&defer()), [authn(), work(Condition::Present), work(Condition::Absent)]);
}

/// security 131, T10: nothing is removed before its logical end plus a margin. An account is never removed.
#[test]
fn an_item_outlives_its_logical_end_by_the_margin() {
    let data_key = |state| WrappedDataKey { state, ..new_account().data_key };
    let unredeemed = grant(GrantState::CodeIssued);
    let code_ends = unredeemed.code.as_ref().unwrap().expires_at;
    let table = [
        (Change::begin_flow(flow()), Some(flow().expires_at)),
        (Change::create_data_key(data_key(DataKeyState::Pending { expires_at: NOW })), Some(NOW)),
        (Change::create_data_key(data_key(DataKeyState::Account)), None),
        (Change::end_session(session()), Some(session().expires_at)),
        (Change::issue_authorization_code(unredeemed), Some(code_ends)),
        (Change::rotate_refresh_token(grant(active())), Some(grant(active()).expires_at)),
        (Change::revoke_grant(grant(revoked())), Some(grant(revoked()).expires_at)),
        (Change::record_sign_in(authentication()), None),
        (Change::erase_account(erased()), Some(NOW)),
        (Change::count_failed_sign_in(erased()), Some(NOW)),
        (Change::rehash(password()), None),
    ];
    for (change, ends) in table {
        let plan = planned(&change);
        let ttl = puts(&plan)[0].item.get(TTL).cloned();
        assert_eq!(ttl, ends.map(|ends| AttributeValue::N((ends.seconds() + 2 * 86_400).to_string())), "{change:?}");
    }
    let plan = planned(&Change::create_account(new_account()));
    let puts = puts(&plan);
    let with_ttl: Vec<_> = puts.iter().filter(|put| put.item.contains_key(TTL)).map(|put| &put.item[KIND]).collect();
    assert_eq!(
        with_ttl,
        [&AttributeValue::S("flow".to_owned())],
        "only the flow expires; an account's items and its data key do not"
    );
}

/// An item that could be read as another kind would let one slot replace another (security 48 at rest).
#[test]
fn an_item_can_be_read_only_as_its_own_kind() {
    let plan = planned(&Change::touch_session(session()));
    let item = || puts(&plan)[0].item.clone();
    assert_eq!(item::read::<Session>(ItemKind::Session, item()).unwrap(), session());
    for kind in [ItemKind::Grant, ItemKind::Flow, ItemKind::Authentication] {
        assert!(item::read::<Session>(kind, item()).is_err());
    }
    let without = || item().into_iter().filter(|(name, _)| name != KIND).collect::<Item>();
    assert!(item::read::<Session>(ItemKind::Session, without()).is_err());
}

/// The stream has what was written: tenant, event, and the flow if the item is one. Without an event it has nothing to project.
#[test]
fn a_stream_image_reads_back() {
    use crate::domain::delivery::Carrier;
    use crate::store::delivery::read_change;
    let image = |change: &Change| serde_dynamo::Item::from(puts(&planned(change))[0].item.clone());
    let change = read_change(image(&Change::begin_flow(flow()))).unwrap().unwrap();
    assert!(matches!(change.carrier, Carrier::Flow(carried) if *carried == flow()));
    assert_eq!((change.tenant, change.event.flow), (tenant(), Some(flow().id)));
    let change = read_change(image(&Change::open_session(session()))).unwrap().unwrap();
    assert!(matches!(change.carrier, Carrier::Other) && !change.event.is_new_device);
    assert_eq!(change.event.account, Some(account()));
    let change = read_change(image(&Change::open_session_on_new_device(session()))).unwrap().unwrap();
    assert!(matches!(change.carrier, Carrier::Session(id) if id == session().id) && change.event.is_new_device);
    assert!(read_change(image(&Change::touch_session(session()))).unwrap().is_none());
    let mut broken: Item = puts(&planned(&Change::begin_flow(flow())))[0].item.clone();
    broken.insert(PK.to_owned(), AttributeValue::S("no tenant".to_owned()));
    assert!(read_change(serde_dynamo::Item::from(broken)).is_err());
}

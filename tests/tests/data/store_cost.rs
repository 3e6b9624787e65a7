//! The exact cost of the reads and writes of each operation (`docs/cost.md`): requests, read units, write units, both by the
//! engine's `ReturnConsumedCapacity` and by our arithmetic. An unknown identifier costs the same as a known one, table by table
//! (security 71, 93).

use latchkey::domain::account::{AccountState, DataKeyState, WrappedDataKey};
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::consent::Consent;
use latchkey::domain::credential::PasswordCredential;
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::id::Sub;
use latchkey::domain::linked_identity::{LinkedIdentity, SubjectHash};
use latchkey::domain::session::Session;
use latchkey::domain::transfer::TransferredAccount;
use latchkey::store::grant::GrantQuery;
use latchkey_local::meter::Cost;
use tests::store::*;

/// Requests, read units, write units.
type Expected = (usize, f64, f64);

fn check(name: &str, cost: &Cost, expected: Expected) {
    assert_eq!((cost.requests, cost.engine.read, cost.engine.write), expected, "{name}, counted by the engine");
    assert_eq!((cost.requests, cost.own.read, cost.own.write), expected, "{name}, counted by our arithmetic");
}

/// A store with account 1, its session, consent and redeemed grant.
async fn prepared() -> Bench {
    let bench = Bench::new().await;
    bench.register(1).await;
    bench
        .prepare([
            Change::open_session(session(1, 1)),
            Change::record_consent(consent(1)),
            Change::issue_authorization_code(grant(1, 1)),
            Change::redeem_authorization_code(redeemed(&grant(1, 1))),
            Change::issue_authorization_code(grant(1, 2)),
        ])
        .await;
    bench
}

#[tokio::test]
async fn registration_costs_0_2_to_start_and_2_15_to_prove() {
    let bench = Bench::new().await;
    let begun = flow(1, 1, FlowPurpose::Registration);
    let start = Changes::one(Change::create_data_key(data_key(1))).then(Change::begin_flow(begun.clone()));
    bench.store.commit(&start, &request()).await.unwrap();
    check("registration, start", &bench.meter.take_cost(), (2, 0.0, 2.0));

    bench.store.find_flow(begun.id, begun.account).await.unwrap().unwrap();
    let count = tests::store::mail_start(identifier(1), NOW);
    let prove = Changes::one(count).then(Change::create_account(new_account(1, 1)));
    bench.store.commit(&prove, &request()).await.unwrap();
    check("registration, proof", &bench.meter.take_cost(), (3, 2.0, 15.0));
}

#[tokio::test]
async fn a_sign_in_costs_4_2_and_a_failed_one_4_1_known_or_not() {
    let bench = prepared().await;
    bench.store.find_sign_in(&identifier(1)).await.unwrap();
    let next = AccountState { version: 2, ..authentication(1) };
    let success = Changes::one(Change::record_sign_in(next.clone())).then(Change::open_session(session(1, 3)));
    bench.store.commit(&success, &request()).await.unwrap();
    check("password sign-in", &bench.meter.take_cost(), (4, 4.0, 2.0));

    bench.store.find_sign_in(&identifier(1)).await.unwrap();
    bench.commit(Change::count_failed_sign_in(AccountState { version: 3, ..next })).await.unwrap();
    let known = bench.meter.take();
    bench.store.find_sign_in(&identifier(2)).await.unwrap();
    bench.commit(Change::count_unknown_sign_in(unknown_failures(2))).await.unwrap();
    let unknown = bench.meter.take();
    for calls in [&known, &unknown] {
        let cost = calls.iter().fold((0, 0.0, 0.0), |(requests, read, write), call| {
            (requests + 1, read + call.engine.read, write + call.engine.write)
        });
        assert_eq!(cost, (3, 4.0, 1.0), "failed sign-in");
    }
    // A trace of the requests does not tell the two apart: same operations, tables and numbers of keys.
    let trace = |calls: &[latchkey_local::meter::Call]| -> Vec<_> {
        calls.iter().map(|call| (call.operation.clone(), call.tables.clone(), call.items)).collect()
    };
    assert_eq!(trace(&known), trace(&unknown), "security 71");
}

#[tokio::test]
async fn a_recovery_costs_the_same_for_an_unknown_address() {
    let bench = prepared().await;
    assert!(bench.store.find_recovery(&identifier(1)).await.unwrap().is_some());
    check("recovery, known", &bench.meter.take_cost(), (2, 3.0, 0.0));
    assert!(bench.store.find_recovery(&identifier(2)).await.unwrap().is_none());
    check("recovery, unknown", &bench.meter.take_cost(), (2, 3.0, 0.0));

    bench.commit(Change::begin_flow(flow(9, 9, FlowPurpose::Recovery))).await.unwrap();
    drop(bench.meter.take());
    let reset = Change::reset_password(
        Flow { state: FlowState::Completed, version: 2, ..flow(9, 9, FlowPurpose::Recovery) },
        AccountState { epoch: 2, version: 2, ..authentication(1) },
        PasswordCredential { version: 2, ..password(1) },
    );
    bench.commit(reset).await.unwrap();
    check("recovery, reset", &bench.meter.take_cost(), (1, 0.0, 6.0));
}

/// A change of one item is one conditional put: one unit, where a transaction of one item takes two.
#[tokio::test]
async fn an_ended_session_and_a_withdrawn_consent_without_grants_cost_one_unit() {
    let bench = prepared().await;
    let ended = Session { ended_at: Some(NOW), version: 2, ..session(1, 1) };
    bench.commit(Change::end_session_and_grants(ended, Vec::new())).await.unwrap();
    check("a session ended, no grant", &bench.meter.take_cost(), (1, 0.0, 1.0));
    let withdrawn = Consent { withdrawn_at: Some(NOW), version: 2, ..consent(1) };
    let change = Change::withdraw_consent(account(1), &client_id(), Some(withdrawn), Vec::new());
    bench.commit(change.expect("a consent")).await.unwrap();
    check("a consent withdrawn, no grant", &bench.meter.take_cost(), (1, 0.0, 1.0));
}

#[tokio::test]
async fn codes_and_tokens_have_their_documented_cost() {
    let bench = prepared().await;
    let (store, id) = (&bench.store, account(1));
    store.find_session(id, session(1, 1).id, Some(&client_id())).await.unwrap().unwrap();
    bench.commit(Change::issue_authorization_code(grant(1, 4))).await.unwrap();
    check("authorize with a session", &bench.meter.take_cost(), (2, 3.0, 1.0));

    let code = GrantQuery { account: id, grant: grant(1, 2).id, session: Some(session(1, 1).id), profile: false };
    store.find_grant(code).await.unwrap().unwrap();
    bench.commit(Change::redeem_authorization_code(redeemed(&grant(1, 2)))).await.unwrap();
    check("code → tokens", &bench.meter.take_cost(), (2, 3.0, 1.0));

    let offline = GrantQuery { session: None, grant: grant(1, 1).id, ..code };
    let found = store.find_grant(offline).await.unwrap().unwrap().grant;
    let rotated = latchkey::domain::oauth::grant::Grant { version: found.version + 1, ..found };
    bench.commit(Change::rotate_refresh_token(rotated)).await.unwrap();
    check("refresh", &bench.meter.take_cost(), (2, 2.0, 1.0));

    store.find_grant(offline).await.unwrap().unwrap();
    check("introspect", &bench.meter.take_cost(), (1, 2.0, 0.0));

    store.find_grant(GrantQuery { profile: true, ..offline }).await.unwrap().unwrap();
    check("userinfo", &bench.meter.take_cost(), (1, 4.0, 0.0));
}

/// The reads of `latchkey people export` for each user, and the cost of an import of its line.
#[tokio::test]
async fn an_export_of_a_user_takes_4_requests_and_an_import_3() {
    let bench = prepared().await;
    let page = bench.store.walk_accounts(None).await.unwrap();
    assert_eq!((page.found.len(), page.next.is_none()), (1, true));
    let walked = bench.meter.take_cost();
    assert_eq!((walked.requests, walked.engine.write), (1, 0.0), "one Scan, nothing written");
    let person = bench.store.find_person(account(1)).await.unwrap().unwrap();
    assert_eq!((person.consents.len(), person.terms.len(), person.password.is_some()), (1, 1, true));
    // Our arithmetic does not count items that a Query filters out.
    let read = bench.meter.take_cost();
    assert_eq!((read.requests, read.engine.read, read.engine.write), (4, 7.0, 0.0), "export of a person");

    let subject = SubjectHash(identifier(9));
    let existing_state =
        bench.store.find_existing_state(account(2), Sub::from_bytes([2; 16]), &identifier(2), &[subject], &[]).await.unwrap();
    assert!(existing_state.owner.is_none() && existing_state.account.is_none() && existing_state.subjects.is_empty());
    let profile = new_account(2, 2).profile;
    let link = LinkedIdentity { account: account(2), subject, named: profile.claims.clone(), linked_at: NOW };
    let moved = TransferredAccount {
        authentication: authentication(2),
        password: Some(password(2)),
        profile,
        links: vec![link],
        terms: new_account(2, 2).terms,
        consents: vec![consent(2)],
        totp: None,
        recovery_codes: None,
        passkeys: Vec::new(),
        data_key: WrappedDataKey { state: DataKeyState::Account, ..data_key(2) },
    };
    bench.commit(Change::move_account(moved)).await.unwrap();
    check("a move here", &bench.meter.take_cost(), (3, 4.0, 20.0));
    let existing_state = bench
        .store
        .find_existing_state(account(2), Sub::from_bytes([2; 16]), &authentication(2).identifier, &[subject], &[])
        .await
        .unwrap();
    assert_eq!(
        (existing_state.owner, existing_state.subjects.len(), existing_state.account.is_some()),
        (Some(account(2)), 1, true)
    );
    assert_eq!(bench.store.walk_accounts(None).await.unwrap().found.len(), 2);
    assert!(bench.store.walk_tombstones(None).await.unwrap().found.is_empty());
}

/// A write that fails its condition or exceeds its limit costs one unit. The store does not repeat it.
#[tokio::test]
async fn a_conflict_is_not_repeated() {
    let bench = prepared().await;
    bench.commit(Change::redeem_authorization_code(redeemed(&grant(1, 1)))).await.unwrap_err();
    assert_eq!(bench.meter.take_cost().requests, 1);
    bench.register(2).await;
    let mut taken = new_account(3, 3);
    taken.identifier = identifier(2);
    bench.commit(Change::create_account(taken)).await.unwrap_err();
    assert_eq!(bench.meter.take_cost().requests, 1);
}

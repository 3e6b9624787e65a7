//! The promises of the store under faults of the network and of DynamoDB (T4–T6; security 134–136).
//!
//! Each test checks how many faults it injected: a test without faults proves nothing.

use latchkey::context::RequestContext;
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::delivery::MailPurpose;
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::mail_limit::{NOTICES_A_DAY, NOTICES_AN_HOUR};
use latchkey::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use latchkey::domain::time::Span;
use latchkey::store::delivery::{Counted, Deferral};
use latchkey::store::grant::GrantQuery;
use latchkey::store::key::KeySlot;
use latchkey::store::keyring::KeyMaterial;
use latchkey::store::{CommitError, StoreError};
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::store::*;

fn count_try(n: u8) -> Change {
    tests::store::mail_start(identifier(n), NOW)
}

/// security 135: after a lost reply the SDK repeats the write, which fails its own condition. That is success, not a replay.
#[tokio::test]
async fn a_lost_reply_is_not_a_replay() {
    let bench = Bench::new().await;
    let code = grant(1, 1);
    let changes = [
        ("a put over nothing", Change::create_data_key(data_key(1))),
        ("a flow", Change::begin_flow(flow(1, 1, FlowPurpose::Registration))),
        ("a transaction", Change::create_account(new_account(1, 1))),
        ("a code", Change::issue_authorization_code(code.clone())),
        ("a put over a version", Change::redeem_authorization_code(redeemed(&code))),
        ("a counter", count_try(1)),
    ];
    for (name, change) in changes {
        bench.faults.clear();
        bench.faults.add(Calls::Writes, Trigger::Nth(1), Fault::TimeoutAfter);
        let before = bench.faults.injected();
        bench.commit(change).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(bench.faults.injected() - before, 1, "{name}");
    }
}

/// The stamp is unique for the request, the attempt and the change. The same content written by another request is a conflict.
#[tokio::test]
async fn only_the_same_write_is_recognized_as_a_repetition() {
    let bench = Bench::new().await;
    let first = request();
    let change = || Changes::one(Change::open_session(session(1, 1)));
    bench.store.commit(&change(), &first).await.unwrap();
    bench.store.commit(&change(), &first).await.unwrap();
    for other in [RequestContext { attempt: 2, ..first.clone() }, request()] {
        let result = bench.store.commit(&change(), &other).await;
        assert!(matches!(result, Err(CommitError::Conflict(_))), "{result:?}");
    }
    let second_in_line = Changes::one(Change::open_session(session(1, 2))).then(Change::open_session(session(1, 1)));
    let result = bench.store.commit(&second_in_line, &first).await;
    assert!(matches!(result, Err(CommitError::Conflict(_))), "{result:?}");
}

/// If one request writes one item twice, the two stamps differ by the version: the second is no repetition of the first.
#[tokio::test]
async fn a_second_write_of_a_request_is_not_a_repetition() {
    let bench = Bench::new().await;
    let one = request();
    bench.store.commit(&Changes::one(Change::issue_authorization_code(grant(1, 1))), &one).await.unwrap();
    let ahead = Grant { version: 3, ..redeemed(&grant(1, 1)) };
    let result = bench.store.commit(&Changes::one(Change::rotate_refresh_token(ahead)), &one).await;
    assert!(matches!(result, Err(CommitError::Conflict(_))), "{result:?}");
}

/// T4 at a transaction: it is applied, the reply is lost, and the token has expired (10 minutes later). Conditions and stamps
/// still hold.
#[tokio::test]
async fn a_transaction_sent_again_after_its_token_expired_is_recognized() {
    let bench = Bench::new().await;
    bench.commit(Change::create_data_key(data_key(1))).await.unwrap();
    bench.commit(Change::begin_flow(flow(1, 1, FlowPurpose::Registration))).await.unwrap();
    let request = request();
    let create = Changes::one(Change::create_account(new_account(1, 1)));
    bench.store.commit(&create, &request).await.unwrap();
    // AUTHN changes, so that not every item of the transaction still has its stamp.
    let next = latchkey::domain::account::AccountState { version: 2, ..authentication(1) };
    bench.commit(Change::record_sign_in(next)).await.unwrap();
    bench.store.commit(&create, &request).await.unwrap();
}

/// security 134, T6: contention says nothing about the state. The store retries, and then reports "unavailable", never a conflict.
#[tokio::test]
async fn contention_is_never_a_conflict() {
    let change = || {
        [
            Change::create_data_key(data_key(1)),
            Change::begin_flow(flow(1, 1, FlowPurpose::Registration)),
            count_try(1),
            Change::create_account(new_account(1, 1)),
        ]
    };
    let bench = Bench::new().await;
    for change in change() {
        bench.faults.clear();
        bench.faults.add(Calls::Writes, Trigger::Nth(1), Fault::Conflict);
        bench.faults.add(Calls::Writes, Trigger::Nth(2), Fault::Conflict);
        bench.commit(change).await.unwrap();
    }
    assert_eq!(bench.faults.injected(), 8);

    let bench = Bench::new().await;
    for change in change() {
        bench.faults.clear();
        bench.faults.add(Calls::Writes, Trigger::Always, Fault::Conflict);
        let result = bench.commit(change.clone()).await;
        assert!(matches!(result, Err(CommitError::Store(StoreError::Unavailable(_)))), "{result:?}");
        bench.faults.clear();
        bench.commit(change).await.unwrap();
    }
}

/// T6 at p = 0.5: each of many writes is done once, is recognized as done, or is unavailable. None is a conflict.
#[tokio::test]
async fn no_write_is_misclassified_under_contention() {
    let bench = Bench::new().await;
    bench.faults.add(Calls::Writes, Trigger::Chance(0.5), Fault::Conflict);
    let (mut done, mut unavailable) = (0, 0);
    for n in 0..=255 {
        match bench.commit(Change::open_session(session(1, n))).await {
            Ok(()) => done += 1,
            Err(CommitError::Store(StoreError::Unavailable(_))) => unavailable += 1,
            other => panic!("misclassified: {other:?}"),
        }
    }
    assert!(bench.faults.injected() > 100 && done > 200, "{done} done, {unavailable} unavailable");
}

/// T5: while DynamoDB is throttled or down, the store is unavailable (503 for the caller) and nothing is half done. Afterwards
/// it works.
#[tokio::test]
async fn a_store_that_does_not_answer_is_unavailable() {
    for fault in [Fault::Throttle, Fault::Internal, Fault::TimeoutBefore] {
        let bench = Bench::new().await;
        bench.register(1).await;
        bench.faults.add(Calls::Any, Trigger::Always, fault);
        let write = bench.commit(Change::open_session(session(1, 1))).await;
        assert!(matches!(write, Err(CommitError::Store(StoreError::Unavailable(_)))), "{fault:?}: {write:?}");
        let read = bench.store.find_sign_in(&identifier(1)).await;
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{fault:?}: {read:?}");
        bench.faults.clear();
        bench.commit(Change::open_session(session(1, 1))).await.unwrap();
    }
}

/// security 136: unprocessed keys of a batch are requested again until all are there. If they never come, the store is unavailable.
/// It never reports them as absent.
#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let bench = Bench::new().await;
    bench.register(1).await;
    bench.commit(Change::open_session(session(1, 1))).await.unwrap();
    bench.commit(Change::issue_authorization_code(grant(1, 1))).await.unwrap();
    let query = GrantQuery { account: account(1), grant: grant(1, 1).id, session: Some(session(1, 1).id), profile: true };
    for n in 1..=2 {
        bench.faults.clear();
        bench.faults.add(Calls::Named("BatchGetItem"), Trigger::Nth(1), Fault::Partial);
        bench.faults.add(Calls::Named("BatchGetItem"), Trigger::Nth(n), Fault::Partial);
        let found = bench.store.find_grant(query).await.unwrap().unwrap();
        assert!(found.session.is_some() && found.profile.is_some() && found.data_key.is_some());
    }
    assert!(bench.faults.injected() >= 3);
    bench.faults.clear();
    bench.faults.add(Calls::Named("BatchGetItem"), Trigger::Always, Fault::Partial);
    let found = bench.store.find_grant(query).await;
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
}

/// T26: of concurrent tries, exactly the 20 of the day are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_counter_lets_exactly_its_limit_through() {
    let bench = Bench::new().await;
    bench.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::Slow(std::time::Duration::from_millis(2)));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.commit(&Changes::one(count_try(1)), &request()).await })
        })
        .collect();
    let (mut counted, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => counted += 1,
            Err(CommitError::LimitReached) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((counted, refused), (20, 44));
    // The next day and another identifier have their own tries.
    let tomorrow = tests::store::mail_start(identifier(1), NOW + Span::days(1));
    bench.commit(tomorrow).await.unwrap();
    bench.commit(count_try(2)).await.unwrap();
}

/// A request counts one try, however often it decides.
#[tokio::test]
async fn a_request_counts_one_try_however_often_it_decides() {
    let bench = Bench::new().await;
    let one = request();
    for attempt in 1..=3 {
        let context = RequestContext { attempt, ..one.clone() };
        bench.store.commit(&Changes::one(count_try(1)), &context).await.unwrap();
    }
    for _ in 0..19 {
        bench.commit(count_try(1)).await.unwrap();
    }
    assert!(matches!(bench.commit(count_try(1)).await, Err(CommitError::LimitReached)));
}

/// security 105, T1: of 64 registrations that verify one address at once, one gets it, also with lost replies.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_gets_the_address() {
    let bench = Bench::new().await;
    for n in 1..=64 {
        bench.commit(Change::create_data_key(data_key(n))).await.unwrap();
        bench.commit(Change::begin_flow(flow(n, n, FlowPurpose::Registration))).await.unwrap();
    }
    bench.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::TimeoutAfter);
    bench.faults.add(Calls::Writes, Trigger::Chance(0.3), Fault::Conflict);
    let tasks: Vec<_> = (1..=64)
        .map(|n| {
            let store = bench.store.clone();
            tokio::spawn(async move {
                let mut new = new_account(n, n);
                new.identifier = identifier(200);
                (n, store.commit(&Changes::one(Change::create_account(new)), &request()).await)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (n, Ok(())) => winners.push(account(n)),
            (_, Err(CommitError::Conflict(_) | CommitError::Store(StoreError::Unavailable(_)))) => {}
            (_, other) => panic!("{other:?}"),
        }
    }
    assert!(bench.faults.injected() > 10);
    bench.faults.clear();
    let owner = bench.store.find_account(&identifier(200)).await.unwrap();
    // An attempt that lost all its replies reports "unavailable" although it was written. Then no caller saw a success.
    assert!(winners.len() <= 1, "{winners:?}");
    assert!(winners.iter().all(|winner| Some(*winner) == owner), "{winners:?} {owner:?}");
    let mut accounts = 0;
    for n in 1..=64 {
        accounts += usize::from(bench.store.find_profile(account(n)).await.unwrap().is_some());
    }
    assert_eq!(accounts, usize::from(owner.is_some()), "no half-made account");
    assert_eq!(accounts, 1);
}

/// security 22, 32: of 64 concurrent redemptions of one code, one succeeds. All others see a revocation in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_redeems_the_code() {
    let bench = Bench::new().await;
    bench.register(1).await;
    bench.commit(Change::issue_authorization_code(grant(1, 1))).await.unwrap();
    // Few enough faults that no write loses all three replies. Such a write would correctly report "unavailable".
    for call in [1, 9, 30] {
        bench.faults.add(Calls::Writes, Trigger::Nth(call), Fault::TimeoutAfter);
    }
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = bench.store.clone();
            let mut next = redeemed(&grant(1, 1));
            if n % 2 == 1 {
                next.state = GrantState::Revoked { at: NOW, reason: RevocationReason::ClientRequest };
            }
            tokio::spawn(async move { store.commit(&Changes::one(Change::redeem_authorization_code(next)), &request()).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => done += 1,
            Err(CommitError::Conflict(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done, 1);
}

/// 200 concurrent starts make one key: the others find the slot claimed and wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_claims_a_key_slot() {
    let bench = Bench::new().await;
    let slot = KeySlot::Keyring { purpose: latchkey::purpose::Purpose::Data, version: 1 };
    // Few enough faults that no write loses all three replies. Such a write would correctly report "unavailable".
    for call in [1, 9, 30] {
        bench.faults.add(Calls::Writes, Trigger::Nth(call), Fault::TimeoutAfter);
    }
    let lease = Span::seconds(10);
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.claim_key(slot, &format!("holder-{n}"), NOW, lease).await.unwrap().then_some(n) })
        })
        .collect();
    let mut holders = Vec::new();
    for task in tasks {
        holders.extend(task.await.unwrap());
    }
    let [holder] = holders[..] else { panic!("{holders:?}") };
    bench.faults.clear();
    let store = &bench.store;
    let (first, second) = (format!("holder-{holder}"), "another");
    let key = |byte| KeyMaterial {
        wrapped: vec![byte; 40],
        public_jwk: None,
        created_at: NOW,
        active_from: NOW,
        kms_key: None,
        successor_ordered_at: None,
        dropped_at: None,
    };
    assert!(!store.complete_key(slot, second, key(2)).await.unwrap(), "only the holder completes");
    assert!(!store.claim_key(slot, second, NOW + Span::seconds(9), lease).await.unwrap(), "the lease holds");
    assert!(store.claim_key(slot, second, NOW + lease, lease).await.unwrap(), "the lease has expired");
    assert!(!store.complete_key(slot, &first, key(1)).await.unwrap(), "the late holder must use the other's key");
    bench.faults.add(Calls::Writes, Trigger::Nth(1), Fault::TimeoutAfter);
    assert!(store.complete_key(slot, second, key(2)).await.unwrap(), "a lost reply is not a loss");
    assert!(!store.complete_key(slot, second, key(3)).await.unwrap(), "a key is written once");
    assert!(!store.claim_key(slot, second, NOW + Span::days(900), lease).await.unwrap(), "a key is never claimed again");
    let keys = store.find_keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].state, latchkey::store::keyring::StoredKeyState::Ready(key(2)));
    assert!(bench.all.tenant("other".parse().unwrap()).find_keys().await.unwrap().is_empty());
}

/// security 116: notices are limited by kind and recipient, over all events. One event counts once, however often it is delivered.
#[tokio::test]
async fn notices_are_counted_by_recipient_and_kind_and_one_of_them_waits() {
    const NOTICE: MailPurpose = MailPurpose::PasswordChanged;
    let bench = Bench::new().await;
    let count = |n: u8, purpose, event: String, now| {
        let store = bench.store.clone();
        async move { store.count_mail(&identifier(n), purpose, &event, now).await.unwrap() }
    };
    let (mut sent, mut hour, mut refused) = (0, 0, Vec::new());
    for minute in 0..240 {
        let now = NOW + Span::minutes(minute);
        let event = format!("event-{minute}");
        let first = count(1, NOTICE, event.clone(), now).await;
        assert_eq!(count(1, NOTICE, event, now).await, first, "a redelivery is answered alike");
        sent += u32::from(first == Counted::ToSend);
        hour = if minute < 20 { sent } else { hour };
        if let Counted::LimitReached { until } = first {
            assert!(until > now && until <= now + Span::days(1), "within a day");
            refused.push((now, until));
        }
    }
    assert_eq!((hour, sent), (NOTICES_AN_HOUR, NOTICES_A_DAY));
    assert!(refused[0].1 <= refused[0].0 + Span::hours(1), "the next hour");
    assert_eq!(refused.last().unwrap().1.millis() % Span::days(1).as_millis(), 0, "the next day");
    for (n, purpose, event, now) in [
        (1, MailPurpose::AccountRestored, "other kind", NOW),
        (2, NOTICE, "other recipient", NOW),
        (1, NOTICE, "next day", NOW + Span::days(1)),
    ] {
        assert_eq!(count(n, purpose, event.to_owned(), now).await, Counted::ToSend, "{event}");
    }
    // One waits, and the others are merged into it. Once it is counted, another can wait.
    let store = &bench.store;
    for (event, expected) in [("first", Deferral::Waits), ("first", Deferral::Waits), ("second", Deferral::Merged)] {
        assert_eq!(store.defer_mail(&identifier(1), NOTICE, event, NOW).await.unwrap(), expected, "{event}");
    }
    assert_eq!(store.count_deferred(&identifier(1), NOTICE, "first", NOW).await.unwrap(), Counted::ToSend);
    store.note_mail_sent(&identifier(1), NOTICE, "first", NOW).await.unwrap();
    assert_eq!(store.count_deferred(&identifier(1), NOTICE, "first", NOW).await.unwrap(), Counted::Sent);
    assert_eq!(store.defer_mail(&identifier(1), NOTICE, "third", NOW).await.unwrap(), Deferral::Waits);

    bench.store.note_mail_sent(&identifier(2), NOTICE, "other recipient", NOW).await.unwrap();
    assert_eq!(count(2, NOTICE, "other recipient".to_owned(), NOW).await, Counted::Sent);
    let uncounted = bench.store.note_mail_sent(&identifier(3), NOTICE, "never counted", NOW).await;
    assert!(uncounted.is_err(), "only a counted mail is marked as sent");
}

/// Mails without which a user cannot finish or recover are counted and have no limit.
#[tokio::test]
async fn a_mail_that_is_the_only_way_has_no_limit() {
    let bench = Bench::new().await;
    for purpose in [MailPurpose::Registration, MailPurpose::Recovery, MailPurpose::WayBack] {
        for n in 0..50 {
            let counted = bench.store.count_mail(&identifier(1), purpose, &format!("event-{n}"), NOW).await.unwrap();
            assert_eq!(counted, Counted::ToSend, "{purpose:?} {n}");
        }
    }
}

/// The tries of a flow are versioned: of 64 concurrent wrong codes, each counted one is counted separately.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_wrong_codes_are_counted_one_by_one() {
    let bench = Bench::new().await;
    bench.commit(Change::begin_flow(flow(1, 1, FlowPurpose::Registration))).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move {
                let begun = flow(1, 1, FlowPurpose::Registration);
                let found = store.find_flow(begun.id, begun.account).await.unwrap().unwrap().flow;
                let next = Flow { tries: found.tries + 1, version: found.version + 1, state: FlowState::Open, ..found };
                store.commit(&Changes::one(Change::count_flow_try(next)), &request()).await
            })
        })
        .collect();
    let mut counted = 0;
    for task in tasks {
        counted += u8::from(task.await.unwrap().is_ok());
    }
    let begun = flow(1, 1, FlowPurpose::Registration);
    let found = bench.store.find_flow(begun.id, begun.account).await.unwrap().unwrap().flow;
    assert_eq!(found.tries, counted);
    assert!(counted >= 1);
}

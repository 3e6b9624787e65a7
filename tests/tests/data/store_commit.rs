//! The promise of each change: it is written once, only over the state that it was decided on, and reads back unchanged.

use latchkey::domain::account::{AccountState, DataKeyState};
use latchkey::domain::change::{Change, Changes, Decision};
use latchkey::domain::consent::Consent;
use latchkey::domain::credential::PasswordCredential;
use latchkey::domain::delivery::MailPurpose;
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::id::{FlowId, Jti, SessionId, TenantId};
use latchkey::domain::mail_limit::{CodeLimit, SHORT_CODES_A_DAY};
use latchkey::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use latchkey::domain::session::Session;
use latchkey::domain::time::Span;
use latchkey::purpose::Purpose;
use latchkey::store::account::SignInSnapshot;
use latchkey::store::grant::GrantQuery;
use latchkey::store::key::KeySlot;
use latchkey::store::keyring::KeyMaterial;
use latchkey::store::{CommitError, Conflict, DecideError, MAX_ATTEMPTS, StoreError};
use std::sync::atomic::{AtomicU32, Ordering};
use tests::store::*;

/// Every change, with its preconditions.
fn every_change() -> Vec<(&'static str, Vec<Change>, Change)> {
    let begun = || vec![Change::begin_flow(flow(1, 1, FlowPurpose::Registration))];
    let next_flow =
        |state, tries, generation| Flow { state, tries, generation, version: 2, ..flow(1, 1, FlowPurpose::Registration) };
    let pending = || vec![Change::create_data_key(data_key(1)), begun().remove(0)];
    let created = || [pending(), vec![Change::create_account(new_account(1, 1))]].concat();
    let next = || AccountState { version: 2, ..authentication(1) };
    let opened = || vec![Change::open_session(session(1, 1))];
    let used = || Session { last_used_at: NOW + Span::hours(1), version: 2, ..session(1, 1) };
    let issued = || vec![Change::issue_authorization_code(grant(1, 1))];
    let redeemed_before = || [issued(), vec![Change::redeem_authorization_code(redeemed(&grant(1, 1)))]].concat();
    let third = || Grant { version: 3, ..redeemed(&grant(1, 1)) };
    let revoked =
        || Grant { state: GrantState::Revoked { at: NOW, reason: RevocationReason::CodeReplayed }, version: 2, ..grant(1, 1) };
    let recovery = || [created(), vec![Change::begin_flow(flow(9, 9, FlowPurpose::Recovery))]].concat();
    let expires_at = NOW + Span::minutes(10);
    vec![
        ("CreateDataKey", vec![], Change::create_data_key(data_key(1))),
        ("BeginFlow", vec![], begun().remove(0)),
        ("CountFlowTry", begun(), Change::count_flow_try(next_flow(FlowState::Open, 1, 1))),
        ("ResendCode", begun(), Change::resend_code(next_flow(FlowState::Open, 0, 2))),
        ("DisownFlow", begun(), Change::disown_flow(next_flow(FlowState::Ended, 0, 1))),
        ("CreateAccount", pending(), Change::create_account(new_account(1, 1))),
        ("CountFailedSignIn", created(), Change::count_failed_sign_in(next())),
        ("CountUnknownSignIn", vec![], Change::count_unknown_sign_in(unknown_failures(1))),
        ("RecordSignIn", created(), Change::record_sign_in(next())),
        ("OpenSession", vec![], opened().remove(0)),
        ("TouchSession", opened(), Change::touch_session(used())),
        ("EndSession", opened(), Change::end_session(Session { ended_at: Some(NOW), ..used() })),
        ("Rehash", created(), Change::rehash(PasswordCredential { version: 2, ..password(1) })),
        (
            "ResetPassword",
            recovery(),
            Change::reset_password(
                Flow { state: FlowState::Completed, version: 2, ..flow(9, 9, FlowPurpose::Recovery) },
                AccountState { epoch: 2, ..next() },
                PasswordCredential { version: 2, ..password(1) },
            ),
        ),
        ("RecordConsent", vec![], Change::record_consent(consent(1))),
        (
            "RecordConsent again",
            vec![Change::record_consent(consent(1))],
            Change::record_consent(Consent { version: 2, ..consent(1) }),
        ),
        ("IssueAuthorizationCode", vec![], issued().remove(0)),
        ("RedeemAuthorizationCode", issued(), Change::redeem_authorization_code(redeemed(&grant(1, 1)))),
        ("RotateRefreshToken", redeemed_before(), Change::rotate_refresh_token(third())),
        ("RevokeGrant", issued(), Change::revoke_grant(revoked())),
        ("RevokeAccessToken", redeemed_before(), Change::revoke_access_token(third())),
        ("RevokeGrantlessToken", vec![], Change::revoke_grantless_token(Jti::from_bytes([1; 16]), client_id(), expires_at)),
        (
            "StoreAuthorizationRequest",
            vec![],
            Change::store_authorization_request(FlowId::from_bytes([4; 16]), "a=b".to_owned(), expires_at),
        ),
    ]
}

#[tokio::test]
async fn a_change_is_written_once_over_the_state_it_was_decided_on() {
    for (name, before, change) in every_change() {
        let bench = Bench::new().await;
        for change in before {
            bench.commit(change).await.unwrap_or_else(|error| panic!("precondition of {name}: {error:?}"));
        }
        bench.commit(change.clone()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let again = bench.commit(change).await;
        assert!(matches!(again, Err(CommitError::Conflict(Conflict { change: 0 }))), "{name}: {again:?}");
    }
}

/// A state of version n is written only over version n-1.
#[tokio::test]
async fn a_later_version_needs_the_one_before_it() {
    for (name, before, change) in every_change() {
        if before.is_empty() {
            continue;
        }
        let bench = Bench::new().await;
        let result = bench.commit(change).await;
        assert!(matches!(result, Err(CommitError::Conflict(_))), "{name}: {result:?}");
    }
}

#[tokio::test]
async fn a_transaction_is_refused_as_a_whole_if_one_condition_fails() {
    let new = || new_account(1, 1);
    let before = || vec![Change::create_data_key(data_key(1)), Change::begin_flow(flow(1, 1, FlowPurpose::Registration))];
    let other_owner = || {
        let mut other = new_account(2, 2);
        other.identifier = identifier(1);
        let begin = Change::begin_flow(flow(2, 2, FlowPurpose::Registration));
        vec![Change::create_data_key(data_key(2)), begin, Change::create_account(other)]
    };
    let mut stranger_key = new();
    stranger_key.data_key.wrapped = vec![0; 60];
    let mut stale_flow = new();
    stale_flow.flow.version = 3;
    let table = [
        ("the identifier has an owner (security 105)", [before(), other_owner()].concat(), new()),
        ("the flow moved on", before(), stale_flow),
        ("the data key is not the registration's", before(), stranger_key),
        ("there is no data key", before().split_off(1), new()),
    ];
    for (name, before, new) in table {
        let bench = Bench::new().await;
        for change in before {
            bench.commit(change).await.unwrap_or_else(|error| panic!("precondition of {name}: {error:?}"));
        }
        let result = bench.commit(Change::create_account(new)).await;
        assert!(matches!(result, Err(CommitError::Conflict(_))), "{name}: {result:?}");
        let query = GrantQuery { account: account(1), grant: grant(1, 1).id, session: None, profile: true };
        assert!(bench.store.find_profile(query.account).await.unwrap().is_none(), "{name}: no item is written");
    }
}

#[tokio::test]
async fn a_written_state_reads_back_unchanged() {
    let bench = Bench::new().await;
    let pending = flow(1, 1, FlowPurpose::Registration);
    bench.commit(Change::create_data_key(data_key(1))).await.unwrap();
    bench.commit(Change::begin_flow(pending.clone())).await.unwrap();
    let found = bench.store.find_flow(pending.id, pending.account).await.unwrap().unwrap();
    assert_eq!((found.flow, found.data_key), (pending.clone(), Some(data_key(1))));
    assert!(bench.store.find_flow(pending.id, account(2)).await.unwrap().is_none(), "another account's locator");

    bench.commit(Change::create_account(new_account(1, 1))).await.unwrap();
    assert_eq!(bench.store.find_account(&identifier(1)).await.unwrap(), Some(account(1)));
    match bench.store.find_sign_in(&identifier(1)).await.unwrap() {
        SignInSnapshot::Known { authentication: a, password: p, data_key } => {
            assert_eq!((*a, p), (authentication(1), Some(password(1))));
            assert_eq!(data_key.state, DataKeyState::Account);
        }
        SignInSnapshot::Unknown { .. } => panic!("the identifier is known"),
    }
    let recovery = bench.store.find_recovery(&identifier(1)).await.unwrap().unwrap();
    assert_eq!((recovery.authentication, recovery.password), (authentication(1), Some(password(1))));
    assert!(bench.store.find_recovery(&identifier(2)).await.unwrap().is_none());
    let profile = bench.store.find_profile(account(1)).await.unwrap().unwrap();
    assert_eq!(profile.profile, new_account(1, 1).profile);

    bench.commit(Change::count_unknown_sign_in(unknown_failures(2))).await.unwrap();
    match bench.store.find_sign_in(&identifier(2)).await.unwrap() {
        SignInSnapshot::Unknown { failures } => assert_eq!(failures, Some(unknown_failures(2))),
        SignInSnapshot::Known { .. } => panic!("the identifier is unknown"),
    }

    bench.commit(Change::open_session(session(1, 1))).await.unwrap();
    bench.commit(Change::record_consent(consent(1))).await.unwrap();
    let found = bench.store.find_session(account(1), session(1, 1).id, Some(&client_id())).await.unwrap().unwrap();
    assert_eq!((found.session, found.consent), (session(1, 1), Some(consent(1))));
    assert!(bench.store.find_session(account(1), SessionId::from_bytes([2; 16]), None).await.unwrap().is_none());

    let code = grant(1, 1);
    bench.commit(Change::issue_authorization_code(code.clone())).await.unwrap();
    bench.commit(Change::redeem_authorization_code(redeemed(&code))).await.unwrap();
    let query = GrantQuery { account: account(1), grant: code.id, session: Some(code.sid), profile: true };
    let found = bench.store.find_grant(query).await.unwrap().unwrap();
    assert_eq!(found.grant, redeemed(&code));
    assert_eq!(found.session, Some(session(1, 1)));
    assert!(found.profile.is_some() && found.data_key.is_some());
    let narrow = bench.store.find_grant(GrantQuery { session: None, profile: false, ..query }).await.unwrap().unwrap();
    assert!(narrow.session.is_none() && narrow.profile.is_none() && narrow.data_key.is_none());

    let (jti, expires_at) = (Jti::from_bytes([1; 16]), NOW + Span::minutes(10));
    assert!(!bench.store.find_revoked_jti(jti).await.unwrap());
    bench.commit(Change::revoke_grantless_token(jti, client_id(), expires_at)).await.unwrap();
    assert!(bench.store.find_revoked_jti(jti).await.unwrap());

    let id = FlowId::from_bytes([4; 16]);
    bench.commit(Change::store_authorization_request(id, "a=b".to_owned(), expires_at)).await.unwrap();
    assert_eq!(
        bench.store.find_authorization_request(id, NOW).await.unwrap().and_then(|request| request.sealed).as_deref(),
        Some("a=b")
    );
    assert_eq!(bench.store.find_authorization_request(id, expires_at).await.unwrap(), None, "security 131");
}

#[tokio::test]
async fn a_tenant_does_not_see_items_of_another_tenant() {
    let bench = Bench::new().await;
    bench.register(1).await;
    let other = bench.all.tenant("other".parse::<TenantId>().unwrap());
    assert_eq!(other.find_account(&identifier(1)).await.unwrap(), None);
    assert!(other.find_profile(account(1)).await.unwrap().is_none());
    // The same address may have an account there too.
    for change in [
        Change::create_data_key(data_key(1)),
        Change::begin_flow(flow(1, 1, FlowPurpose::Registration)),
        Change::create_account(new_account(1, 1)),
    ] {
        other.commit(&Changes::one(change), &request()).await.unwrap();
    }
}

#[tokio::test]
async fn changes_are_committed_in_order_and_a_conflict_says_which() {
    let bench = Bench::new().await;
    let changes = Changes::one(Change::open_session(session(1, 1)))
        .then(Change::touch_session(Session { version: 3, ..session(1, 1) }))
        .then(Change::open_session(session(1, 2)));
    let result = bench.store.commit(&changes, &request()).await;
    assert!(matches!(result, Err(CommitError::Conflict(Conflict { change: 1 }))), "{result:?}");
    bench.register(1).await;
    assert!(bench.store.find_session(account(1), session(1, 1).id, None).await.unwrap().is_some());
    assert!(bench.store.find_session(account(1), session(1, 2).id, None).await.unwrap().is_none());
}

/// Load, decide, commit, and again after a conflict: the second decision sees the changed state.
#[tokio::test]
async fn a_conflict_is_decided_again_on_the_stored_state() {
    let bench = Bench::new().await;
    bench.prepare([Change::open_session(session(1, 1)), Change::record_sign_in(authentication(1))]).await;
    let attempts = AtomicU32::new(0);
    let one = request();
    let decided = bench.store.decide(&one, || async {
        let attempt = attempts.fetch_add(1, Ordering::Relaxed);
        let found = bench.store.find_session(account(1), session(1, 1).id, None).await?;
        let found = found.map_or_else(|| session(1, 1), |found| found.session);
        if attempt == 0 {
            // Another request is faster.
            let used = Session { version: found.version + 1, ..found.clone() };
            bench.commit(Change::touch_session(used)).await.ok();
        }
        let ended = Session { version: found.version + 1, ended_at: Some(NOW), ..found };
        Ok::<_, StoreError>(Decision::one(Change::end_session(ended.clone()), ended.version))
    });
    assert_eq!(decided.await.unwrap(), 3);
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    let found = bench.store.find_session(account(1), session(1, 1).id, None).await.unwrap().unwrap();
    assert_eq!((found.session.version, found.session.ended_at), (3, Some(NOW)));
}

#[tokio::test]
async fn a_request_that_always_conflicts_is_unavailable() {
    let bench = Bench::new().await;
    bench.prepare([Change::open_session(session(1, 1))]).await;
    let attempts = AtomicU32::new(0);
    let one = request();
    let outcome = bench.store.decide(&one, || async {
        attempts.fetch_add(1, Ordering::Relaxed);
        Ok::<_, StoreError>(Decision::one(Change::open_session(session(1, 1)), "never returned"))
    });
    assert!(matches!(outcome.await, Err(DecideError::Busy)));
    assert_eq!(attempts.load(Ordering::Relaxed), MAX_ATTEMPTS);
}

/// A counter at its limit is not decided again: a reload would change nothing.
#[tokio::test]
async fn a_full_counter_ends_the_request() {
    let bench = Bench::new().await;
    let count = || Change::count_code(CodeLimit::Short, MailPurpose::Registration, identifier(1), NOW);
    for _ in 0..SHORT_CODES_A_DAY {
        bench.commit(count()).await.unwrap();
    }
    let attempts = AtomicU32::new(0);
    let one = request();
    let outcome = bench.store.decide(&one, || async {
        attempts.fetch_add(1, Ordering::Relaxed);
        let changes = Changes::one(count()).then(Change::open_session(session(1, 1)));
        Ok::<_, StoreError>(Decision { changes, outcome: "never returned" })
    });
    assert!(matches!(outcome.await, Err(DecideError::LimitReached)));
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    // The changes after the counter are not written.
    bench.commit(Change::open_session(session(1, 1))).await.unwrap();
}

/// security 136: a Query returns 1 MB at a time. The store reads all pages.
#[tokio::test]
async fn keys_are_read_to_the_last_page() {
    let bench = Bench::new().await;
    for version in 1..=5 {
        let slot = KeySlot::Keyring { purpose: Purpose::Locator, version };
        let key = KeyMaterial {
            wrapped: vec![1; 300_000],
            public_jwk: None,
            created_at: NOW,
            active_from: NOW,
            kms_key: None,
            successor_ordered_at: None,
            dropped_at: None,
        };
        assert!(bench.store.claim_key(slot, "holder", NOW, Span::seconds(10)).await.unwrap());
        assert!(bench.store.complete_key(slot, "holder", key).await.unwrap());
    }
    drop(bench.meter.take());
    let versions: Vec<_> = bench.store.find_keys().await.unwrap().into_iter().map(|key| key.slot).collect();
    assert_eq!(versions, (1..=5).map(|version| KeySlot::Keyring { purpose: Purpose::Locator, version }).collect::<Vec<_>>());
    assert!(bench.meter.take_cost().requests > 1, "one page proves nothing");
}

#[tokio::test]
async fn existing_tables_are_not_changed() {
    let bench = Bench::new().await;
    bench.register(1).await;
    bench.all.create_tables().await.unwrap();
    assert_eq!(bench.store.find_account(&identifier(1)).await.unwrap(), Some(account(1)));
}

/// security 136: a transaction holds at most 100 items. A larger one is refused before anything is sent. If a session ends more
/// items, the decision puts them into further transactions.
#[tokio::test]
async fn a_transaction_is_never_larger_than_the_store_allows() {
    let bench = Bench::new().await;
    let ending = |grants: u8| {
        Change::end_session_and_grants(
            Session { ended_at: Some(NOW), version: 2, ..session(1, 1) },
            (1..=grants).map(|n| redeemed(&grant(1, n))).collect(),
        )
    };
    bench.prepare([Change::open_session(session(1, 1))]).await;
    bench.prepare((1..=100).map(|n| Change::issue_authorization_code(grant(1, n)))).await;
    let refused = bench.commit(ending(100)).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Refused(_)))), "{refused:?}");
    assert!(bench.meter.take().is_empty(), "no request was sent");
    bench.commit(ending(99)).await.unwrap();
    assert_eq!(bench.meter.take()[0].items, 100);
}

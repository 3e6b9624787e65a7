//! A failing pool: no failure is counted, no account is locked, and the circuit breaker limits the calls.

use crate::cognito::recovery::recover;
use crate::cognito::{failures, is_known, is_signed_in, pool_and_world, try_password, user};
use http::StatusCode;
use latchkey::domain::time::Span;
use serde_json::json;
use std::time::Instant;
use tests::user_pool::Mode;
use tests::{AccountClient, Browser, Customer, Site, invariants};

#[tokio::test]
async fn a_pool_failure_is_not_counted_and_the_next_try_works() {
    for mode in [Mode::Down, Mode::Mute, Mode::Throttled, Mode::Broken, Mode::Locked, Mode::Forbidden] {
        let (pool, world, customer) = pool_and_world("Ada", "").await;
        pool.set(mode);
        for password in [&*customer.password, "not the 9 right one"] {
            let page = try_password(&mut Browser::new(&world), &customer.email, password).await;
            assert_eq!(page.status(), 503, "{mode:?}: {}", page.text());
            assert!(page.header("retry-after").is_some() && page.text().contains("just now"), "{mode:?}");
            // Called once: the pool counts failures of its own.
            assert_eq!(pool.take_call_count("AdminInitiateAuth"), 1, "{mode:?}");
            assert_eq!(failures(&world, &customer.email).await, 0, "{mode:?}");
        }
        pool.set(Mode::Up);
        assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await), "{mode:?}");
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

/// Failures from before an outage still count after it.
#[tokio::test]
async fn an_outage_does_not_reset_the_failure_count() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for _ in 0..3 {
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
    }
    pool.set(Mode::Throttled);
    try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failures(&world, &customer.email).await, 3);
}

/// The quota of the pool is shared with its other clients: after several failures in a row it is not called. Accounts here are
/// not affected.
#[tokio::test]
async fn a_failing_pool_is_not_called_and_accounts_here_sign_in() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    pool.set(Mode::Throttled);
    let begun = Instant::now();
    for _ in 0..20 {
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        assert_eq!(page.status(), 503);
    }
    // Each pause lasts at least two seconds of the machine's clock, and ends with one call.
    let pauses = usize::try_from(begun.elapsed().as_secs() / 2).expect("a small number");
    let calls = pool.take_call_count("AdminInitiateAuth");
    assert!((5..=5 + pauses).contains(&calls), "{calls} calls, at most {pauses} pauses: then the pool is not called");
    assert_eq!(failures(&world, &customer.email).await, 0);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &here.email, &here.password).await));
}

/// A lock in the pool affects one account only.
#[tokio::test]
async fn an_account_locked_by_the_pool_does_not_lock_others() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let mut browsers = Browser::new(&world);
    pool.set(Mode::Locked);
    for _ in 0..20 {
        let page = try_password(&mut browsers, "victim@example.com", "not the 9 right one").await;
        assert_eq!(page.status(), 503);
    }
    pool.set(Mode::Up);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
}

/// Expired failures do not come back with an outage (security 112).
#[tokio::test]
async fn an_outage_does_not_restore_expired_failures() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for _ in 0..5 {
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
    }
    world.advance(Span::days(91));
    pool.set(Mode::Throttled);
    try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failures(&world, &customer.email).await, 0);
}

/// A misconfigured pool is not a failing pool: it is called again as soon as the permission is there.
#[tokio::test]
async fn a_missing_permission_does_not_open_the_circuit_breaker() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    pool.set(Mode::Forbidden);
    for _ in 0..8 {
        try_password(&mut Browser::new(&world), &customer.email, &customer.password)
            .await
            .expect(StatusCode::SERVICE_UNAVAILABLE);
    }
    pool.set(Mode::Up);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
}

/// The password is right, but further data of the user is not available: no result, no counted failure, no new account, at
/// either call.
#[tokio::test]
async fn a_right_password_without_user_data_is_a_503() {
    const GROUPS: &str = "groups = { Gold = \"gold\" }";
    for operation in ["AdminGetUser", "AdminListGroupsForUser"] {
        let (pool, world, customer) = pool_and_world("Ada", GROUPS).await;
        pool.put(user(&customer).in_group("Gold"));
        pool.throttle(&[operation]);
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        assert_eq!((page.status(), pool.take_call_count("AdminInitiateAuth"), pool.take_call_count(operation)), (503, 1, 1));
        assert_eq!((failures(&world, &customer.email).await, is_known(&world, &customer.email).await), (0, false));
        let (_, unproven) = recover(&Site::from(&world), &customer.email).await;
        assert_eq!((unproven.status(), pool.take_call_count(operation)), (503, 1), "{operation}: {}", unproven.text());
        assert!(!is_known(&world, &customer.email).await, "{operation}");

        pool.throttle(&[]);
        assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
        let me = AccountClient::new(&world, &customer).await;
        assert_eq!(me.tokens.access_claims()["roles"], json!(["gold"]), "{operation}");
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

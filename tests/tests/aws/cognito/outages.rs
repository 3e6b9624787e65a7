//! A pool that fails: nobody is counted, nobody is locked, and it is left in peace.

use crate::cognito::recovery::recover;
use crate::cognito::{failures, is_known, is_signed_in, pool_and_world, try_password, user};
use http::StatusCode;
use latchkey::domain::time::Span;
use serde_json::json;
use tests::user_pool::Mode;
use tests::{AccountClient, Browser, Customer, Site, invariants};

#[tokio::test]
async fn whatever_the_pool_fails_at_nothing_is_counted_and_the_next_try_is_as_good() {
    for mode in [Mode::Down, Mode::Mute, Mode::Throttled, Mode::Broken, Mode::Locked, Mode::Forbidden] {
        let (pool, world, customer) = pool_and_world("Ada", "").await;
        pool.set(mode);
        for password in [&*customer.password, "not the 9 right one"] {
            let page = try_password(&mut Browser::new(&world), &customer.email, password).await;
            assert_eq!(page.status(), 503, "{mode:?}: {}", page.text());
            assert!(page.header("retry-after").is_some() && page.text().contains("just now"), "{mode:?}");
            // Once: the pool counts failures of its own.
            assert_eq!(pool.take_call_count("AdminInitiateAuth"), 1, "{mode:?}");
            assert_eq!(failures(&world, &customer.email).await, 0, "{mode:?}");
        }
        pool.set(Mode::Up);
        assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await), "{mode:?}");
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

/// Failures before an outage stand after it.
#[tokio::test]
async fn an_outage_forgives_no_failure_before_it() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for _ in 0..3 {
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
    }
    pool.set(Mode::Throttled);
    try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failures(&world, &customer.email).await, 3);
}

/// The pool's quota is shared with its other clients: after failures in a row it is left in peace. Who is known here notices nothing.
#[tokio::test]
async fn a_pool_that_fails_is_left_in_peace_and_people_here_sign_in() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    pool.set(Mode::Throttled);
    for _ in 0..20 {
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        assert_eq!(page.status(), 503);
    }
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 5, "then it rests");
    assert_eq!(failures(&world, &customer.email).await, 0);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &here.email, &here.password).await));
}

/// The pool's own lock is of one account, whoever brought it about: it keeps nobody else out.
#[tokio::test]
async fn an_account_that_the_pool_locks_keeps_nobody_else_out() {
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

/// Failures that have run out do not come back with an outage (security 112).
#[tokio::test]
async fn an_outage_brings_no_failure_back_that_has_run_out() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for _ in 0..5 {
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
    }
    world.advance(Span::days(91));
    pool.set(Mode::Throttled);
    try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failures(&world, &customer.email).await, 0);
}

/// Nobody's permission is missing for long: a misconfigured pool is no failing one, and is asked again as soon as it is mended.
#[tokio::test]
async fn a_missing_permission_opens_no_breaker() {
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

/// The password is right, and what goes with it can't be had: no verdict, nothing counted, nothing made, whichever call it is.
#[tokio::test]
async fn a_right_password_without_what_goes_with_it_is_no_verdict() {
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

//! Users who can't be imported. A caller with the right password learns what to do. All other callers get the same answer.

use crate::cognito::{failures, is_known, pool_and_world, try_password, user};
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use std::time::{Duration, Instant};
use tests::user_pool::{DECOY_LOOKUP, Mode, PoolUser};
use tests::{Browser, Customer, Page, invariants};

/// Removes the values that differ in every page: the anti-forgery value, and the typed address.
fn without_values(page: &Page, email: &str) -> String {
    let text = page.text().replace(email, "…");
    let mut parts = text.split("name=\"anti_forgery\" value=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| format!("{all}{}", part.split_once('"').map_or(part, |(_, rest)| rest)))
}

/// security 71, 107: a wrong password gets the same answer for a user in the pool, a user here, and an unknown user.
#[tokio::test]
async fn security_107_a_wrong_password_gets_the_same_answer_for_known_and_unknown_users() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let local_user = Customer::registered(&world, "Bob").await;
    let reset = Customer::new("Eve");
    pool.put(PoolUser { status: "RESET_REQUIRED", ..user(&reset) });
    let disabled = Customer::new("Fay");
    pool.put(PoolUser { enabled: false, ..user(&disabled) });
    let unconfirmed = Customer::new("Gil");
    pool.put(PoolUser { status: "UNCONFIRMED", ..user(&unconfirmed) });
    let mut answers = Vec::new();
    for (email, password) in [
        (&customer.email, "not the 9 right one"),
        (&local_user.email, "not the 9 right one"),
        (&"unknown@example.com".to_owned(), "not the 9 right one"),
        (&unconfirmed.email, "not the 9 right one"),
        (&unconfirmed.email, &*unconfirmed.password),
        (&reset.email, &*reset.password),
        (&disabled.email, &*disabled.password),
    ] {
        let page = try_password(&mut Browser::new(&world), email, password).await;
        assert_eq!(page.status(), 400, "{email}");
        answers.push(without_values(&page, email));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // The pool is asked once for each, except for the user here. Each failure is counted here once.
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 6);
    assert_eq!((failures(&world, &customer.email).await, failures(&world, "unknown@example.com").await), (1, 1));
    assert!(!is_known(&world, &customer.email).await);
}

/// security 71: a user here is not looked up in the pool. The refusal takes as long as a lookup.
#[tokio::test]
async fn security_71_a_refusal_without_the_pool_takes_as_long_as_one_with_it() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let local_user = Customer::registered(&world, "Bob").await;
    let took = Duration::from_millis(1200);
    pool.set(Mode::Slow(took));
    // The first refusal has no measured time: one lookup of a decoy user measures it.
    for (email, asked) in [
        (&local_user.email, DECOY_LOOKUP),
        (&local_user.email, ""),
        (&customer.email, "AdminInitiateAuth"),
        (&local_user.email, ""),
    ] {
        let begun = Instant::now();
        assert_eq!(try_password(&mut Browser::new(&world), email, "not the 9 right one").await.status(), 400);
        // A lower bound: a slow machine does not break it.
        assert!(begun.elapsed() >= took, "{email}: {:?}", begun.elapsed());
        for operation in [DECOY_LOOKUP, "AdminInitiateAuth"] {
            assert_eq!(pool.take_call_count(operation), usize::from(operation == asked), "{email}");
        }
    }
}

/// During a pool failure, a user here is refused and counted as usual.
#[tokio::test]
async fn an_account_here_is_refused_during_pool_failures() {
    let (pool, world, _) = pool_and_world("Ada", "").await;
    let local_user = Customer::registered(&world, "Bob").await;
    for mode in [Mode::Throttled, Mode::Down, Mode::Forbidden, Mode::Locked, Mode::Broken] {
        pool.set(mode);
        assert_eq!(
            try_password(&mut Browser::new(&world), &local_user.email, "not the 9 right one").await.status(),
            400,
            "{mode:?}"
        );
    }
    let page = try_password(&mut Browser::new(&world), &local_user.email, &local_user.password).await;
    assert_eq!(page.status(), 429, "each was counted");
}

/// Usernames of a pool have at most 128 characters: a longer address is unknown there, and not an error.
#[tokio::test]
async fn an_address_too_long_for_a_pool_is_refused_like_any_other() {
    let (pool, world, _) = pool_and_world("Ada", "").await;
    pool.set(Mode::Slow(Duration::from_millis(200)));
    let long = format!("{}@{}.example.com", "a".repeat(60), "b".repeat(60));
    let begun = Instant::now();
    assert_eq!(try_password(&mut Browser::new(&world), &long, "not the 9 right one").await.status(), 400);
    // It is not refused any sooner.
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!((pool.take_call_count("AdminInitiateAuth"), pool.take_call_count(DECOY_LOOKUP)), (0, 1));
    assert_eq!(failures(&world, &long).await, 1);
}

/// security 112: guesses at a user of the pool are counted here. The pool gets no more of them than the window allows.
#[tokio::test]
async fn security_112_a_blocked_identifier_is_not_sent_to_the_pool() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for _ in 0..5 {
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.status(), 400);
    }
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 5);
    let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
    assert_eq!((page.status(), pool.take_call_count("AdminInitiateAuth")), (429, 0));
    world.advance(Span::minutes(16));
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 200);
}

/// Asserts the message of the sign-in page for a user of the pool with the right password.
pub(crate) async fn assert_sign_in_message(world: &World, customer: &Customer, words: &str) {
    let page = try_password(&mut Browser::new(world), &customer.email, &customer.password).await;
    assert_eq!(page.status(), 400, "{}", page.text());
    assert!(page.text().contains(words), "{words}: {}", page.text());
    assert!(!is_known(world, &customer.email).await, "{}", customer.email);
}

pub(crate) const REPLACE: &str = "must set a new password";
pub(crate) const UNPROVEN: &str = "never confirmed";
pub(crate) const SECOND: &str = "second step";
pub(crate) const WRONG: &str = "not right";

#[tokio::test]
async fn a_user_with_the_right_password_learns_why_the_import_failed() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let as_is = user(&customer);
    for (user, words) in [
        (PoolUser { status: "FORCE_CHANGE_PASSWORD", ..as_is.clone() }, REPLACE),
        (as_is.clone().with_attribute("email_verified", "false"), UNPROVEN),
        (PoolUser { status: "UNCONFIRMED", ..as_is.clone() }, WRONG),
        (PoolUser { second_factor: Some("SMS_MFA"), ..as_is.clone() }, SECOND),
        (PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..as_is.clone() }, SECOND),
        (PoolUser { second_factor: Some("SELECT_MFA_TYPE"), ..as_is.clone() }, SECOND),
        (PoolUser { enabled: false, ..as_is.clone() }, WRONG),
        (PoolUser { status: "RESET_REQUIRED", ..as_is.clone() }, WRONG),
    ] {
        pool.put(user);
        assert_sign_in_message(&world, &customer, words).await;
        // So that the next attempt asks the pool.
        world.advance(Span::hours(1));
        world.advance(Span::days(91));
    }
    // Known here by this username, but with another address.
    pool.put_as(&customer.email, as_is.with_attribute("email", "ada@other.example"));
    assert_sign_in_message(&world, &customer, WRONG).await;
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

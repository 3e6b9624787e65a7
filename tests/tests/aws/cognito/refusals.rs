//! Who does not come, and what is said about it: to those who know the password, what to do; to everybody else, one and the same.

use crate::cognito::{failures, is_known, pool_and_world, try_password, user};
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use std::time::{Duration, Instant};
use tests::user_pool::{MADE_UP, Mode, PoolUser};
use tests::{Browser, Customer, Page, invariants};

/// What differs from page to page anyway: the anti-forgery value, and what was typed.
fn without_values(page: &Page, email: &str) -> String {
    let text = page.text().replace(email, "…");
    let mut parts = text.split("name=\"anti_forgery\" value=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| format!("{all}{}", part.split_once('"').map_or(part, |(_, rest)| rest)))
}

/// security 71, 107: a wrong password of somebody in the pool, of somebody here, and of nobody at all: one answer.
#[tokio::test]
async fn security_107_a_wrong_password_answers_alike_whoever_is_known_where() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    let reset = Customer::new("Eve");
    pool.put(PoolUser { status: "RESET_REQUIRED", ..user(&reset) });
    let disabled = Customer::new("Fay");
    pool.put(PoolUser { enabled: false, ..user(&disabled) });
    let unconfirmed = Customer::new("Gil");
    pool.put(PoolUser { status: "UNCONFIRMED", ..user(&unconfirmed) });
    let mut answers = Vec::new();
    for (email, password) in [
        (&customer.email, "not the 9 right one"),
        (&here.email, "not the 9 right one"),
        (&"nobody@example.com".to_owned(), "not the 9 right one"),
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
    // Asked once each, but for the one who is known here; counted here once each.
    assert_eq!(pool.take_asked("AdminInitiateAuth"), 6);
    assert_eq!((failures(&world, &customer.email).await, failures(&world, "nobody@example.com").await), (1, 1));
    assert!(!is_known(&world, &customer.email).await);
}

/// security 71: who is known here is not asked for there, and waits as long as that takes.
#[tokio::test]
async fn security_71_a_refusal_without_the_pool_takes_as_long_as_one_with_it() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    let took = Duration::from_millis(1200);
    pool.set(Mode::Slow(took));
    // The first one here has no refusal to go by: the pool is asked for somebody made up, once.
    for (email, asked) in [(&here.email, MADE_UP), (&here.email, ""), (&customer.email, "AdminInitiateAuth"), (&here.email, "")]
    {
        let begun = Instant::now();
        assert_eq!(try_password(&mut Browser::new(&world), email, "not the 9 right one").await.status(), 400);
        // Never less: a lower bound that no slow machine breaks.
        assert!(begun.elapsed() >= took, "{email}: {:?}", begun.elapsed());
        for operation in [MADE_UP, "AdminInitiateAuth"] {
            assert_eq!(pool.take_asked(operation), usize::from(operation == asked), "{email}");
        }
    }
}

/// While the pool gives no verdict, who is known here is refused and counted as ever.
#[tokio::test]
async fn somebody_here_is_refused_whatever_the_pool_says() {
    let (pool, world, _) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    for mode in [Mode::Throttled, Mode::Down, Mode::Forbidden, Mode::Locked, Mode::Broken] {
        pool.set(mode);
        assert_eq!(try_password(&mut Browser::new(&world), &here.email, "not the 9 right one").await.status(), 400, "{mode:?}");
    }
    let page = try_password(&mut Browser::new(&world), &here.email, &here.password).await;
    assert_eq!(page.status(), 429, "each was counted");
}

/// Usernames of a pool have at most 128 characters: a longer address is nobody's there, and no fault.
#[tokio::test]
async fn an_address_that_no_pool_takes_is_refused_like_any() {
    let (pool, world, _) = pool_and_world("Ada", "").await;
    pool.set(Mode::Slow(Duration::from_millis(200)));
    let long = format!("{}@{}.example.com", "a".repeat(60), "b".repeat(60));
    let begun = Instant::now();
    assert_eq!(try_password(&mut Browser::new(&world), &long, "not the 9 right one").await.status(), 400);
    // Nor is it refused any sooner.
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!((pool.take_asked("AdminInitiateAuth"), pool.take_asked(MADE_UP)), (0, 1));
    assert_eq!(failures(&world, &long).await, 1);
}

/// security 112: guesses at somebody in the pool are counted here, and the pool is asked no more than the window lets through.
#[tokio::test]
async fn security_112_a_window_that_blocks_asks_nobody() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for _ in 0..5 {
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.status(), 400);
    }
    assert_eq!(pool.take_asked("AdminInitiateAuth"), 5);
    let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
    assert_eq!((page.status(), pool.take_asked("AdminInitiateAuth")), (429, 0));
    world.advance(Span::minutes(16));
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 200);
}

/// A person in the pool and what the sign-in page tells them, if they know the password.
pub(crate) async fn is_told(world: &World, customer: &Customer, words: &str) {
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
async fn who_knows_the_password_is_told_what_stands_in_the_way() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let as_is = user(&customer);
    for (user, words) in [
        (PoolUser { status: "FORCE_CHANGE_PASSWORD", ..as_is.clone() }, REPLACE),
        (as_is.clone().with("email_verified", "false"), UNPROVEN),
        (PoolUser { status: "UNCONFIRMED", ..as_is.clone() }, WRONG),
        (PoolUser { second_factor: Some("SMS_MFA"), ..as_is.clone() }, SECOND),
        (PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..as_is.clone() }, SECOND),
        (PoolUser { second_factor: Some("SELECT_MFA_TYPE"), ..as_is.clone() }, SECOND),
        (PoolUser { enabled: false, ..as_is.clone() }, WRONG),
        (PoolUser { status: "RESET_REQUIRED", ..as_is.clone() }, WRONG),
    ] {
        pool.put(user);
        is_told(&world, &customer, words).await;
        // So that the next one is asked about.
        world.advance(Span::hours(1));
        world.advance(Span::days(91));
    }
    // Known there by this username, but under another address.
    pool.put_as(&customer.email, as_is.with("email", "ada@elsewhere.example"));
    is_told(&world, &customer, WRONG).await;
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

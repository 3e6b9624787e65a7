//! Passwords on the sign-in page (security 71, 112–116).

use crate::login::{authentication, try_password, world};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::meter::Call;
use tests::{Browser, Customer};

/// The comparable parts of the calls: everything except sizes that depend on the identifier.
fn comparable_calls(calls: Vec<Call>) -> Vec<(String, Vec<String>, usize, u16)> {
    calls.into_iter().map(|call| (call.operation, call.tables, call.items, call.status)).collect()
}

/// A page without the values that differ in every answer.
fn comparable_page(html: &str) -> String {
    let mut text = html.to_owned();
    for mark in ["nonce=\"", "name=\"anti_forgery\" value=\"", "data-passkey=\""] {
        while let Some(at) = text.find(mark) {
            let end = at + mark.len() + text[at + mark.len()..].find('"').expect("an end") + 1;
            text.replace_range(at..end, "");
        }
    }
    text
}

#[tokio::test]
async fn security_71_an_unknown_identifier_costs_and_answers_like_a_wrong_password() {
    let world = world().await;
    let customer = Customer::registered(&world, "known").await;
    world.pump().await.expect("pumped");
    // A source that has failed reads its counter at each attempt.
    try_password(&mut Browser::new(&world), "another@example.com", "not the password").await;
    let mut seen = Vec::new();
    for email in [customer.email.as_str(), "unknown@example.com"] {
        let mut answers = Vec::new();
        let mut browser = Browser::new(&world);
        let page = browser.open("/login").await;
        for attempt in 0..7 {
            let hashes = world.services.hasher.hashes_computed();
            drop(world.meter.take());
            // The compared page does not show the address.
            let (_, answer) = browser.press(&page, "#submit", &[("identifier", email), ("password", "not the password")]).await;
            let body = comparable_page(std::str::from_utf8(answer.body()).expect("UTF-8")).replace(email, "ADDRESS");
            let retry_after = answer.headers().get("retry-after").cloned();
            let hashes = world.services.hasher.hashes_computed() - hashes;
            answers.push((attempt, answer.status(), retry_after, body, comparable_calls(world.meter.take()), hashes));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    let statuses: Vec<_> = seen[0].iter().map(|(_, status, ..)| status.as_u16()).collect();
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429, 429]);
    assert_eq!(seen[0][0].5, 1, "one hash in each case");
    assert_eq!(seen[0][6].5, 0, "none while the window blocks");
}

#[tokio::test]
async fn security_112_116_after_five_failures_a_window_blocks_with_retry_after() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    for _ in 0..5 {
        assert_eq!(try_password(&mut browser, &customer.email, "wrong").await.status(), 400);
    }
    for (wait, retry_after) in [(30, "30"), (60, "60"), (120, "120"), (240, "240"), (480, "480"), (900, "900"), (900, "900")] {
        // security 113: the right password does not get past the block.
        let blocked = try_password(&mut browser, &customer.email, &customer.password).await;
        assert_eq!((blocked.status(), blocked.header("retry-after")), (429, Some(retry_after)));
        assert!(blocked.text().contains("Try again in"), "{}", blocked.text());
        world.advance(Span::seconds(wait) - Span::millis(1));
        assert_eq!(try_password(&mut browser, &customer.email, "wrong").await.status(), 429);
        world.advance(Span::millis(1));
        assert_eq!(try_password(&mut browser, &customer.email, "wrong").await.status(), 400);
    }
    // The block ends with time, and a success resets the counter.
    world.advance(Span::minutes(15));
    let page = try_password(&mut browser, &customer.email, &customer.password).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(authentication(&world, &customer.email).await.failures.count, 0);
}

#[tokio::test]
async fn security_112_after_a_hundred_failures_only_a_known_device_or_recovery_helps() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut owner = crate::login::signed_in(&world, &customer).await;
    let mut stranger = Browser::new(&world);
    let page = stranger.open("/login").await;
    let fields = [("identifier", customer.email.as_str()), ("password", "wrong")];
    for attempt in 0..100 {
        let (_, answer) = stranger.press(&page, "#submit", &fields).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "attempt {attempt}");
        world.advance(Span::minutes(15));
    }
    world.advance(Span::days(365));
    assert_eq!(stranger.press(&page, "#submit", &fields).await.1.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 429);
    // security 114
    owner.cookies.remove("lk-session");
    assert_eq!(try_password(&mut owner, &customer.email, &customer.password).await.status(), 200);
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 429);
}

#[tokio::test]
async fn security_113_spellings_of_one_address_share_one_counter() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    for (attempt, spelling) in
        ["ada@example.com", "ADA@example.com", " Ada@Example.COM ", "ａｄａ@example.com", "ada@EXAMPLE.com"]
            .into_iter()
            .enumerate()
    {
        let page = try_password(&mut Browser::new(&world), spelling, "wrong").await;
        assert_eq!(page.status(), 400, "{spelling}");
        assert_eq!(authentication(&world, &customer.email).await.failures.count, 1 + u32::try_from(attempt).expect("few"));
    }
    assert_eq!(try_password(&mut Browser::new(&world), "aDa@example.com", &customer.password).await.status(), 429);
}

#[tokio::test]
async fn security_114_failures_of_strangers_do_not_lock_a_known_device() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut owner = crate::login::signed_in(&world, &customer).await;
    owner.cookies.remove("lk-session");
    let mut stranger = Browser::new(&world);
    for _ in 0..6 {
        try_password(&mut stranger, &customer.email, "wrong").await;
    }
    assert_eq!(try_password(&mut stranger, &customer.email, &customer.password).await.status(), 429);
    assert_eq!(try_password(&mut owner, &customer.email, &customer.password).await.status(), 200);
    // A device of another account counts as unknown.
    let other = Customer::registered(&world, "Bob").await;
    let mut bobs = crate::login::signed_in(&world, &other).await;
    bobs.cookies.remove("lk-session");
    assert_eq!(try_password(&mut bobs, &customer.email, &customer.password).await.status(), 429);
}

#[tokio::test]
async fn security_115_forwarded_headers_change_nothing() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    for (attempt, header) in ["1.2.3.4", "' OR 1=1", "::1, 127.0.0.1", "\u{7f}", "unknown"].into_iter().enumerate() {
        let mut browser = Browser::new(&world);
        browser.headers = ["x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip"]
            .map(|name| (name.to_owned(), header.replace('\u{7f}', "_")))
            .to_vec();
        let expected = if attempt < 5 { 400 } else { 429 };
        assert_eq!(try_password(&mut browser, &customer.email, "wrong").await.status(), expected);
    }
    let mut browser = Browser::new(&world);
    browser.headers = vec![("x-forwarded-for".to_owned(), "203.0.113.9".to_owned())];
    assert_eq!(try_password(&mut browser, &customer.email, &customer.password).await.status(), 429);
}

/// 64 wrong passwords at once, each from its own browser. Returns how many were evaluated and refused as wrong.
async fn count_evaluated_guesses(world: &latchkey_local::world::World, email: &str) -> usize {
    let mut tasks = Vec::new();
    for number in 0..64 {
        let mut browser = Browser::new(world);
        let page = browser.open("/login").await;
        let email = email.to_owned();
        tasks.push(tokio::spawn(async move {
            let password = format!("wrong {number}");
            let fields = [("identifier", email.as_str()), ("password", password.as_str())];
            browser.press(&page, "#submit", &fields).await.1.status()
        }));
    }
    let mut shown = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            StatusCode::BAD_REQUEST => shown += 1,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {}
            other => panic!("{other}"),
        }
    }
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn security_112_parallel_guesses_evaluate_no_more_than_the_limit() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    // Each from a network of its own, which has a limit, too.
    for (email, network) in [(customer.email.as_str(), "198.51.100.1"), ("unknown@example.com", "198.51.100.2")] {
        let shown = count_evaluated_guesses(&world.seen_from(network.parse().expect("an address")), email).await;
        assert!((1..=5).contains(&shown), "{email}: {shown} outcomes");
    }
    assert!(authentication(&world, &customer.email).await.failures.count <= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn security_112_134_the_limit_holds_under_conflicts_and_lost_replies() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    world.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::TimeoutAfter);
    world.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::Throttle);
    let shown = count_evaluated_guesses(&world, &customer.email).await;
    world.faults.clear();
    assert!(shown <= 5, "{shown} outcomes");
    let counted = authentication(&world, &customer.email).await.failures.count;
    assert!(usize::try_from(counted).expect("few") >= shown && counted <= 5, "{counted} counted, {shown} shown");
}

#[tokio::test]
async fn the_page_keeps_the_typed_identifier_but_not_the_password() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    for (identifier, password, message) in [
        ("someone@example.com", "hunter2-hunter2", "is not right"),
        ("not an address", "hunter2-hunter2", "Enter your e-mail address"),
        ("someone@example.com", "", "Enter your password"),
        ("someone@example.com", &"hunter2-".repeat(1_250), "This password is too long to be yours"),
    ] {
        let page = try_password(&mut browser, identifier, password).await;
        assert_eq!(page.status(), 400);
        assert!(page.text().contains(message), "{}", page.text());
        let form = page.form("#submit");
        assert!(form.fields.contains(&("identifier".to_owned(), identifier.to_owned())), "{:?}", form.fields);
        assert!(!page.html().contains("hunter2"));
    }
}

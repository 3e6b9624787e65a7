//! The token function while tables, keys or the process fail: no code or token is spent without a result, and none is issued twice.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use http::Method;
use latchkey_local::fault::{Calls, Fault, Trigger};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::anonymous::Answer;
use tests::kms::{FakeKms, Mode};
use tests::{OAuthClient, SignedInUser, Tokens, World, invariants};

async fn signed_in(world: &World, client: &OAuthClient) -> Tokens {
    let person = SignedInUser::new(world).await;
    client.redeem(&person.code(client).await).await.tokens()
}

/// The answer. `None` if the injected crash struck: then the request is dropped, as in a dying process.
async fn until_crash(world: &World, answer: impl Future<Output = Answer>) -> Option<Answer> {
    tokio::select! {
        answer = answer => Some(answer),
        () = world.faults.crashed() => None,
    }
}

async fn invariants_hold(world: &World) {
    world.pump().await.unwrap();
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_137_a_key_failure_spends_neither_code_nor_refresh_token() {
    for outage in [Mode::Down, Mode::Throttled] {
        let kms = FakeKms::up();
        let first = World::builder().vault(kms.vault()).build().await.unwrap();
        let client = OAuthClient::demo_app(&first);
        let code = SignedInUser::new(&first).await.code(&client).await;
        let tokens = signed_in(&first, &client).await;

        // A new instance has its keyrings, but no signing key when the outage begins.
        let (engine, clock) = (first.engine.clone(), first.services.clock.clone());
        let second = World::builder().vault(kms.vault()).engine(engine).clock(clock).build().await.unwrap();
        let web = OAuthClient::demo_app(&second);
        assert_eq!(web.api.get("/.well-known/jwks.json").await.status(), 200);
        kms.set(outage);
        for answer in [web.redeem(&code).await, web.refresh(tokens.refresh()).await] {
            assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()), "{outage:?}");
            assert!(answer.header("retry-after").is_some());
        }
        assert_eq!(web.userinfo(tokens.access()).await.status(), 200, "{outage:?}: signed tokens stay valid");
        assert_eq!(web.api.get("/.well-known/jwks.json").await.status(), 200, "{outage:?}");
        kms.set(Mode::Up);
        assert_eq!(web.redeem(&code).await.status(), 200, "{outage:?}: not spent");
        assert_eq!(web.refresh(tokens.refresh()).await.status(), 200, "{outage:?}: not spent");
    }
}

#[tokio::test]
async fn a_crash_at_any_call_of_a_refresh_leaves_a_token_that_can_be_retried() {
    // fault T3
    let mut crashes = 0;
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for nth in 1.. {
            let world = World::new().await.unwrap();
            let client = OAuthClient::demo_app(&world);
            let tokens = signed_in(&world, &client).await;
            world.faults.add(Calls::Any, Trigger::Nth(nth), fault);
            if until_crash(&world, client.refresh(tokens.refresh())).await.is_some() {
                break;
            }
            crashes += 1;
            world.faults.clear();
            let child = client.refresh(tokens.refresh()).await.tokens();
            assert_eq!(client.refresh(child.refresh()).await.status(), 200, "{fault:?} {nth}");
            invariants_hold(&world).await;
        }
    }
    assert_eq!(crashes, 4, "before and after the read, before and after the write");
}

#[tokio::test]
async fn a_crash_at_any_call_of_a_redemption_leaves_the_code_valid_or_spent() {
    // fault T3
    let mut outcomes = Vec::new();
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for nth in 1.. {
            let world = World::new().await.unwrap();
            let client = OAuthClient::demo_app(&world);
            let code = SignedInUser::new(&world).await.code(&client).await;
            world.faults.add(Calls::Any, Trigger::Nth(nth), fault);
            if until_crash(&world, client.redeem(&code)).await.is_some() {
                break;
            }
            world.faults.clear();
            outcomes.push((fault, nth, client.redeem(&code).await.status()));
            invariants_hold(&world).await;
        }
    }
    use Fault::{CrashAfter, CrashBefore};
    // Only a crash after the write spends the code. Then no caller has its tokens.
    let expected = [(CrashBefore, 1, 200), (CrashBefore, 2, 200), (CrashAfter, 1, 200), (CrashAfter, 2, 400)];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_revocation_can_be_retried_after_a_crash_at_any_call() {
    // fault T3
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for nth in 1.. {
            let world = World::new().await.unwrap();
            let client = OAuthClient::demo_app(&world);
            let tokens = signed_in(&world, &client).await;
            world.faults.add(Calls::Any, Trigger::Nth(nth), fault);
            if until_crash(&world, client.revoke(tokens.refresh())).await.is_some() {
                break;
            }
            world.faults.clear();
            assert_eq!(client.revoke(tokens.refresh()).await.status(), 200);
            assert_eq!(client.refresh(tokens.refresh()).await.status(), 400, "{fault:?} {nth}");
            invariants_hold(&world).await;
        }
    }
}

/// Throttling, conflicts and lost replies together.
fn add_mixed_faults(world: &World) {
    world.faults.add(Calls::Any, Trigger::Chance(0.15), Fault::Throttle);
    world.faults.add(Calls::Writes, Trigger::Chance(0.3), Fault::Conflict);
    world.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::TimeoutAfter);
    world.faults.add(Calls::Reads, Trigger::Chance(0.2), Fault::Partial);
    world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(Duration::from_millis(10)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn security_32_under_faults_64_presentations_give_one_child() {
    // faults T1, T4, T5, T6
    for seed in 1..=3 {
        let clock = latchkey::context::Clock::system();
        let world = World::builder().clock(clock).seed(seed).build().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let tokens = signed_in(&world, &client).await;
        add_mixed_faults(&world);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (client, token) = (client.clone(), tokens.refresh().to_owned());
            tasks.spawn(async move { client.refresh(&token).await });
        }
        let answers = tasks.join_all().await;
        assert!(world.faults.injected() > 20, "seed {seed}");
        world.faults.clear();
        let mut children = BTreeSet::new();
        for answer in answers {
            match answer.status() {
                200 => drop(children.insert(answer.tokens().refresh().to_owned())),
                429 | 503 => assert!(answer.header("retry-after").is_some()),
                _ => panic!("seed {seed}: {}", answer.text()),
            }
        }
        // A caller that retries gets the same child too.
        children.insert(client.refresh(tokens.refresh()).await.tokens().refresh().to_owned());
        assert_eq!(children.len(), 1, "seed {seed}");
        for child in children {
            assert_eq!(client.refresh(&child).await.status(), 200, "seed {seed}");
        }
        invariants_hold(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn security_22_under_faults_64_redemptions_give_tokens_at_most_once() {
    // faults T1, T4, T5, T6
    let mut given = 0;
    for seed in 1..=4 {
        let clock = latchkey::context::Clock::system();
        let world = World::builder().clock(clock).seed(seed).build().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let code = SignedInUser::new(&world).await.code(&client).await;
        add_mixed_faults(&world);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (client, code) = (client.clone(), code.clone());
            tasks.spawn(async move { client.redeem(&code).await });
        }
        let answers = tasks.join_all().await;
        world.faults.clear();
        let good = answers.iter().filter(|answer| answer.status() == 200).count();
        assert!(good <= 1, "seed {seed}: {good} callers got tokens");
        assert!(answers.iter().all(|answer| matches!(answer.status(), 200 | 400 | 429 | 503)), "seed {seed}");
        assert_eq!(client.redeem(&code).await.refusal(), (400, "invalid_grant".to_owned()), "seed {seed}: spent");
        given += good;
        invariants_hold(&world).await;
    }
    assert!(given > 0, "no caller got tokens: the test proves nothing");
}

#[tokio::test]
async fn an_unavailable_store_gives_a_503_without_details() {
    let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
    let (web, app) = (OAuthClient::demo_web(&world), OAuthClient::demo_app(&world));
    let tokens = signed_in(&world, &web).await;
    world.faults.add(Calls::Any, Trigger::Always, Fault::Throttle);
    for answer in [
        web.refresh(tokens.refresh()).await,
        web.introspect(tokens.access()).await,
        web.revoke(tokens.refresh()).await,
        web.userinfo(tokens.access()).await,
    ] {
        assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
        assert!(answer.header("retry-after").is_some());
    }
    // Routes that need no table still answer.
    assert_eq!(app.api.send(Method::GET, "/.well-known/jwks.json", &[], "").await.status(), 200);
    assert_eq!(OAuthClient::demo_service(&world).client_credentials().await.status(), 200);
    world.faults.clear();
    assert_eq!(web.refresh(tokens.refresh()).await.status(), 200);
}

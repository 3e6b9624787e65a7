//! T10, security 131: TTL is garbage collection only. The same months of a user run with a TTL worker that never runs, runs
//! at once, or runs 48 hours late. Every answer is the same: an expired item never works, even if it still exists, and a live item
//! is never collected.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::{Anonymous, Browser, Customer, OAuthClient, invariants};

/// When the worker removes an item with an expired `ttl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    Never,
    AtOnce,
    Late,
}

/// Removes expired items, as DynamoDB does. Returns their number.
fn collect(world: &World, worker: Worker) -> usize {
    let late = match worker {
        Worker::Never => return 0,
        Worker::AtOnce => Span::ZERO,
        Worker::Late => Span::hours(48),
    };
    let now = (world.services.clock.now() - late).seconds();
    let mut collected = 0;
    for (table, items) in invariants::read(&world.engine).tables {
        for item in items {
            let due = item["ttl"]["N"].as_str().and_then(|ttl| ttl.parse::<i64>().ok()).is_some_and(|ttl| ttl <= now);
            if due {
                let request = json!({ "TableName": table, "Key": { "pk": item["pk"], "sk": item["sk"] } });
                let request = serde_json::from_value(request).unwrap();
                world.engine.database().delete_item(request).unwrap();
                collected += 1;
            }
        }
    }
    collected
}

/// The answers during the months of a user, in order, and the number of collected items.
async fn run_months(worker: Worker) -> (Vec<(&'static str, u16)>, usize) {
    let world = World::new().await.unwrap();
    let (api, client) = (Anonymous::new(&world), OAuthClient::demo_app(&world));
    let (mut answers, mut collected) = (Vec::new(), 0);
    let mut wait = |span: Span| {
        world.advance(span);
        collected += collect(&world, worker);
    };

    // A registration that is not verified in time. Its address is free.
    let ada = Customer::new("Ada");
    let started = api.post_json("/v1/registrations", &ada.registration()).await.json();
    let code = world.mails_to(&ada.email).await.unwrap()[0].codes[0].clone();
    let proof = format!("/v1/registrations/{}/verification", started["registration_id"].as_str().unwrap());
    wait(Span::minutes(31));
    answers.push(("an expired registration", api.post_json(&proof, &json!({ "code": code })).await.status()));
    wait(Span::days(3));
    let gone = api.post_json(&proof, &json!({ "code": code })).await;
    answers.push(("and days later", gone.status()));
    ada.register(&world).await;

    // A code that is redeemed too late.
    let mut browser = Browser::new(&world);
    let code = client.sign_in(&mut browser, &ada).await.query("code").unwrap();
    wait(Span::seconds(61));
    answers.push(("an expired code", client.redeem(&code).await.status()));

    // Two months of refreshes. Meanwhile a session expires.
    let mut tokens = client.tokens_for(&ada).await;
    let first = tokens.refresh().to_owned();
    for _ in 0..3 {
        wait(Span::days(20));
        let answer = client.refresh(tokens.refresh()).await;
        answers.push(("a refresh after 20 days", answer.status()));
        tokens = answer.tokens();
        answers.push(("userinfo", client.userinfo(tokens.access()).await.status()));
    }
    let page = browser.open(&client.authorize_url(&[])).await;
    answers.push(("the session of two months ago asks for the password", u16::from(page.has_field("password"))));
    wait(Span::minutes(11));
    answers.push(("an expired access token", client.userinfo(tokens.access()).await.status()));
    wait(Span::days(31));
    answers.push(("a refresh token not used in time", client.refresh(tokens.refresh()).await.status()));
    wait(Span::days(200));
    answers.push(("half a year later", client.refresh(tokens.refresh()).await.status()));
    answers.push(("its first generation", client.refresh(&first).await.status()));

    // The account itself does not expire.
    let page = ada.sign_in(&mut browser, &page).await;
    answers.push(("the password still works", u16::from(!page.has_field("password"))));
    let userinfo = client.userinfo(client.tokens_for(&ada).await.access()).await;
    answers.push(("the profile still opens", userinfo.status()));
    assert_eq!(userinfo.json()["email"], Value::from(ada.email.clone()));
    (answers, collected)
}

#[tokio::test]
async fn t10_security_131_every_answer_is_the_same_with_ttl_off_at_once_and_late() {
    let (expected, none) = run_months(Worker::Never).await;
    assert_eq!(none, 0);
    let statuses: Vec<u16> = expected.iter().map(|(_, status)| *status).collect();
    assert_eq!(statuses[..3], [400, 400, 400], "{expected:?}");
    assert_eq!(statuses[3..], [200, 200, 200, 200, 200, 200, 1, 401, 400, 400, 400, 1, 200], "{expected:?}");
    for worker in [Worker::AtOnce, Worker::Late] {
        let (answers, collected) = run_months(worker).await;
        assert!(collected > 5, "{worker:?} collected {collected}: too few for a test");
        assert_eq!(answers, expected, "{worker:?}");
    }
}

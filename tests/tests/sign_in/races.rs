//! Races of 64 callers over the whole service, under throttling, conflicts, lost replies and slow reads (T1, T4–T6, T26). Each race
//! also runs without the conditions of its writes, where its rule must break: a race that passes without its condition proves
//! nothing.
//!
//! `LATCHKEY_RACES=50 cargo test -p tests --test sign_in races` runs each with 50 seeds instead of 2.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::flow::FlowPurpose;
use latchkey::domain::time::Span;
use latchkey::keys::AccountLink;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tests::anonymous::Answer;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient};

const ACTORS: usize = 64;

/// The faults of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FaultMode {
    /// Throttling, conflicts, lost replies, slow reads.
    Foul,
    /// Slow reads, and writes of this operation without their conditions: the rule must break.
    Unconditional(&'static str),
}

/// Numbers of answers by status and code.
type Tally = BTreeMap<(u16, String), usize>;

fn seeds() -> std::ops::Range<u64> {
    #[expect(clippy::disallowed_methods, reason = "a variable sets the length of the run")]
    let runs = std::env::var("LATCHKEY_RACES").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2);
    0..runs
}

fn set(world: &World, fault_mode: FaultMode) {
    world.faults.clear();
    // Every caller reads before the first one writes. Without this, a race in one process would be a queue.
    world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(Duration::from_millis(20)));
    match fault_mode {
        FaultMode::Foul => {
            world.faults.add(Calls::Writes, Trigger::Chance(0.05), Fault::Throttle);
            world.faults.add(Calls::Writes, Trigger::Chance(0.05), Fault::Conflict);
            world.faults.add(Calls::Writes, Trigger::Chance(0.10), Fault::TimeoutAfter);
            world.faults.add(Calls::Writes, Trigger::Chance(0.05), Fault::TimeoutBefore);
        }
        FaultMode::Unconditional(operation) => world.faults.add(Calls::Named(operation), Trigger::Always, Fault::Unconditional),
    }
}

async fn run_concurrently<F: Future<Output = Answer>>(actors: impl Iterator<Item = F>) -> Vec<Answer> {
    let mut set = Vec::new();
    for actor in actors {
        set.push(Box::pin(actor));
    }
    // One task polls all of them: timers and faults decide the order, which is repeatable by seed as far as possible.
    let mut answers: Vec<Option<Answer>> = set.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        let mut waiting = false;
        for (actor, answer) in set.iter_mut().zip(answers.iter_mut()) {
            if answer.is_none() {
                match actor.as_mut().poll(cx) {
                    std::task::Poll::Ready(ready) => *answer = Some(ready),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(answers.iter_mut().filter_map(Option::take).collect())
        }
    })
    .await
}

fn tally(answers: &[Answer]) -> Tally {
    let mut tally = Tally::new();
    for answer in answers {
        let json: Value = serde_json::from_slice(answer.response.body()).unwrap_or_default();
        let code = json.get("code").or_else(|| json.get("error")).and_then(Value::as_str).unwrap_or_default().to_owned();
        *tally.entry((answer.status(), code)).or_default() += 1;
    }
    tally
}

fn count(tally: &Tally, status: u16) -> usize {
    tally.iter().filter(|((found, _), _)| *found == status).map(|(_, count)| count).sum()
}

/// Starts a registration and reads its code from the mail.
async fn begin(world: &World, customer: &Customer) -> (String, String) {
    let started = Anonymous::new(world).post_json("/v1/registrations", &customer.registration()).await;
    assert_eq!(started.status(), 202, "{}", started.text());
    let id = started.json()["registration_id"].as_str().unwrap().to_owned();
    let tenant = world.services.tenant(&"default".parse().unwrap()).await.unwrap();
    let locator = tenant.keys.locator().unwrap().open_flow_id(&id).unwrap();
    let flow = tenant.store.find_flow(locator.flow, locator.account).await.unwrap().unwrap().flow;
    assert_eq!(flow.purpose, FlowPurpose::Registration);
    (id, tenant.keys.proof().unwrap().code(&flow).unwrap().expose().to_owned())
}

async fn submit_code(world: &World, id: &str, code: &str) -> Answer {
    Anonymous::new(world).post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await
}

/// T1, security 79, 105: 64 concurrent calls with one verification code create one account.
async fn one_code_makes_one_account(seed: u64, fault_mode: FaultMode) -> Result<(), String> {
    let world = World::builder().seed(seed).build().await.unwrap();
    let (id, code) = begin(&world, &Customer::new("Ada")).await;
    set(&world, fault_mode);
    let answers = run_concurrently((0..ACTORS).map(|_| submit_code(&world, &id, &code))).await;
    world.faults.clear();
    let tally = tally(&answers);
    check_rule(count(&tally, 201) <= 1 && count(&tally, 500) == 0, &tally)?;
    if count(&tally, 201) == 0 {
        // Throttling may have failed every attempt. Then the code must still be valid, unless the tries of the day are used up.
        let again = submit_code(&world, &id, &code).await.status();
        check_rule(matches!(again, 201 | 429 | 400), &tally)?;
    }
    Ok(())
}

/// T1, security 105: of many concurrent verifications of one address, one gets it.
async fn one_address_has_one_account(seed: u64, fault_mode: FaultMode) -> Result<(), String> {
    const FLOWS: usize = 16;
    let world = World::builder().seed(seed).build().await.unwrap();
    let mut flows = Vec::new();
    for _ in 0..FLOWS {
        flows.push(begin(&world, &Customer::new("Grace")).await);
    }
    set(&world, fault_mode);
    let answers = run_concurrently(flows.iter().map(|(id, code)| submit_code(&world, id, code))).await;
    world.faults.clear();
    let tally = tally(&answers);
    check_rule(count(&tally, 201) <= 1 && count(&tally, 500) == 0, &tally)
}

/// T1, security 22: 64 concurrent redemptions of one authorization code give tokens once. The replays revoke them.
async fn one_code_gives_tokens_once(seed: u64, fault_mode: FaultMode) -> Result<(), String> {
    let world = World::builder().seed(seed).build().await.unwrap();
    let customer = Customer::registered(&world, "Alan").await;
    let client = OAuthClient::demo_app(&world);
    let page = client.sign_in(&mut Browser::new(&world), &customer).await;
    let code = page.query("code").unwrap();
    set(&world, fault_mode);
    let answers = run_concurrently((0..ACTORS).map(|_| client.redeem(&code))).await;
    world.faults.clear();
    let tally = tally(&answers);
    check_rule(count(&tally, 200) <= 1 && count(&tally, 500) == 0, &tally)
}

/// T1, security 32, I3: 64 concurrent presentations of one refresh token give one child. A late one never revives an expired child.
async fn one_refresh_token_has_one_live_child(seed: u64, fault_mode: FaultMode) -> Result<(), String> {
    let world = World::builder().seed(seed).build().await.unwrap();
    let customer = Customer::registered(&world, "Edsger").await;
    let client = OAuthClient::demo_app(&world);
    let tokens = client.tokens_for(&customer).await;
    set(&world, fault_mode);
    let answers = run_concurrently((0..ACTORS).map(|_| client.refresh(tokens.refresh()))).await;
    let children: std::collections::BTreeSet<String> =
        answers.iter().filter(|answer| answer.status() == 200).map(|answer| answer.tokens().refresh().to_owned()).collect();
    let tally = tally(&answers);
    check_rule(children.len() <= 1 && count(&tally, 500) == 0, &tally)?;
    world.faults.clear();
    let Some(child) = children.first() else { return Ok(()) };
    // A rotation that read before two other writes must not be stored.
    let grandchild = client.refresh(child).await;
    check_rule(grandchild.status() == 200, &self::tally(std::slice::from_ref(&grandchild)))?;
    let grandchild = grandchild.tokens().refresh().to_owned();
    if let FaultMode::Unconditional(operation) = fault_mode {
        world.faults.add(Calls::Named(operation), Trigger::Always, Fault::Unconditional);
    }
    world.faults.add(Calls::Named("BatchGetItem"), Trigger::Nth(1), Fault::SlowAfter(Duration::from_millis(300)));
    let late = client.refresh(&grandchild);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let next = client.refresh(&grandchild).await.tokens();
        client.refresh(next.refresh()).await
    };
    let (late, meanwhile) = tokio::join!(late, meanwhile);
    check_rule(meanwhile.status() == 200 && late.status() == 400, &self::tally(&[late, meanwhile]))
}

/// T26, security 112: 64 concurrent wrong passwords are evaluated no more often than the limit.
async fn parallel_guesses_evaluate_no_more_than_the_limit(seed: u64, fault_mode: FaultMode) -> Result<(), String> {
    let world = World::builder().seed(seed).build().await.unwrap();
    let customer = Customer::registered(&world, "Barbara").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    set(&world, fault_mode);
    let guesses = (0..ACTORS).map(|n| {
        let (mut browser, page, email) = (browser.clone(), page.clone(), customer.email.clone());
        async move {
            let password = format!("wrong guess number {n}");
            let (_, response) = browser.press(&page, "#submit", &[("identifier", &email), ("password", &password)]).await;
            Answer { response }
        }
    });
    let answers = run_concurrently(guesses).await;
    world.faults.clear();
    let mut tally = Tally::new();
    for answer in &answers {
        *tally.entry((answer.status(), String::new())).or_default() += 1;
    }
    let evaluated = answers.len() - count(&tally, 429) - count(&tally, 503);
    check_rule(evaluated <= 5 && evaluated > 0 && count(&tally, 500) == 0, &tally)?;
    // The window opens again with time: a lockout is not a weapon (security 114).
    world.advance(Span::minutes(16));
    let page = customer.sign_in(&mut browser, &page).await;
    check_rule(!page.has_field("password"), &tally)
}

/// T1, security 95, 105, I1: registrations and changes of address verify one address at once. One account gets it.
async fn one_new_address_has_one_account(seed: u64, fault_mode: FaultMode) -> Result<(), String> {
    const EMAIL_CHANGES: usize = 8;
    let world = World::builder().seed(seed).build().await.unwrap();
    let address = "everybody.wants@example.com";
    let mut movers = Vec::new();
    for n in 0..EMAIL_CHANGES {
        let me = AccountClient::new(&world, &Customer::registered(&world, &format!("Mover{n}")).await).await;
        let requested = me.post("/v1/me/email", &json!({ "email": address })).await;
        assert_eq!(requested.status(), 202, "{}", requested.text());
        // Mails to one address are limited. The codes are derived anyway.
        movers.push((me.clone(), change_code(&world, &me).await));
    }
    let newcomer = begin(&world, &Customer { email: address.to_owned(), ..Customer::new("Newcomer") }).await;
    set(&world, fault_mode);
    let proofs = movers.iter().map(|(me, code)| {
        let body = json!({ "code": code });
        Box::pin(async move { me.post("/v1/me/email/verification", &body).await })
            as std::pin::Pin<Box<dyn Future<Output = Answer>>>
    });
    let new = Box::pin(submit_code(&world, &newcomer.0, &newcomer.1)) as std::pin::Pin<Box<dyn Future<Output = Answer>>>;
    let answers = run_concurrently(proofs.chain(std::iter::once(new))).await;
    world.faults.clear();
    let tally = tally(&answers);
    check_rule(count(&tally, 200) + count(&tally, 201) <= 1 && count(&tally, 500) == 0, &tally)?;
    let mut owners = 0;
    for (me, _) in &movers {
        owners += usize::from(me.get("/v1/me").await.json()["email"] == address);
    }
    check_rule(owners + count(&tally, 201) <= 1, &tally)
}

/// The code of the pending change, as in its mail.
async fn change_code(world: &World, me: &AccountClient) -> String {
    let tenant = world.services.tenant(&"default".parse().unwrap()).await.unwrap();
    let claims = me.tokens.access_claims();
    let jti = claims["jti"].as_str().unwrap().parse().unwrap();
    let at = tenant.keys.locator().unwrap().open_access_token_claim(claims["lk"].as_str().unwrap(), &jti).unwrap();
    let profile = tenant.store.find_profile(at.account).await.unwrap().unwrap().profile;
    let seed = profile.email_change.unwrap().seed;
    tenant.keys.proof().unwrap().account_code(AccountLink::EmailChange, at.account, &seed).unwrap().expose().to_owned()
}

fn check_rule(holds: bool, tally: &Tally) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{tally:?}")) }
}

macro_rules! races {
    ($($name:ident without $operation:literal;)*) => {
        $(mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn holds_under_faults() {
                for seed in seeds() {
                    if let Err(broken) = super::$name(seed, FaultMode::Foul).await {
                        panic!("seed {seed}: {broken}");
                    }
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn breaks_without_its_condition() {
                // On a busy machine the 64 callers may run one after the other. Then the race runs again.
                for seed in 0..5 {
                    if super::$name(seed, FaultMode::Unconditional($operation)).await.is_err() {
                        return;
                    }
                }
                panic!("no race happened: nothing broke without the condition of {}", $operation);
            }
        })*
    };
}

races! {
    one_code_makes_one_account without "TransactWriteItems";
    one_address_has_one_account without "TransactWriteItems";
    one_new_address_has_one_account without "TransactWriteItems";
    one_code_gives_tokens_once without "PutItem";
    one_refresh_token_has_one_live_child without "PutItem";
    parallel_guesses_evaluate_no_more_than_the_limit without "PutItem";
}

//! The job: plan and run, leases, ticks, what is stuck, deadlines (security 132, 140, 141; T11).

use crate::retention::{OVER, erased, tick, world};
use dynoxide::actions::put_item::PutItemRequest;
use latchkey::context::Deadline;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, When};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tests::{Person, invariants};

/// Accounts that are due after the grace.
async fn closed(world: &World, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for _ in 0..count {
        let mut person = Person::new(world).await;
        person.close(Span::days(30)).await;
        people.push(person);
    }
    people
}

/// How often each account was erased, by its audit records.
async fn erasures(world: &World) -> BTreeMap<String, usize> {
    world.pump().await.expect("pumped");
    let mut found = BTreeMap::new();
    for record in &invariants::read(&world.engine).tables["audit"] {
        if record["k"]["S"] == "account_erased" {
            *found.entry(record["acc"]["S"].as_str().expect("an account").to_owned()).or_default() += 1;
        }
    }
    found
}

#[tokio::test]
async fn security_132_a_plan_equals_its_run_and_writes_nothing() {
    let world = world().await;
    closed(&world, 7).await;
    world.advance(OVER);
    let event = json!({ "job": "retention", "time": world.services.clock.now().to_string(), "dry_run": true });
    drop(world.meter.take());
    let plan = world.run_job(&event).await.expect("a plan");
    let cost = world.meter.take_cost();
    assert!(cost.own.write == 0.0 && cost.engine.write == 0.0, "{cost:?}");
    let run = world.run_job(&json!({ "job": "retention", "time": event["time"] })).await.expect("a run");
    assert_eq!((&plan["rules"], &plan["status"]), (&run["rules"], &run["status"]), "{plan} {run}");
    assert_eq!(run["rules"]["erasure"]["erased"], 7);
    assert_eq!((&plan["dry_run"], &run["dry_run"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn security_132_what_is_stuck_is_reported_and_stops_nothing() {
    let world = world().await;
    let people = closed(&world, 5).await;
    // The state of one account does not read any more.
    let account = people[2].authentication.account.to_string();
    let raw = invariants::read(&world.engine);
    let is_broken = |item: &&Value| {
        item["kind"]["S"] == "authentication" && item["pk"]["S"].as_str().is_some_and(|pk| pk.ends_with(&account))
    };
    let mut broken = raw.tables["identities"].iter().find(is_broken).expect("its state").clone();
    broken["ep"] = json!({ "S": "not a number" });
    let request = json!({ "TableName": "identities", "Item": broken });
    let request: PutItemRequest = serde_json::from_value(request).expect("a request");
    world.engine.database().put_item(request).expect("broken");
    world.advance(OVER);
    for round in 0..2 {
        let summary = tick(&world).await;
        let counts = &summary["rules"]["erasure"];
        assert_eq!((erased(&summary), &counts["stuck"]), (if round == 0 { 4 } else { 0 }, &json!(1)), "{summary}");
        assert_eq!(summary["tenants"][0]["stuck"][0]["id"], account);
        // It is tried again in each period, on whatever day it was due.
        world.advance(Span::days(3));
    }
}

#[tokio::test]
async fn security_140_duplicate_and_late_ticks_answer_what_was_done_and_do_nothing() {
    let world = world().await;
    closed(&world, 3).await;
    world.advance(OVER);
    let at = world.services.clock.now();
    let time = |at: latchkey::domain::time::Timestamp| json!({ "job": "retention", "time": at.to_string() });
    let first = world.run_job(&time(at)).await.expect("a summary");
    assert_eq!(erased(&first), 3);
    world.pump().await.expect("pumped");
    for again in [at, at - Span::hours(5)] {
        drop(world.meter.take());
        let same = world.run_job(&time(again)).await.expect("a summary");
        assert_eq!((&same["rules"], &same["status"]), (&first["rules"], &json!("finished")));
        assert!(world.meter.take_cost().own.write == 0.0, "nothing is written");
    }
    let ahead = world.run_job(&time(at + Span::days(1))).await;
    assert!(ahead.is_err_and(|error| error.to_string().contains("is in the future")));
}

/// T11: schedulers that overlap, holders that die, clocks that go on; each account is erased once.
#[tokio::test]
async fn security_140_t11_overlapping_ticks_and_dying_holders_erase_each_account_once() {
    const ROUNDS: usize = 120;
    let world = world().await;
    let mut due = 0;
    let mut ticks = 0;
    for round in 0..ROUNDS {
        if round % 3 == 0 {
            due += closed(&world, 1).await.len();
        }
        world.advance(Span::hours(12));
        let schedulers = 2 + round % 4;
        if round % 5 == 0 {
            // The holder dies at one of its writes; the others meet its lease, or its end.
            let write = u64::try_from(round / 5 % 7 + 1).expect("small");
            world.faults.add(Calls::Writes, When::Nth(write), Fault::CrashAfter);
            let _ = world.run_job_until_crash(&json!({ "job": "retention" })).await;
            world.faults.clear();
            ticks += 1;
        }
        world.faults.add(Calls::Reads, When::Always, Fault::Slow(Duration::from_millis(1)));
        let event = json!({ "job": "retention", "time": world.services.clock.now().to_string() });
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..schedulers {
            let (world, event) = (world.clone(), event.clone());
            running.spawn(async move { world.run_job(&event).await });
            ticks += 1;
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("no panic").expect("a summary");
        }
        world.faults.clear();
    }
    // What was closed in the last month, and what a dead holder left.
    for _ in 0..2 {
        world.advance(OVER);
        tick(&world).await;
    }
    let found = erasures(&world).await;
    assert_eq!((found.len(), found.values().max()), (due, Some(&1)), "{ticks} ticks");
    assert!(ticks > 400, "{ticks} ticks");
    assert!(world.mails().await.expect("mails").iter().all(|mail| !mail.subject.contains("erased")));
}

#[tokio::test]
async fn security_141_it_stops_before_its_deadline_and_goes_on_where_it_was() {
    let world = world().await;
    closed(&world, 3).await;
    world.advance(OVER);
    let event = json!({ "job": "retention", "time": world.services.clock.now().to_string() });
    let short = Deadline::after(Duration::from_secs(5));
    let stopped = world.run_job_until(&event, short).await.expect("a summary");
    assert_eq!((&stopped["status"], erased(&stopped)), (&json!("continues"), 0));
    let done = world.run_job(&event).await.expect("a summary");
    assert_eq!((&done["status"], erased(&done)), (&json!("finished"), 3));
}

#[tokio::test]
async fn anything_else_is_refused_in_words() {
    let world = world().await;
    for (event, words) in [
        (json!({}), "job"),
        (json!({ "job": "laundry" }), "laundry"),
        (json!({ "job": "retention", "tenant": "nobody" }), "nobody"),
        (json!({ "job": "retention", "time": "soon" }), "time"),
        (json!({ "job": "retention", "dry": true }), "dry"),
        (json!({ "job": "hold" }), "email"),
        (json!({ "job": "hold", "email": "no address" }), "address"),
        (json!([1]), ""),
        (json!(null), ""),
    ] {
        let error = world.run_job(&event).await.expect_err("refused").to_string();
        assert!(error.contains(words), "{event}: {error}");
    }
}

//! The retention job: plan and run, leases, ticks, stuck accounts, deadlines (security 132, 140, 141; T11).

use crate::retention::erase::{restoration, restore_backup};
use crate::retention::{AFTER_GRACE, close, create_user_with_canaries, erased, tick, world};
use dynoxide::actions::put_item::PutItemRequest;
use latchkey::context::Deadline;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tests::{AccountClient, Anonymous, SignedInUser, invariants};

/// Closes this many accounts. All are due after the grace period.
async fn close_accounts(world: &World, count: usize) -> Vec<SignedInUser> {
    let mut people = Vec::new();
    for _ in 0..count {
        let mut person = SignedInUser::new(world).await;
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
    close_accounts(&world, 7).await;
    world.advance(AFTER_GRACE);
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
async fn security_132_a_stuck_account_is_reported_and_does_not_stop_the_job() {
    let world = world().await;
    let people = close_accounts(&world, 5).await;
    // The state of one account is unreadable.
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
    world.advance(AFTER_GRACE);
    for round in 0..2 {
        let summary = tick(&world).await;
        let counts = &summary["rules"]["erasure"];
        assert_eq!((erased(&summary), &counts["stuck"]), (if round == 0 { 4 } else { 0 }, &json!(1)), "{summary}");
        assert_eq!(summary["tenants"][0]["stuck"][0]["id"], account);
        // It is tried again in each period, on any day after it was due.
        world.advance(Span::days(3));
    }
}

#[tokio::test]
async fn security_140_duplicate_and_late_ticks_return_the_old_result_and_do_nothing() {
    let world = world().await;
    close_accounts(&world, 3).await;
    world.advance(AFTER_GRACE);
    let at = world.services.clock.now();
    let time = |at: latchkey::domain::time::Timestamp| json!({ "job": "retention", "time": at.to_string() });
    let first = world.run_job(&time(at)).await.expect("a summary");
    assert_eq!(erased(&first), 3);
    world.pump().await.expect("pumped");
    for again in [at, at - Span::hours(5)] {
        drop(world.meter.take());
        let same = world.run_job(&time(again)).await.expect("a summary");
        assert_eq!((&same["rules"], &same["status"]), (&first["rules"], &json!("finished")));
        assert!(world.meter.take_cost().own.write == 0.0, "no write");
    }
    let ahead = world.run_job(&time(at + Span::days(1))).await;
    assert!(ahead.is_err_and(|error| error.to_string().contains("is in the future")));
}

/// T11: schedulers overlap, lease holders die, clocks move. Each account is erased once.
/// Rounds of overlapping ticks. Every third round closes an account; every fifth kills a holder at one of its writes.
async fn overlap(rounds: std::ops::Range<usize>) {
    let expected_ticks = 3 * rounds.len();
    let world = world().await;
    let mut due = 0;
    let mut ticks = 0;
    for round in rounds {
        if round % 3 == 0 {
            due += close_accounts(&world, 1).await.len();
        }
        world.advance(Span::hours(12));
        let schedulers = 2 + round % 4;
        if round % 5 == 0 {
            // The holder dies at one of its writes. The others wait for its lease, or for the end of the lease.
            let write = u64::try_from(round / 5 % 7 + 1).expect("small");
            world.faults.add(Calls::Writes, Trigger::Nth(write), Fault::CrashAfter);
            let _ = world.run_job_until_crash(&json!({ "job": "retention" })).await;
            world.faults.clear();
            ticks += 1;
        }
        world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(Duration::from_millis(1)));
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
    // The accounts closed in the last month, and those that a dead holder left.
    for _ in 0..2 {
        world.advance(AFTER_GRACE);
        tick(&world).await;
    }
    let found = erasures(&world).await;
    assert_eq!((found.len(), found.values().max()), (due, Some(&1)), "{ticks} ticks");
    assert!(ticks > expected_ticks, "{ticks} ticks");
    assert!(world.mails().await.expect("mails").iter().all(|mail| !mail.subject.contains("erased")));
}

mod security_140_t11_overlapping_ticks_and_dying_holders_erase_each_account_once {
    use super::overlap;

    #[tokio::test]
    async fn rounds_0_to_40() {
        overlap(0..40).await;
    }
    #[tokio::test]
    async fn rounds_40_to_80() {
        overlap(40..80).await;
    }
    #[tokio::test]
    async fn rounds_80_to_120() {
        overlap(80..120).await;
    }
}

#[tokio::test]
async fn security_141_the_job_stops_before_its_deadline_and_continues_later() {
    let world = world().await;
    close_accounts(&world, 3).await;
    world.advance(AFTER_GRACE);
    let event = json!({ "job": "retention", "time": world.services.clock.now().to_string() });
    let short = Deadline::after(Duration::from_secs(5));
    let stopped = world.run_job_until(&event, short).await.expect("a summary");
    assert_eq!((&stopped["status"], erased(&stopped)), (&json!("continues"), 0));
    let done = world.run_job(&event).await.expect("a summary");
    assert_eq!((&done["status"], erased(&done)), (&json!("finished"), 3));
}

#[tokio::test]
async fn an_unknown_job_is_refused_with_a_reason() {
    let world = world().await;
    for (event, words) in [
        (json!({}), "job"),
        (json!({ "job": "laundry" }), "laundry"),
        (json!({ "job": "retention", "tenant": "unknown" }), "unknown"),
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

/// T23: the service was down, or its data was lost, when the erasure of a replayed request became due. The person can still use the mailed link.
#[tokio::test]
async fn security_132_t23_a_replayed_request_that_is_overdue_leaves_time_to_restore_the_account() {
    let world = world().await;
    let (ada, of_ada) = create_user_with_canaries(&world, "Ada").await;
    let (_, of_bob) = create_user_with_canaries(&world, "Bob").await;
    let since = world.services.clock.now();
    let backup = invariants::read(&world.engine).tables["identities"].clone();
    world.advance(Span::minutes(1));
    close(&of_ada).await;
    close(&of_bob).await;
    let (token, code) = restoration(&world, &ada).await;
    world.advance(AFTER_GRACE);
    restore_backup(&world, &backup);
    let replay = json!({ "job": "replay_erasures", "since": since.to_string() });
    let summary = world.run_job(&replay).await.expect("a summary");
    assert_eq!(summary["rules"]["erasure"]["closed"], 2, "{summary}");
    assert_eq!(erased(&tick(&world).await), 0, "not at once");
    world.advance(Span::days(6));
    assert_eq!(erased(&tick(&world).await), 0);
    let body = json!({ "token": token, "code": code });
    assert_eq!(Anonymous::new(&world).post_json("/v1/me/restoration", &body).await.status(), 204);
    world.advance(Span::days(2));
    assert_eq!(erased(&tick(&world).await), 1, "the other one");
    assert_eq!(AccountClient::new(&world, &ada).await.get("/v1/me").await.status(), 200);
    world.pump().await.expect("pumped");
    assert_eq!(invariants::scan_tables(&invariants::read(&world.engine)), Vec::<String>::new());
}

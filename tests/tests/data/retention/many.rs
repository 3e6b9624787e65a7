//! Many due accounts at once: bounded pages, killed and resumed at any page. No account is lost or erased twice.
//!
//! `LATCHKEY_DUE=100000 cargo test --release -p tests --test data retention::many -- --nocapture` is the long run.

use crate::retention::world;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, When};
use serde_json::json;
use tests::{SignedInUser, invariants};

#[tokio::test]
async fn many_due_accounts_are_erased_once_however_often_the_holder_dies() {
    #[expect(clippy::disallowed_methods, reason = "a variable sets the length of the run")]
    let due: usize = std::env::var("LATCHKEY_DUE").ok().and_then(|due| due.parse().ok()).unwrap_or(400);
    let world = world().await;
    for _ in 0..due {
        SignedInUser::new(&world).await.close(Span::days(30)).await;
    }
    world.advance(Span::days(31));
    // Killed again and again, each time a little later.
    let mut kills = 0;
    for write in [37, 401, 977] {
        world.faults.add(Calls::Writes, When::Nth(write), Fault::CrashAfter);
        kills += usize::from(world.run_job_until_crash(&json!({ "job": "retention" })).await.is_none());
        world.faults.clear();
        world.advance(Span::hours(1));
    }
    assert_eq!(kills, 3);
    drop(world.meter.take());
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary");
    let largest = world.meter.take().iter().map(|call| call.own.read).fold(0.0, f64::max);
    assert!(largest <= 16.0, "a page of {largest} units");
    world.pump().await.expect("pumped");
    let raw = invariants::read(&world.engine);
    let of = |table: &str, kind: &str| raw.tables[table].iter().filter(|item| item["kind"]["S"] == kind).count();
    assert_eq!((of("keys", "tombstone"), of("identities", "due_erasure"), of("keys", "data_key")), (due, 0, 0));
    let erased = raw.tables["audit"].iter().filter(|record| record["k"]["S"] == "account_erased").count();
    assert_eq!(erased, due, "each account is erased once");
}

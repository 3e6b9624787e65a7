//! Many due accounts at once: bounded pages, killed and resumed at any page. No account is lost or erased twice.
//!
//! `LATCHKEY_DUE=100000 cargo test --release -p tests --test data retention::many -- --nocapture` is the long run.

use crate::retention::world;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::json;
use tests::{SignedInUser, invariants};

/// Erases `due` accounts in one period, killed after each of these writes. Each one resumes, and is killed a little later.
async fn erase_killed_at(due: usize, writes: &[u64]) {
    let world = world().await;
    for _ in 0..due {
        SignedInUser::new(&world).await.close(Span::days(30)).await;
    }
    world.advance(Span::days(31));
    let mut kills = 0;
    for write in writes {
        world.faults.add(Calls::Writes, Trigger::Nth(*write), Fault::CrashAfter);
        kills += usize::from(world.run_job_until_crash(&json!({ "job": "retention" })).await.is_none());
        world.faults.clear();
        world.advance(Span::hours(1));
    }
    assert_eq!(kills, writes.len());
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

mod many_due_accounts_are_erased_once_however_often_the_holder_dies {
    use super::erase_killed_at;

    #[tokio::test]
    async fn killed_early() {
        erase_killed_at(70, &[37, 3, 1]).await;
    }
    #[tokio::test]
    async fn killed_in_the_middle() {
        erase_killed_at(70, &[151, 37]).await;
    }
    #[tokio::test]
    async fn killed_late() {
        erase_killed_at(70, &[251]).await;
    }
    #[tokio::test]
    async fn killed_twice() {
        erase_killed_at(70, &[97, 101]).await;
    }
    #[tokio::test]
    async fn killed_at_the_first_write() {
        erase_killed_at(70, &[1, 1, 2]).await;
    }
    /// More pages than one: the long run sets `LATCHKEY_DUE`.
    #[tokio::test]
    async fn many_pages() {
        #[expect(clippy::disallowed_methods, reason = "a variable sets the length of the run")]
        let due: Option<usize> = std::env::var("LATCHKEY_DUE").ok().and_then(|due| due.parse().ok());
        match due {
            Some(due) => erase_killed_at(due, &[37, 401, 977]).await,
            None => erase_killed_at(90, &[211]).await,
        }
    }
}

//! Measures whether the time of a refused password shows which accounts exist (security 71) during a migration from a user pool. It
//! compares a local account, a pool user, an unknown address, and another unknown address as the control. The requests run one after the
//! other, in a different order each round, in one process.
#![expect(clippy::expect_used, reason = "a measurement that can't be made ends the command")]

use clap::Parser;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use measure::rank::{Compared, compare, median};
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::user_pool::{CLIENT_ID, Mode, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Customer};

/// Measures how long refused passwords take, by where the account exists
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// How many wrong passwords of each kind
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// How long the pool takes to answer, in milliseconds
    #[arg(long, default_value_t = 60)]
    pool_ms: u64,
    /// The commit, recorded with the figures
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// The output file (JSON)
    #[arg(long, default_value = "docs/benchmarks/refusals.json")]
    into: PathBuf,
}

/// The kinds of accounts.
const KINDS: [&str; 4] = ["known here", "in the pool", "unknown", "unknown again"];
/// How many accounts of each kind: enough that no rate limit applies.
const PEOPLE: u32 = 50;
/// Requests before the measurement.
const WARM: u32 = 50;

#[derive(Serialize)]
struct Figures {
    latchkey: &'static str,
    commit: String,
    release: bool,
    rounds: u32,
    pool_ms: u64,
    /// Milliseconds.
    medians: Vec<(&'static str, f64)>,
    /// Each kind compared with "unknown".
    against_unknown: Vec<(&'static str, Compared)>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { rounds, pool_ms, commit, into } = Arguments::parse();
    let took = measured(rounds, Duration::from_millis(pool_ms)).await;
    let medians = KINDS.iter().zip(&took).map(|(kind, times)| (*kind, median(times))).collect();
    let against_unknown = [0, 1, 3].map(|kind| (KINDS[kind], compare(&took[kind], &took[2]))).into();
    let release = !cfg!(debug_assertions);
    let figures = Figures { latchkey: env!("CARGO_PKG_VERSION"), commit, release, rounds, pool_ms, medians, against_unknown };
    let text = serde_json::to_string_pretty(&figures).unwrap_or_default() + "\n";
    let _ = write!(std::io::stdout(), "{text}");
    match into.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&into, text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}: {error}", into.display());
            ExitCode::FAILURE
        }
    }
}

/// The times of each kind, in milliseconds.
async fn measured(rounds: u32, pool_takes: Duration) -> [Vec<f64>; 4] {
    let pool = UserPool::default();
    let builder =
        World::builder().tenant("default", &document(POOL_ID, CLIENT_ID, "")).legacy_directory(pool.legacy_directory());
    let world = builder.build().await.expect("a world");
    for number in 0..PEOPLE {
        Customer::registered(&world, &format!("Here{number:03}")).await;
        let there = Customer::new(&format!("Pool{number:03}"));
        pool.put(PoolUser::confirmed(&there.email, &there.password, &format!("00000000-0000-4000-8000-{number:012}")));
    }
    pool.set(Mode::Slow(pool_takes));
    let mut took: [Vec<f64>; 4] = std::array::from_fn(|_| Vec::new());
    for round in 0..WARM + rounds {
        let number = round % PEOPLE;
        let emails = [
            format!("here{number:03}@example.com"),
            format!("pool{number:03}@example.com"),
            format!("none{round:03}@example.com"),
            format!("noone{round:03}@example.com"),
        ];
        for kind in (0..4).map(|kind| (kind + round as usize) % 4) {
            let time = refused(&world, &emails[kind]).await;
            if round >= WARM {
                took[kind].push(time.as_secs_f64() * 1e3);
            }
        }
        if number == PEOPLE - 1 {
            // Reset all rate limit windows.
            world.advance(Span::hours(25));
            let _ = write!(std::io::stderr(), "\r{} of {rounds}", (round + 1).saturating_sub(WARM));
        }
    }
    let _ = writeln!(std::io::stderr());
    took
}

/// How long one wrong password takes, without loading the sign-in page.
async fn refused(world: &World, email: &str) -> Duration {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    let begun = Instant::now();
    let answer = browser.submit(&page, "#submit", &[("identifier", email), ("password", "not the 9 right one")]).await;
    let took = begun.elapsed();
    assert_eq!(answer.status(), 400, "{email}: {}", answer.text());
    took
}

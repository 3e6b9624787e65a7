//! T20, security 141: every command runs on a slow store, with too little time at each of its requests in turn. No write is
//! late, the caller gets a 503, and a retry works.

use std::time::Duration;
use tests::command::{Command, PreparedCommand};
use tests::watch::Watch;
use tokio::task::JoinSet;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A write must have half a second left. The machine may pause between the check of the clock and the write.
const LEAST: Duration = ms(250);
/// Concurrent commands: they mostly wait.
const AT_ONCE: usize = 6;

/// Runs the command with each of these times. Returns the number of writes.
async fn sweep(ready: &mut PreparedCommand, watch: &Watch, command: Command, delay: Duration, times: &[Duration]) -> usize {
    let mut writes = 0;
    for given in times {
        watch.set(delay, Some(*given));
        let outcome = ready.run().await;
        let begun = watch.take();
        // A request after the answer would be seen here.
        tokio::time::sleep(2 * delay).await;
        assert!(watch.take().is_empty(), "{command:?} continues after its answer");
        for write in begun.iter().filter(|seen| latchkey_local::fault::is_write(&seen.operation)) {
            writes += 1;
            assert!(write.left.is_some_and(|left| left >= LEAST), "{command:?} in {given:?}: begins {write:?}");
            assert!(write.applied.is_none_or(|left| left > Duration::ZERO), "{command:?} in {given:?}: late {write:?}");
        }
        if *given < ms(500) {
            assert!(!outcome.expected, "{command:?} in {given:?}: {}", outcome.words);
        }
        if outcome.expected {
            return writes;
        }
        let is_503 = ["503", "unavailable", "Back in a moment"].into_iter().any(|words| outcome.words.contains(words));
        assert!(is_503, "{command:?} in {given:?}: {}", outcome.words);
    }
    watch.set(Duration::ZERO, Some(ms(29_000)));
    let outcome = ready.run().await;
    assert!(outcome.expected, "{command:?} with time enough: {}", outcome.words);
    writes + watch.take().iter().filter(|seen| latchkey_local::fault::is_write(&seen.operation)).count()
}

async fn try_command(command: Command) {
    let (world, watch, _) = Watch::world().await;
    // A store that takes 40 ms: at each request in turn, the half second is left.
    let mut times = vec![ms(50), ms(250), ms(499)];
    times.extend((0..10).map(|step| ms(510 + 40 * step)));
    // A store that takes longer than a call may: its write is stopped before it is applied.
    let slow = [ms(50), ms(700), ms(1_200), ms(2_000)];
    for (name, delay, times) in [("Quick", ms(40), &times[..]), ("Slow", ms(600), &slow[..])] {
        watch.set(Duration::ZERO, None);
        let mut ready = command.prepare(&world, &format!("{command:?}{name}")).await;
        drop(watch.take());
        assert!(sweep(&mut ready, &watch, command, delay, times).await > 0, "{command:?} makes no write");
    }
    // It released its resources: the next request works.
    watch.set(Duration::ZERO, None);
    let outcome = command.prepare(&world, &format!("{command:?}Next")).await.run().await;
    assert!(outcome.expected, "{command:?}: {}", outcome.words);
    assert!(world.pump().await.is_ok());
    tests::invariants::assert_hold(&world.engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t20_security_141_no_command_writes_late_however_little_time_it_has() {
    let mut running = JoinSet::new();
    for command in Command::ALL {
        if running.len() == AT_ONCE {
            assert!(running.join_next().await.is_some_and(|ended| ended.is_ok()));
        }
        running.spawn(try_command(command));
    }
    while let Some(ended) = running.join_next().await {
        assert!(ended.is_ok(), "{ended:?}");
    }
}

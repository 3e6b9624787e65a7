//! Every command, failing at each of its writes (T3, T4, T5, T6; security 133–135): no command is half done or done twice,
//! and a lost reply never looks like a replay.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::command::Command;
use tests::{World, invariants};

/// All users of a test come from one address, and cause more mails than one network may.
async fn many_networks() -> World {
    World::builder().without_source_limits().build().await.unwrap()
}

/// More writes than any command makes.
const MAX_WRITES: u64 = 12;

/// Commands of one of two halves: the halves run in parallel.
fn half(number: usize) -> impl Iterator<Item = Command> {
    Command::ALL.into_iter().skip(number).step_by(2)
}

async fn crash_at_any_write(fault: Fault, commands: impl Iterator<Item = Command>) {
    let world = many_networks().await;
    let (mut points, mut tried) = (0, 0);
    for command in commands {
        tried += 1;
        for write in 1..=MAX_WRITES {
            let mut ready = command.prepare(&world, &format!("{command:?}{fault:?}{write}")).await;
            world.faults.clear();
            world.faults.add(Calls::Writes, Trigger::Nth(write), fault);
            let crashed = tokio::select! {
                outcome = ready.run() => {
                    assert!(outcome.expected, "{command:?}: {}", outcome.words);
                    false
                }
                () = world.faults.crashed() => true,
            };
            world.faults.clear();
            // The process restarts: the stream continues, and the user tries again.
            world.pump().await.unwrap();
            let retried = ready.run().await;
            assert!(!retried.words.starts_with('5'), "{command:?} after {fault:?} at {write}: {}", retried.words);
            let repeatable = matches!(
                command,
                Command::StartRegistration | Command::SignIn | Command::Authorize | Command::Refresh | Command::Revoke
            );
            assert!(retried.expected || !repeatable, "{command:?} after {fault:?} at {write}: {}", retried.words);
            if !crashed {
                assert!(write > 1, "{command:?} makes no write");
                break;
            }
            points += 1;
            assert!(write < MAX_WRITES, "{command:?} makes too many writes");
        }
    }
    assert!(points >= tried && tried >= Command::ALL.len() / 2, "{points} points, {tried} commands");
    world.pump().await.unwrap();
    invariants::assert_hold(&world.engine);
}

mod t3_a_crash_at_any_write_of_any_command_leaves_nothing_half_done {
    use super::{Fault, crash_at_any_write, half};

    #[tokio::test]
    async fn before_the_write_first_half() {
        crash_at_any_write(Fault::CrashBefore, half(0)).await;
    }
    #[tokio::test]
    async fn before_the_write_second_half() {
        crash_at_any_write(Fault::CrashBefore, half(1)).await;
    }
    #[tokio::test]
    async fn after_the_write_first_half() {
        crash_at_any_write(Fault::CrashAfter, half(0)).await;
    }
    #[tokio::test]
    async fn after_the_write_second_half() {
        crash_at_any_write(Fault::CrashAfter, half(1)).await;
    }
}

#[tokio::test]
async fn t4_a_lost_reply_at_any_write_changes_neither_the_answer_nor_the_effect() {
    let world = many_networks().await;
    let mut points = 0;
    for command in Command::ALL {
        for write in 1..=MAX_WRITES {
            let mut ready = command.prepare(&world, &format!("{command:?}Lost{write}")).await;
            world.faults.clear();
            world.faults.add(Calls::Writes, Trigger::Nth(write), Fault::TimeoutAfter);
            let outcome = ready.run().await;
            assert!(outcome.expected, "{command:?}, reply {write} lost: {}", outcome.words);
            let struck = world.faults.injected();
            world.faults.clear();
            if command == Command::Refresh {
                // A caller that lost its own reply gets the same child token.
                let retried = ready.run().await;
                assert_eq!(retried.secret, outcome.secret, "{}", retried.words);
            }
            if struck == points {
                break;
            }
            points = struck;
        }
    }
    assert!(points >= Command::ALL.len() as u64, "{points} points");
    world.pump().await.unwrap();
    invariants::assert_hold(&world.engine);
}

async fn one_fault_is_hidden(calls: Calls, fault: Fault) {
    let world = many_networks().await;
    for command in Command::ALL {
        // All these users register from one network.
        world.advance(Span::hours(1));
        let mut ready = command.prepare(&world, &format!("{command:?}{fault:?}")).await;
        world.faults.add(calls, Trigger::Nth(1), fault);
        let outcome = ready.run().await;
        world.faults.clear();
        assert!(outcome.expected, "{command:?} with one {fault:?}: {}", outcome.words);
    }
    world.pump().await.unwrap();
    invariants::assert_hold(&world.engine);
}

mod t5_single_faults_are_retried {
    use super::{Calls, Fault, one_fault_is_hidden};

    #[tokio::test]
    async fn throttled() {
        one_fault_is_hidden(Calls::Any, Fault::Throttle).await;
    }
    #[tokio::test]
    async fn an_internal_error() {
        one_fault_is_hidden(Calls::Any, Fault::Internal).await;
    }
    #[tokio::test]
    async fn a_timeout_before_the_call() {
        one_fault_is_hidden(Calls::Any, Fault::TimeoutBefore).await;
    }
    #[tokio::test]
    async fn a_transaction_conflict() {
        one_fault_is_hidden(Calls::Writes, Fault::Conflict).await;
    }
    #[tokio::test]
    async fn a_partial_batch() {
        one_fault_is_hidden(Calls::Reads, Fault::Partial).await;
    }
}

#[tokio::test]
async fn t6_a_lasting_outage_is_a_503() {
    let world = many_networks().await;
    for command in Command::ALL {
        world.advance(Span::hours(1));
        let mut ready = command.prepare(&world, &format!("{command:?}Outage")).await;
        world.faults.add(Calls::Writes, Trigger::Always, Fault::Throttle);
        let outcome = ready.run().await;
        world.faults.clear();
        let is_503 = ["503", "unavailable", "Back in a moment"].into_iter().any(|words| outcome.words.contains(words));
        assert!(is_503 && !outcome.expected, "{command:?}: {}", outcome.words);
        // The command was not done: it can be done now.
        let outcome = ready.run().await;
        assert!(outcome.expected, "{command:?} after the outage: {}", outcome.words);
    }
    world.pump().await.unwrap();
    invariants::assert_hold(&world.engine);
}

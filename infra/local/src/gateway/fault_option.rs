//! Faults on the command line: `KIND[=MS][@CALLS][:CHANCE|#NTH]`.

use crate::fault::{Calls, Fault, Trigger};
use std::str::FromStr;
use std::time::Duration;

/// One fault of the command line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultOption {
    /// Which calls.
    pub calls: Calls,
    /// When.
    pub trigger: Trigger,
    /// What happens.
    pub fault: Fault,
}

/// The operations that a rule may name.
const OPERATIONS: [&str; 7] = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"];

impl FromStr for FaultOption {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, trigger) = if let Some((rest, chance)) = text.split_once(':') {
            let chance = chance.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
            (rest, Trigger::Chance(chance.ok_or("after : comes a chance from 0 to 1")?))
        } else if let Some((rest, nth)) = text.split_once('#') {
            (rest, Trigger::Nth(nth.parse().map_err(|_| "after # comes the number of a call")?))
        } else {
            (text, Trigger::Always)
        };
        let (kind, calls) = match rest.split_once('@') {
            None => (rest, Calls::Any),
            Some((kind, "reads")) => (kind, Calls::Reads),
            Some((kind, "writes")) => (kind, Calls::Writes),
            Some((kind, name)) => match OPERATIONS.into_iter().find(|operation| *operation == name) {
                Some(operation) => (kind, Calls::Named(operation)),
                None => return Err(format!("after @ comes reads, writes or one of {}", OPERATIONS.join(", "))),
            },
        };
        let fault = match kind.split_once('=').unwrap_or((kind, "")) {
            ("throttle", "") => Fault::Throttle,
            ("conflict", "") => Fault::Conflict,
            ("internal", "") => Fault::Internal,
            ("timeout-before", "") => Fault::TimeoutBefore,
            ("timeout-after", "") => Fault::TimeoutAfter,
            ("partial", "") => Fault::Partial,
            ("crash-before", "") => Fault::CrashBefore,
            ("crash-after", "") => Fault::CrashAfter,
            ("slow", millis) => {
                Fault::Slow(Duration::from_millis(millis.parse().map_err(|_| "slow needs milliseconds, such as slow=50")?))
            }
            _ => return Err(format!("there is no fault {kind:?}")),
        };
        Ok(Self { calls, trigger, fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_it_is_written() {
        let rule = |calls, trigger, fault| Ok(FaultOption { calls, trigger, fault });
        let cases = [
            ("throttle", rule(Calls::Any, Trigger::Always, Fault::Throttle)),
            (
                "conflict@TransactWriteItems:0.5",
                rule(Calls::Named("TransactWriteItems"), Trigger::Chance(0.5), Fault::Conflict),
            ),
            ("crash-after@writes#7", rule(Calls::Writes, Trigger::Nth(7), Fault::CrashAfter)),
            ("slow=50@reads", rule(Calls::Reads, Trigger::Always, Fault::Slow(Duration::from_millis(50)))),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<FaultOption>(), expected, "{text}");
        }
        for text in ["", "melt", "throttle:2", "throttle:x", "throttle#x", "throttle@Everything", "slow", "throttle=3"] {
            assert!(text.parse::<FaultOption>().is_err(), "{text}");
        }
    }
}

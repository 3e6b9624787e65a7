//! Measures the cost and the speed of Latchkey.
//!
//! | command | what it measures | output |
//! |---|---|---|
//! | `cost` | requests, units, KMS calls, mails and log bytes of each operation; no clock | `docs/cost.md` |
//! | `cold-start` | exec to the first response, of every function's release binary and a minimal one | `docs/benchmarks.md` |
//! | `warm` | CPU time of a request, for each operation and for its parts | `docs/benchmarks.md` |
//! | `refusals` | how long a wrong password takes, by where the account exists | `docs/cognito.md` |
//!
//! The first one is a check: a test regenerates its documents and compares them. The others depend on the machine and check nothing.
#![expect(clippy::expect_used, reason = "a measurement that can't be made ends the command")]

pub mod cost;
pub mod rank;
pub mod sandbox;

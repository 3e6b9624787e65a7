//! What Latchkey costs and how fast it is.
//!
//! | command | what it measures | where it goes |
//! |---|---|---|
//! | `cost` | requests, units, KMS calls, mails and log bytes of each operation; no clock | `docs/cost.md` |
//! | `cold-start` | exec to the first response, of every function's release binary, beside a bare one | `docs/benchmarks.md` |
//! | `warm` | CPU of a request, operation by operation, and of the pieces that it is made of | `docs/benchmarks.md` |
//! | `refusals` | how long a wrong password takes, by who is known where | `docs/cognito.md` |
//!
//! The first is a gate: a test makes its documents again and compares. The others depend on the machine and gate nothing.
#![expect(clippy::expect_used, reason = "a measurement that can't be made ends the command")]

pub mod cost;
pub mod rank;
pub mod sandbox;

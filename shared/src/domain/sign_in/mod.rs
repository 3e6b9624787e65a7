//! Sign-in: evidence, policy, completion.
//!
//! ```text
//! method ──▶ Evidence ──▶ policy ──▶ completion ──▶ Session (its proofs) ──▶ Grant ──▶ tokens (`acr`, `amr`, `auth_time`)
//! (one file each)         │         (one place opens or upgrades sessions)
//!                         └─▶ second step (an attempt, or a live session, keeps what was proven so far)
//! ```
//!
//! 1. A *method* proves something about one account, and returns [`evidence::Evidence`]. It knows no policy.
//! 2. *Policy* ([`policy`]) looks at the account's state and what was proven, and says whether a second step is due.
//! 3. *Completion* ([`complete`]) alone opens and renews sessions, makes devices known and resets failure windows. It opens nothing below the
//!    level that the account needs.
//! 4. A session keeps up to four [`evidence::Proof`]s, and gives them to its grants. One rule, [`evidence::Proofs::satisfies`], answers
//!    self-service, authorization requests and RFC 9470.

pub mod assurance;
pub mod attempt;
pub mod complete;
pub mod evidence;
pub mod factors;
pub mod method;
pub mod methods;
pub mod policy;
pub mod second_step;
pub mod throttle;
pub mod ways_in;

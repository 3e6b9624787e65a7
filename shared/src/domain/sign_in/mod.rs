//! Sign-in: evidence, policy, completion.
//!
//! ```text
//! method ──▶ Evidence ──▶ completion ──▶ Session (its proofs) ──▶ Grant ──▶ tokens (`acr`, `amr`, `auth_time`)
//! (one file each)        (one place opens or upgrades sessions)
//! ```
//!
//! 1. A *method* proves something about one account, and returns [`evidence::Evidence`]. It knows no policy.
//! 2. *Completion* ([`complete`]) alone opens and renews sessions, makes devices known and resets failure windows.
//! 3. A session keeps up to four [`evidence::Proof`]s, and gives them to its grants. One rule, [`evidence::Proofs::satisfies`], answers
//!    self-service, authorization requests and RFC 9470.

pub mod assurance;
pub mod complete;
pub mod evidence;
pub mod method;
pub mod methods;
pub mod throttle;

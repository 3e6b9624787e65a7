//! Constructors of [`Change`](super::change::Change), grouped by subject: one for each possible write of a decision.
//!
//! Each one sets its event or none, and lists its writes in order. `store/changes.golden` shows each of them in every shape. A
//! test fails if a constructor is missing there.

mod account;
mod erasure;
mod flow;
mod grant;
mod lost_factor;
mod new_account;
mod not_me;
mod passkey;
mod password;
mod profile;
mod reclaim;
mod requirements;
mod second_factor;
mod session;
mod source;

pub use new_account::NewAccount;

//! Constructors of [`Change`](super::change::Change), by what they are about: one for each thing that a decision can have written.
//!
//! Each names its event or chooses none, and lists its writes in their order. `store/changes.golden` shows every one of them in every
//! shape; a test finds a constructor that is missing there.

mod account;
mod erasure;
mod flow;
mod grant;
mod new_account;
mod password;
mod profile;
mod session;

pub use new_account::NewAccount;

//! The local gateway: every function behind one address of this machine.
//!
//! 1. Read flags and environment ([`options`]). An error is one line and exit status 2.
//! 2. Lock and open the data folder, check documents, create tables ([`startup`]).
//! 3. Serve connections ([`server`]): the functions' routes and the gateway's own pages ([`crate::pages`]).
//! 4. Read the stream in parallel ([`mailbox`]). A signal stops everything in order.

pub mod fault_option;
pub mod mailbox;
pub mod options;
mod private;
pub mod server;
mod start_error;
pub mod startup;
pub mod state_table;
mod tls;

pub use options::{Command, Options};
pub use start_error::StartError;
pub use startup::Gateway;

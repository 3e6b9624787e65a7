//! The local gateway: every function behind one address of this machine.
//!
//! 1. Flags and environment are read once ([`options`]); what is wrong is one line and exit status 2.
//! 2. The data folder is locked and opened, documents checked, tables made ([`startup`]).
//! 3. Connections are served ([`server`]); the functions' routes and the gateway's own pages ([`crate::pages`]) answer.
//! 4. The stream runs beside them ([`mailbox`]); a signal ends all of it in order.

pub mod fault_option;
pub mod mailbox;
pub mod notebook;
pub mod options;
pub mod server;
pub mod startup;
mod tls;

pub use options::Options;
pub use startup::{Gateway, Refusal};

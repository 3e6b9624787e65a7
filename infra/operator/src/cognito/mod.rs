//! `latchkey cognito`: migration from and to a Cognito user pool (docs/cognito.md).

mod export;
mod import;
mod pool;
mod status;

use crate::refused::Refused;
use clap::Subcommand;

/// Migration from and to a user pool.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes accounts of the pool's users before they sign in; their passwords follow when they do. Run again, it goes on where it was
    /// broken off.
    Import(import::Import),
    /// Writes everybody into the file that a user pool's import job takes: the way back. Passwords go back by the pool's user migration
    /// trigger.
    Export(export::Export),
    /// Counts who of the pool has come, who uses it, who is left and why, and who came on which day. Changes nothing.
    Status(status::Status),
}

/// Runs the command. Returns whether all of it was done.
pub(crate) async fn run(command: &Command) -> Result<bool, Refused> {
    match command {
        Command::Export(export) => export::run(export).await,
        Command::Import(import) => import::run(import).await,
        Command::Status(status) => status::run(status).await.map(|()| true),
    }
}

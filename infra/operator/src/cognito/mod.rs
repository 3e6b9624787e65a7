//! `latchkey cognito`: migration from and to a Cognito user pool (docs/cognito.md).

mod export;
mod import;
mod pool;
mod status;

use crate::command_error::CommandError;
use clap::Subcommand;

/// Migration from and to a user pool.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Creates accounts for the pool's users before they sign in; their passwords follow at the first sign-in. An interrupted run can be
    /// repeated
    Import(import::Import),
    /// Writes users to a file for the import job of a user pool (reverse migration). Passwords follow by the pool's user migration trigger
    Export(export::Export),
    /// Counts the pool's users who have moved, who are active, and who are left and why, and the moves per day. Changes nothing
    Status(status::Status),
}

/// Runs the command. Returns whether all of it was done.
pub(crate) async fn run(command: &Command) -> Result<bool, CommandError> {
    match command {
        Command::Export(export) => export::run(export).await,
        Command::Import(import) => import::run(import).await,
        Command::Status(status) => status::run(status).await.map(|()| true),
    }
}

//! `latchkey events redrive`: processes failed stream batches and dead mails again, after the cause is fixed.
//!
//! 1. Invoke Events with each failed batch of the bucket StreamFailures, in the order of object names (shard, then time). Remove the object
//!    after the whole batch has succeeded.
//! 2. Move the messages of MailDeadLetters back to the mail queue.
//!
//! Processing a batch twice is safe: an audit record has one key, and an outdated mail is dropped. A mail that was already sent may be sent
//! again.

mod dead_letters;
mod failures;

use crate::command_error::CommandError;
use crate::target::{Place, TargetOptions};
use crate::terminal::{confirm, say};
use clap::Subcommand;
use dead_letters::DeadLetters;
use failures::FailedBatches;
pub(crate) use failures::s3_config;

/// Failed stream batches and mails.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Processes failures again: lists them, asks for confirmation, and continues. The exit code is 1 if something is left
    Redrive {
        #[command(flatten)]
        target: TargetOptions,
        /// Only list the failures
        #[arg(long)]
        dry_run: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command. Returns whether nothing is left.
pub(crate) async fn run(command: &Command) -> Result<bool, CommandError> {
    let Command::Redrive { target, dry_run, yes } = command;
    let target = target.open().await?;
    let Place::Stack(stack) = &target.place else {
        return Err(CommandError::new(
            "the local gateway has no dead letters: it retries on its own. For a deployed stack, give --stack NAME",
        ));
    };
    let failures = FailedBatches::find(stack).await?;
    let letters = DeadLetters::find(stack).await?;
    say(&format!("{}\n{}{}", target.name, failures.summary(), letters.summary()))?;
    if *dry_run || (failures.is_empty() && letters.is_empty()) {
        return Ok(true);
    }
    confirm("Process all of it again?", *yes)?;
    let left = failures.redrive().await?;
    let moved = letters.redrive().await?;
    Ok(left == 0 && moved)
}

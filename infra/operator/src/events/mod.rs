//! `latchkey events redrive`: what the stream and the mail queue gave up, handed to the functions again once the reason is mended.
//!
//! 1. Whole batches of the stream lie in the bucket StreamFailures, as Lambda put them there; each is handed to Events in the order of
//!    their names (shard, then time), and removed when all of it was done.
//! 2. Messages in MailDeadLetters go back to the mail queue.
//!
//! Handing a batch over twice is harmless: an audit record has one key, and a mail that is out of date is dropped. A mail that did go
//! out may go out again.

mod dead_letters;
mod failures;

use crate::refused::Refused;
use crate::target::{Place, TargetOptions};
use crate::terminal::{confirm, say};
use clap::Subcommand;
use dead_letters::DeadLetters;
use failures::Failures;
pub(crate) use failures::s3_config;

/// What failed on the stream or the mail queue.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hands it to the functions again: lists what there is, asks, and goes on. Ends with 1 when something is left.
    Redrive {
        #[command(flatten)]
        target: TargetOptions,
        /// Only list what there is.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Runs it; whether nothing is left.
pub(crate) async fn run(command: &Command) -> Result<bool, Refused> {
    let Command::Redrive { target, dry_run, yes } = command;
    let target = target.open().await?;
    let Place::Stack(stack) = &target.place else {
        return Err(Refused::new("the local gateway gives nothing up: it tries again by itself; give --stack NAME"));
    };
    let failures = Failures::find(stack).await?;
    let letters = DeadLetters::find(stack).await?;
    say(&format!("{}\n{}{}", target.name, failures.words(), letters.words()))?;
    if *dry_run || (failures.is_empty() && letters.is_empty()) {
        return Ok(true);
    }
    confirm("Hand all of it over again?", *yes)?;
    let left = failures.redrive().await?;
    let moved = letters.redrive().await?;
    Ok(left == 0 && moved)
}

//! `latchkey doctor`: checks everything that sign-in depends on, and says what to fix. It changes nothing; `--deep` counts one failed sign-in.
//!
//! 1. AWS resources: stack, functions, tables, key, queues, sender (for a stack only).
//! 2. Stored data: each tenant's document and clients, its signing keys, its retention job.
//! 3. HTTP answers: metadata, keys, challenge, preflight, clock.
//!
//! A check that cannot run is reported, never skipped silently.

mod aws;
mod deep;
mod issuer;
mod mail;
mod passkeys;
mod queues;
mod report;
mod tenants;

use crate::command_error::CommandError;
use crate::target::{Place, TargetOptions};
use crate::terminal::{say, say_json};
use latchkey::context::Clock;
use report::Report;

/// Checks a deployed stack or the local gateway, and says what to fix
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: TargetOptions,
    /// Also tries what only a running deployment can show: a sign-in of an unknown address, every route, and what AWS made of the template.
    /// Counts one failed sign-in. Reads every account, to find passkeys that no longer work: one read unit for each 4 KB of the table
    #[arg(long)]
    deep: bool,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Runs the command. Returns whether no check failed.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, CommandError> {
    let target = arguments.target.open().await?;
    let now = Clock::system().now();
    let mut report = Report::default();
    if let Place::Stack(stack) = &target.place {
        aws::check(&mut report, stack).await;
        queues::check(&mut report, stack).await;
    }
    let tenants = tenants::check(&mut report, &target, now).await;
    if let Place::Stack(stack) = &target.place {
        mail::check(&mut report, stack, &tenants).await;
    }
    issuer::check(&mut report, &target, &tenants, now).await;
    passkeys::check(&mut report, &target, &tenants, arguments.deep).await;
    if arguments.deep {
        deep::check(&mut report, &target).await;
    }
    if arguments.json {
        say_json(&report)?;
    } else {
        say(&report.render(&target.name))?;
    }
    Ok(report.is_ok())
}

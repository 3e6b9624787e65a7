//! `latchkey doctor`: looks at everything that must be right for people to sign in, and says what to mend. It changes nothing.
//!
//! 1. What AWS holds: stack, functions, tables, key, queues, sender (a stack only).
//! 2. What is stored: each tenant's document and clients, its signing keys, its retention job.
//! 3. What is answered over HTTP: metadata, keys, challenge, preflight, clock.
//!
//! A check that can't be made says so: nothing is passed over silently.

mod aws;
mod issuer;
mod mail;
mod queues;
mod report;
mod tenants;

use crate::refused::Refused;
use crate::target::{Place, TargetOptions};
use crate::terminal::{say, say_json};
use latchkey::context::Clock;
use report::Report;

/// Checks a deployed stack or the local gateway, and says what to mend.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: TargetOptions,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Runs it; whether nothing failed.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Refused> {
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
    if arguments.json {
        say_json(&report)?;
    } else {
        say(&report.words(&target.name))?;
    }
    Ok(report.is_well())
}

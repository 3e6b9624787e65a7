//! `latchkey config`: the tenant document and its versions. A stored version is never changed or removed. The newest version is in force.
//!
//! 1. Read the file and validate it as the services do. The placeholder `{origin}` is replaced for the local gateway only.
//! 2. Read the version in force and print the difference.
//! 3. After confirmation, write the next version, on the condition that it still is the next.

mod apply;
mod compare;
mod document;
mod history;
mod options;

use crate::command_error::CommandError;
use crate::config::options::{ChangeNote, TenantOption};
use crate::target::TargetOptions;
use crate::ways_in::WalkOptions;
use clap::Subcommand;
use document::DocumentFile;

/// The settings that an operator can change without code.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists every error in a document with its path and line. Works offline
    Validate {
        #[command(flatten)]
        file: DocumentFile,
        /// The value of {origin} in the document; only the local gateway replaces it
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
    },
    /// Shows what a document would change, and the effect of each change. Changes nothing
    Plan {
        #[command(flatten)]
        file: DocumentFile,
        #[command(flatten)]
        target: TargetOptions,
        #[command(flatten)]
        walk: WalkOptions,
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Shows the plan, asks for confirmation, and applies the document as the next version
    Apply {
        #[command(flatten)]
        file: DocumentFile,
        #[command(flatten)]
        target: TargetOptions,
        #[command(flatten)]
        note: ChangeNote,
    },
    /// Lists the versions, newest first
    History {
        #[command(flatten)]
        tenant: TenantOption,
        #[command(flatten)]
        target: TargetOptions,
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Applies an earlier version again, as a new version: shows the plan, and asks for confirmation
    Rollback {
        /// The version to apply again
        version: u64,
        #[command(flatten)]
        tenant: TenantOption,
        #[command(flatten)]
        target: TargetOptions,
        #[command(flatten)]
        note: ChangeNote,
    },
    /// Prints a version of the document as it was stored
    Show {
        /// The version; by default the one in force
        version: Option<u64>,
        #[command(flatten)]
        tenant: TenantOption,
        #[command(flatten)]
        target: TargetOptions,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<(), CommandError> {
    match command {
        Command::Validate { file, origin } => document::validate(file, origin.as_deref()),
        Command::Plan { file, target, walk, json } => compare::plan(file, &target.open().await?, *walk, *json).await,
        Command::Apply { file, target, note } => apply::apply(file, &target.open().await?, note).await,
        Command::History { tenant, target, json } => history::history(&target.open().await?, &tenant.tenant, *json).await,
        Command::Rollback { version, tenant, target, note } => {
            apply::rollback(*version, &target.open().await?, &tenant.tenant, note).await
        }
        Command::Show { version, tenant, target } => history::show(&target.open().await?, &tenant.tenant, *version).await,
    }
}

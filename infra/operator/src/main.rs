//! The `latchkey` command: for operators, and for users who verify an export.
//!
//! Exit codes: 0 done; 1 refused; 2 invalid command line; 3 complete, but not verified with a trusted key (`verify-export` without keys).

mod account_scan;
mod cognito;
mod command_error;
mod config;
mod doctor;
mod events;
mod identifiers;
mod keys;
mod people;
mod site;
mod target;
mod terminal;
mod unenrolled;
mod user_import;
mod verify_export;
mod ways_in;

use clap::{Parser, Subcommand};
use command_error::CommandError;
use std::io::Write as _;
use std::process::ExitCode;

/// The command line of Latchkey: for operators, and for users who verify an export.
#[derive(Parser)]
#[command(name = "latchkey", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks that an export is complete, unchanged, and signed by an issuer that you trust. Works offline
    VerifyExport(verify_export::Arguments),
    /// Validates, plans and applies the tenant document, and rolls back to earlier versions
    #[command(subcommand)]
    Config(config::Command),
    /// Checks a deployed stack or the local gateway, and says what to fix. The exit code is 1 if something needs a fix
    Doctor(doctor::Arguments),
    /// Lists the signing keys, rotates them, and retires one in an emergency
    #[command(subcommand)]
    Keys(keys::Command),
    /// Replaces the key that hashes e-mail addresses, and moves what is stored under the earlier version
    #[command(subcommand)]
    Identifiers(identifiers::Command),
    /// Imports users from an export of another system, with their password hashes
    #[command(subcommand)]
    People(people::Command),
    /// Migrates the users of a Cognito user pool, and shows the progress
    #[command(subcommand)]
    Cognito(cognito::Command),
    /// Processes failed stream batches and mails again
    #[command(subcommand)]
    Events(events::Command),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let ended = match command {
        Command::VerifyExport(arguments) => verify(&arguments),
        Command::Config(command) => wait(config::run(&command)).map(|()| 0),
        Command::Doctor(arguments) => wait(doctor::run(&arguments)).map(|well| if well { 0 } else { 1 }),
        Command::Keys(command) => wait(keys::run(&command)).map(|()| 0),
        Command::Identifiers(command) => wait(identifiers::run(&command)).map(|done| if done { 0 } else { 1 }),
        Command::People(command) => wait(people::run(&command)).map(|whole| if whole { 0 } else { 1 }),
        Command::Cognito(command) => wait(cognito::run(&command)).map(|whole| if whole { 0 } else { 1 }),
        Command::Events(command) => wait(events::run(&command)).map(|done| if done { 0 } else { 1 }),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(refused) => {
            // If the terminal is gone, the exit code is the only report.
            let _ = writeln!(std::io::stderr(), "{refused}");
            ExitCode::from(1)
        }
    }
}

fn verify(arguments: &verify_export::Arguments) -> Result<u8, CommandError> {
    let report = verify_export::run(arguments).map_err(|refused| CommandError::new(format!("not verified: {refused}")))?;
    terminal::say(&report.to_string())?;
    Ok(if report.is_verified() { 0 } else { 3 })
}

/// Runs a command to its end on this thread.
fn wait<T>(command: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // SDK futures are large: keep them off the stack.
    runtime
        .map_err(|error| CommandError::caused_by("the async runtime could not be started", &error))?
        .block_on(Box::pin(command))
}

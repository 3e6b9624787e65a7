//! The `latchkey` command: what operators, and people with an export in hand, do at a terminal.
//!
//! Exit codes: 0 done; 1 refused; 2 the command line is wrong; 3 whole, but nobody vouches for it (`verify-export` without keys).

#[cfg(test)]
mod keys;
mod verify_export;

use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;

/// What operators, and people with an export in hand, do at a terminal.
#[derive(Parser)]
#[command(name = "latchkey", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks that an export is whole, unchanged, and signed by the issuer whose keys you trust. Works offline.
    VerifyExport(verify_export::Arguments),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let (code, words) = match command {
        Command::VerifyExport(arguments) => match verify_export::run(&arguments) {
            Ok(report) => (if report.is_vouched_for() { 0 } else { 3 }, report.to_string()),
            Err(refused) => {
                // Nothing can be done about a terminal that is gone; the exit code still tells.
                let _ = writeln!(std::io::stderr(), "not verified: {refused}");
                return ExitCode::from(1);
            }
        },
    };
    match write!(std::io::stdout(), "{words}") {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(1),
    }
}

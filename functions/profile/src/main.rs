//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run(profile::PURPOSES, profile::routes())
}

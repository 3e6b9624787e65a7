//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run_with_legacy_keys(token::PURPOSES, token::routes())
}

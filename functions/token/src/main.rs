//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run_with_former_keys(token::PURPOSES, token::routes())
}

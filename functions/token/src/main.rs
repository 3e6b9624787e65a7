//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run(token::PURPOSES, token::routes())
}

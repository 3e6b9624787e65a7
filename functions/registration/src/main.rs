//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run(registration::PURPOSES, registration::routes())
}

//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run(login::PURPOSES, login::routes())
}

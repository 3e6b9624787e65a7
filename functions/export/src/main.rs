//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run(export::PURPOSES, export::routes())
}

//! The Lambda binary.

fn main() -> std::process::ExitCode {
    latchkey::runtime::run_with_legacy_directory(login::PURPOSES, login::deployed_routes())
}

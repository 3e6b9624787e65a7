//! The Lambda binary. What is missing until the deployment: the mail queue and SES, and with them the services that
//! `latchkey::runtime` builds from the environment. Until then it says so and ends, rather than taking batches it can't send.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::FAILURE
}

//! Measures the cost of each operation, and writes `docs/cost.json`, `docs/cost.md` and `docs/cost.svg`.

use measure::cost::{documents, folder};
use std::io::Write as _;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    for (name, text) in documents().await.1 {
        let path = folder().join(name);
        if let Err(error) = std::fs::write(&path, text) {
            let _ = writeln!(std::io::stderr(), "docs/{name} cannot be written: {error}");
            return ExitCode::FAILURE;
        }
        let _ = writeln!(std::io::stdout(), "docs/{name}");
    }
    ExitCode::SUCCESS
}

//! Golden files: tests compare them with names that the code produces and that stored data and callers depend on.

use std::path::Path;

/// Compares a text with a golden file. With `LATCHKEY_BLESS=1` it writes the file instead.
#[expect(clippy::disallowed_methods, reason = "the variable tells the test to write the file")]
pub(crate) fn compare(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("LATCHKEY_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, made).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = made.lines().zip(golden.lines()).position(|(made, golden)| made != golden);
    let line = differs.unwrap_or_else(|| made.lines().count().min(golden.lines().count()));
    assert!(
        made == golden,
        "{file}, line {}: made {:?}, checked in {:?}. If the change is meant, LATCHKEY_BLESS=1 updates the file.",
        line + 1,
        made.lines().nth(line),
        golden.lines().nth(line)
    );
}

//! The documents say what the code does, where a machine can tell.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::TenantConfig;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// `store/key.rs` is the truth about keys; the page for people names each of them.
#[test]
fn the_storage_schema_names_every_key() {
    let (keys, page) = (read("shared/src/store/key.rs"), read("docs/storage-schema.md"));
    let mut named = 0;
    for row in keys.lines().filter_map(|line| line.strip_prefix("//! | ")).filter(|row| row.contains('`')) {
        for cell in row.split(" | ").skip(2).take(2) {
            assert!(page.contains(cell), "docs/storage-schema.md does not name {cell}");
            named += 1;
        }
    }
    assert!(named > 30, "only {named} keys were found: the test looks in the wrong place");
}

#[test]
fn the_tenant_document_of_the_guide_is_valid() {
    let readme = read("README.md");
    let document = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let config = TenantConfig::parse(&TenantId::default_tenant(), document).unwrap();
    assert_eq!(config.clients.len(), 1);
}

/// Every record is in the index, and every link of the index leads to a record.
#[test]
fn the_index_of_decisions_is_whole() {
    let index = read("docs/decisions/README.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/decisions");
    let mut records: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().display().to_string()).collect();
    records.retain(|name| name != "README.md");
    records.sort();
    let linked: Vec<String> = index.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect();
    assert_eq!(linked, records);
}

//! Every item of the security checklist that this build claims has a test that names its number: `security 32`, `security_32_…`,
//! `security 44–48`.

#![expect(clippy::unwrap_used, reason = "a test that can't read the sources has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What this build claims.
const CLAIMED: &str = "1-27 29-39 41 44-59 61-62 65-71 88-95 105-144";

fn numbers(list: &str) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    for part in list.split([' ', ',', '_']).filter(|part| !part.is_empty()) {
        match part.split_once(['-', '–']) {
            Some((from, to)) => {
                if let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>()) {
                    numbers.extend(from..=to);
                }
            }
            None => numbers.extend(part.parse::<u32>()),
        }
    }
    numbers
}

/// The numbers that follow each "security" in a text.
fn named(text: &str) -> BTreeSet<u32> {
    text.to_lowercase()
        .match_indices("security")
        .flat_map(|(at, word)| {
            let rest: String = text.chars().skip(text[..at].chars().count() + word.len()).take(60).collect();
            let rest = rest.replace(" and ", ",");
            let end = rest.find(|c: char| !(c.is_ascii_digit() || " ,_-–".contains(c))).unwrap_or(rest.len());
            numbers(&rest[..end])
        })
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "mjs") {
            found.push(path);
        }
    }
}

#[test]
fn every_claimed_item_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in ["shared", "functions", "infra", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let mut by_item: BTreeMap<u32, BTreeSet<PathBuf>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.ends_with("checklist.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        let is_test = file.starts_with(root.join("tests")) || file.to_string_lossy().contains("tests");
        let tests = if is_test { &text[..] } else { text.find("#[cfg(test)]").map_or("", |at| &text[at..]) };
        for item in named(tests) {
            by_item.entry(item).or_default().insert(file.strip_prefix(root).unwrap().to_owned());
        }
    }
    let missing: Vec<_> = numbers(CLAIMED).into_iter().filter(|item| !by_item.contains_key(item)).collect();
    assert!(missing.is_empty(), "no test names these items: {missing:?}");
}

#[test]
fn numbers_are_read_in_every_spelling() {
    assert_eq!(named("(security 7, 9 and 11–13; 99)"), numbers("7 9 11-13"));
    assert_eq!(named("fn security_44_45_a_token"), numbers("44 45"));
    assert_eq!(named("security: 5"), numbers(""));
}

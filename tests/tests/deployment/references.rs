//! A reader has nothing but the repository: each link, path, decision and advisory that a document or a comment names is in it.

#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use super::repository::{Source, paths, root, sources};
use std::collections::BTreeSet;

/// Types of files that are searched for names.
const NAMED: &[&str] = &["rs", "md", "mjs", "py", "yaml", "yml", "toml", "json", "ftl"];
/// Where the folders of sources are.
const FOLDERS: &[&str] =
    &["docs/decisions/", "functions/", "infra/", "shared/src/", "tests/deploy/", "tests/src/", "tests/tests/"];
/// Names of files that are no part of the repository: an application of a reader's, a file of a dependency.
const FOREIGN: &[&str] = &["app.mjs", "src/frequency_lists.rs"];

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let plain: String = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
    plain.to_lowercase().replace(' ', "-")
}

/// The headings of a document as anchors; what is repeated is numbered.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in without_code(document).lines().filter(|line| line.starts_with('#')) {
        let first = anchor(heading.trim_start_matches('#'));
        let numbered = (1..).map(|number| format!("{first}-{number}"));
        let free = std::iter::once(first.clone()).chain(numbered).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors
}

/// A document without its blocks of code.
fn without_code(document: &str) -> String {
    let mut outside = true;
    let mut kept = String::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            outside = !outside;
        } else if outside {
            kept.extend([line, "\n"]);
        }
    }
    kept
}

/// A relative path from the folder of a file, as a path from the root.
fn resolve(from: &str, to: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What is wrong with a link of a document, if anything is.
fn wrong_link(document: &Source, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let file = if file.is_empty() { document.path.clone() } else { resolve(&document.path, file) };
    let path = root().join(&file);
    if !path.exists() {
        return Some(format!("{}: there is no {file}", document.path));
    }
    let anchor = anchor.filter(|_| file.ends_with(".md"))?;
    let known = anchors(&std::fs::read_to_string(path).unwrap());
    (!known.contains(anchor)).then(|| format!("{}: {file} has no heading for #{anchor}", document.path))
}

#[test]
fn each_link_of_a_document_leads_somewhere() {
    let (mut wrong, mut links) = (Vec::new(), 0);
    for document in sources().iter().filter(|source| source.path.ends_with(".md")) {
        let text = without_code(&document.text);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            links += 1;
            wrong.extend(wrong_link(document, link));
        }
    }
    assert!(links > 100, "only {links} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a text that are names of files, with an anchor where they have one.
fn files_named(prose: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-./#:".contains(c);
    let named = |word: &str| {
        let word = word.trim_end_matches(['.', ':', '#', '-']);
        let file = word.split('#').next().unwrap_or_default();
        let (stem, kind) = file.rsplit_once('.')?;
        let is_name = stem.ends_with(|c: char| c.is_ascii_alphanumeric()) && NAMED.contains(&kind);
        // Of addresses and of what has no folder, code names all sorts; sources are named without one, too.
        let is_ours = !word.contains(':') && (file.contains('/') || matches!(kind, "rs" | "md" | "mjs" | "py"));
        (is_name && is_ours).then(|| word.trim_start_matches("../").trim_start_matches("./").to_owned())
    };
    prose.split(|c: char| !is_part(c)).filter_map(named).collect()
}

/// Folders of sources that a text names.
fn folders_named(prose: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let words = prose.split(|c: char| !is_part(c)).map(|word| word.trim_end_matches(['.', '/', '-', '_']));
    words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains('.')).collect()
}

#[test]
fn each_folder_that_is_named_is_there() {
    let (mut wrong, mut named) = (Vec::new(), 0);
    for source in sources().iter().filter(|source| source.path != "CHANGELOG.md") {
        for folder in folders_named(&without_code(&source.prose())) {
            named += 1;
            if !root().join(folder).exists() {
                wrong.push(format!("{}: there is no {folder}", source.path));
            }
        }
    }
    assert!(named > 5, "only {named} names of folders were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Comments and documents name files by their path, or by the end of it: `docs/keys.md`, `store/key.rs`, `layers.rs`.
#[test]
fn each_file_that_is_named_is_there() {
    let paths = paths();
    let is_there = |file: &str| paths.iter().any(|path| path == file || path.ends_with(&format!("/{file}")));
    let (mut wrong, mut named) = (Vec::new(), 0);
    for source in sources().iter().filter(|source| source.path != "CHANGELOG.md") {
        for word in files_named(&without_code(&source.prose())) {
            let (file, anchor) = word.split_once('#').map_or((word.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            named += 1;
            let absolute = file.starts_with('/') || FOREIGN.contains(&file);
            if !absolute && !is_there(file) {
                wrong.push(format!("{}: there is no {file}", source.path));
            } else if let Some(anchor) = anchor.filter(|_| file.starts_with("docs/"))
                && !anchors(&std::fs::read_to_string(root().join(file)).unwrap()).contains(anchor)
            {
                wrong.push(format!("{}: {file} has no heading for #{anchor}", source.path));
            }
        }
    }
    assert!(named > 100, "only {named} names of files were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A command that runs tests names a binary that exists.
#[test]
fn each_test_binary_that_is_named_exists() {
    let paths = paths();
    let is_binary = |name: &str| {
        let (own, measured) = (format!("tests/tests/{name}/main.rs"), format!("infra/measure/tests/{name}.rs"));
        paths.iter().any(|path| *path == own || *path == measured)
    };
    let (mut wrong, mut named) = (Vec::new(), 0);
    for source in &sources() {
        for rest in source.prose().split("--test ").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                named += 1;
                wrong.extend((!is_binary(&name)).then(|| format!("{}: --test {name}", source.path)));
            }
        }
    }
    assert!(named > 5, "only {named} commands were found");
    assert!(wrong.is_empty(), "there are no such tests:\n{}", wrong.join("\n"));
}

/// The record of "decision 25" has a name that begins with 0025.
#[test]
fn each_decision_that_is_cited_is_recorded() {
    let paths = paths();
    let (mut wrong, mut cited) = (Vec::new(), 0);
    for source in &sources() {
        for rest in source.joined().split("decision ").skip(1) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let Ok(number) = digits.parse::<u32>() else { continue };
            cited += 1;
            if !paths.iter().any(|path| path.starts_with(&format!("docs/decisions/{number:04}-"))) {
                wrong.push(format!("{}: there is no decision {number}", source.path));
            }
        }
    }
    assert!(cited > 5, "only {cited} citations were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An advisory that code or a document names is explained by the rule of the checklist that it led to.
#[test]
fn each_advisory_is_in_the_checklist() {
    let page = std::fs::read_to_string(root().join("docs/security-checklist.md")).unwrap();
    let (mut wrong, mut cited) = (Vec::new(), 0);
    for source in sources() {
        for kind in ["CVE-", "GHSA-"] {
            for (at, _) in source.text.match_indices(kind) {
                let id: String = source.text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                if id.len() > kind.len() {
                    cited += 1;
                    if !page.contains(&id) {
                        wrong.push(format!("{}: {id}", source.path));
                    }
                }
            }
        }
    }
    assert!(cited > 20, "only {cited} advisories were found");
    assert!(wrong.is_empty(), "docs/security-checklist.md does not name:\n{}", wrong.join("\n"));
}

#[test]
fn a_link_or_name_that_leads_nowhere_is_found() {
    let document = |text: &str| Source { path: "docs/some.md".to_owned(), text: text.to_owned() };
    assert_eq!(wrong_link(&document(""), "../README.md"), None);
    assert_eq!(wrong_link(&document(""), "https://example.com/no.md"), None);
    assert!(wrong_link(&document(""), "none.md").is_some());
    assert!(wrong_link(&document(""), "keys.md#there-is-no-such-heading").is_some());
    let names = files_named("See docs/no.md#part, (store/key.rs), `layers.rs`; https://example.com/x.md and a.toml.");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["docs/no.md#part", "layers.rs", "store/key.rs"]);
    assert_eq!(anchors("# A b-c, `d`\n```\n# no\n```\n## A b-c d").into_iter().collect::<Vec<_>>(), ["a-b-c-d", "a-b-c-d-1"]);
}

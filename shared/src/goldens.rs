//! Golden files with the names that stored data, callers and operators depend on. A rename in the code must not change them.
//!
//! The tests read the sources of the shared crate, of the functions and of `infra`. A line of a golden file contains neither the place of
//! a name nor its name in the code, so moved files and renamed types do not change it. `LATCHKEY_BLESS=1` updates the files.

mod sources;

use regex::Regex;
use sources::{Source, serde_types, sources};
use std::collections::BTreeSet;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "a test has no start at which the environment could be read")]
fn is_blessed() -> bool {
    std::env::var_os("LATCHKEY_BLESS").is_some_and(|value| value == "1")
}

/// Compares a text with a golden file of this crate.
pub(crate) fn compare(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if is_blessed() {
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

fn text<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().map(|line| format!("{}\n", line.as_ref())).collect()
}

/// Every text that the first group of a pattern finds in a line with this text, once.
fn found<'s>(within: &str, pattern: &str, sources: impl IntoIterator<Item = &'s Source>) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let lines = sources.into_iter().flat_map(|source| source.text.lines()).filter(|line| line.contains(within));
    lines.flat_map(|line| pattern.captures_iter(line)).map(|captures| captures[1].to_owned()).collect()
}

/// The public functions of `domain` that return a change: constructors in `impl Change`, and functions by their return type.
pub(crate) fn functions_that_return_a_change() -> BTreeSet<String> {
    let signature = Regex::new(r"(?s)^ *pub fn (\w+)[^{]*?-> ([^{;]*?)(?: \{|;)").unwrap();
    let mut names = BTreeSet::new();
    for source in sources(&["shared/src/domain"], &["rs"]).iter().map(Source::without_tests) {
        let mut implemented = String::new();
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if line.starts_with("impl") {
                implemented = line.trim_end_matches(" {").to_owned();
            }
            if !line.trim_start().starts_with("pub fn ") {
                continue;
            }
            // A signature that `rustfmt` breaks ends with the line that opens the body.
            let end = lines[at..].iter().position(|line| line.ends_with('{')).expect("a body");
            let text = lines[at..=at + end].join("\n");
            let Some(found) = signature.captures(&text) else { continue };
            let returned = found[2].replace("Self", implemented.trim_start_matches("impl "));
            if ["Change", "Option<Change>", "Vec<Change>"].contains(&returned.trim()) {
                names.insert(found[1].to_owned());
            }
        }
    }
    names
}

fn rust() -> Vec<Source> {
    sources(&["shared/src", "functions", "infra"], &["rs"]).iter().map(Source::without_tests).collect()
}

/// Item attributes, members of requests and responses, export, people, state and vault files: each type as its members are written,
/// the variants of an enum separated by `|`.
#[test]
fn no_rename_changes_what_is_written_and_read_by_serde() {
    let types: Vec<String> = rust().iter().flat_map(|source| serde_types(&source.text)).collect();
    assert!(types.len() > 100, "{}", types.len());
    let mut types = types;
    types.sort();
    compare("src/goldens/serde.golden", &text(types));
}

/// What `code()`, `name()`, `as_str()` and their like return: codes of problems and flaws, kinds of items, purposes of keys, steps.
#[test]
fn no_rename_changes_a_code() {
    let literal = Regex::new(r#""([^" ]+)""#).unwrap();
    let mut all = Vec::new();
    for source in rust() {
        for body in source.functions_that_return(&["-> &'static str", "-> Option<&'static str>"]) {
            let codes: Vec<&str> = literal.captures_iter(&body).map(|found| found.get(1).unwrap().as_str()).collect();
            let is_name = |code: &&str| code.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:*".contains(c));
            if codes.len() > 1 && codes.iter().all(is_name) {
                all.push(codes.join(" "));
            }
        }
    }
    assert!(all.len() > 20, "{}", all.len());
    all.sort();
    compare("src/goldens/codes.golden", &text(all));
}

/// Constants that are texts: attributes and prefixes of keys, fields, purposes of seals and digests, media types, the metric.
#[test]
fn no_rename_changes_a_constant_name() {
    let pattern =
        r#"^ *(?:pub(?:\([a-z]+\))? )?const [A-Z0-9_]+: &(?:'static )?(?:str|\[u8\]|\[u8; \d+\]) = b?"([^"\n]{1,48})";"#;
    let mut constants = found("const ", pattern, &rust());
    constants.extend(found("const ", r##"const [A-Z_]+: &str = r#"(.{1,400})"#;"##, &rust()));
    assert!(constants.len() > 40, "{}", constants.len());
    compare("src/goldens/constants.golden", &text(constants));
}

/// Parameters of queries and forms, as they are read and as the pages name them.
#[test]
fn no_rename_changes_a_parameter() {
    let read = found("(\"", r#"\.(?:one|all)\("([A-Za-z_.-]+)"\)"#, &rust());
    let members = found("\": ", r#""([A-Za-z_@$][A-Za-z0-9_@$.-]*)": "#, &rust());
    let pages = sources(&["shared/src/web/templates"], &["html"]);
    let mut named = found("name=", r#"[ (]name="([A-Za-z_.-]+)""#, &pages);
    named.extend(found(
        "form.",
        r#"form\.(?:code|password|hidden|checkbox|text|input|select|new_password)\("([A-Za-z_.-]+)""#,
        &pages,
    ));
    assert!(read.len() > 20 && named.len() > 5 && members.len() > 20);
    let sections = [("read", read), ("named by pages", named), ("members of JSON literals", members)];
    let mut made = String::new();
    for (title, names) in sections {
        made.push_str(&format!("# {title}\n{}\n", text(names)));
    }
    compare("src/goldens/parameters.golden", &made);
}

/// Keys of the tenant document: every name that its reader takes.
#[test]
fn no_rename_changes_a_key_of_the_tenant_document() {
    let reader: Vec<Source> =
        sources(&["shared/src/config", "shared/src/domain/tenant"], &["rs"]).iter().map(Source::without_tests).collect();
    let mut keys = found("\"", r#""([a-z][a-z0-9_.-]*)""#, &reader);
    keys.retain(|key| !key.ends_with(".rs"));
    assert!(keys.len() > 60, "{}", keys.len());
    compare("src/goldens/tenant_document.golden", &text(keys));
}

/// Variables of the environment that Latchkey reads or is given, wherever they are named.
#[test]
fn no_rename_changes_a_variable_of_the_environment() {
    let all = sources(&["shared/src", "functions", "infra"], &["rs"]);
    let template = sources(&["template.yaml"], &["yaml"]);
    let names = found("LATCHKEY_", r"\b(LATCHKEY_[A-Z0-9_]+)\b", all.iter().chain(&template));
    compare("src/goldens/environment.golden", &text(names));
}

/// Messages by their ids with the variables they take, and what the pages and mails are given.
#[test]
fn no_rename_changes_a_message_or_a_variable_of_a_page() {
    let messages = sources(&["shared/src/web/messages/en"], &["ftl"]);
    let mut ids = Vec::new();
    let variable = Regex::new(r"\$([a-z_]+)").unwrap();
    for source in &messages {
        let mut current: Option<(String, BTreeSet<String>)> = None;
        for line in source.text.lines() {
            if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                ids.extend(current.take());
                let id = line.split_once('=').expect("a message").0.trim().to_owned();
                current = Some((id, BTreeSet::new()));
            }
            if let Some((_, variables)) = &mut current {
                variables.extend(variable.captures_iter(line).map(|found| format!("${}", &found[1])));
            }
        }
        ids.extend(current);
    }
    assert!(ids.len() > 200, "{}", ids.len());
    let mut lines: Vec<String> =
        ids.into_iter().map(|(id, variables)| [vec![id], variables.into_iter().collect()].concat().join(" ")).collect();
    lines.sort();
    let pages = sources(&["shared/src/web/templates", "shared/src/delivery/templates"], &["html", "txt"]);
    let (code, quoted, word) = (
        Regex::new(r"(?s)\{\{(.*?)\}\}|\{%(.*?)%\}").unwrap(),
        Regex::new(r#""[^"]*""#).unwrap(),
        Regex::new(r"[a-z_][a-z0-9_.]*").unwrap(),
    );
    let mut variables = BTreeSet::new();
    for page in &pages {
        for found in code.captures_iter(&page.text) {
            let inside = found.get(1).or(found.get(2)).expect("one of both").as_str();
            let inside = quoted.replace_all(inside, "");
            variables.extend(word.find_iter(&inside).map(|word| word.as_str().to_owned()));
        }
    }
    let made = format!("# messages\n{}\n# names in templates\n{}", text(lines), text(variables));
    compare("src/goldens/pages.golden", &made);
}

//! `docs/security-checklist.md` and the sources agree: each citation (`security 32`, `security_32_…`, `security 44–48`, `T8`, `I3`) names
//! a row of it, each done rule is cited by a test, and its last column names these tests.
//!
//! `LATCHKEY_BLESS=1` rewrites that column.

#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use super::repository::{Source, root, sources};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "docs/security-checklist.md";

/// A row of one of the tables: a rule (`32`), an invariant (`I3`) or a fault (`T8`).
struct Row {
    id: String,
    /// Of a rule alone.
    done: Option<bool>,
    tests: String,
}

/// The cells of a table row, if its first cell is an id.
fn cells(line: &str) -> Option<Vec<&str>> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let number = cells[0].strip_prefix(['I', 'T']).unwrap_or(cells[0]);
    number.parse::<u32>().is_ok().then_some(cells)
}

fn rows(page: &str) -> Vec<Row> {
    let row = |cells: Vec<&str>| {
        let is_rule = cells[0].parse::<u32>().is_ok();
        assert_eq!(
            cells.len(),
            if is_rule {
                5
            } else if cells[0].starts_with('T') {
                4
            } else {
                3
            },
            "{PAGE}: cells of {}",
            cells[0]
        );
        let done = is_rule.then(|| cells[3] == "done");
        assert!(!is_rule || ["done", "planned"].contains(&cells[3]), "{PAGE}: {} is neither done nor planned", cells[0]);
        Row { id: cells[0].to_owned(), done, tests: cells[cells.len() - 1].to_owned() }
    };
    page.lines().filter_map(cells).map(row).collect()
}

/// The numbers of a list such as `7, 9 and 11–13`.
fn numbers(list: &str) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for part in list.split([' ', ',', '_']).filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once(['-', '–']).unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>()) {
            numbers.extend((from..=to).map(|number| number.to_string()));
        }
    }
    numbers
}

/// The rules that a text cites: the numbers that follow each "security".
fn rules(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let list = |(at, word): (usize, &str)| {
        let rest: String = text[at + word.len()..].chars().take(80).collect();
        let rest = rest.replace(" and ", ",").replace("_to_", "-").replace(" to ", "-");
        let end = rest.find(|c: char| !(c.is_ascii_digit() || " ,_-–".contains(c))).unwrap_or(rest.len());
        numbers(&rest[..end])
    };
    text.match_indices("security").flat_map(list).collect()
}

/// The rules in brackets, as `docs/security.md` cites them: `[44–48, 59]`. What a round bracket follows is a link.
fn bracketed(text: &str) -> BTreeSet<String> {
    let list = |part: &str| {
        let (list, rest) = part.split_once(']')?;
        let is_list = list.chars().all(|c| c.is_ascii_digit() || " ,–".contains(c));
        (is_list && !rest.starts_with('(')).then(|| numbers(list))
    };
    text.split('[').skip(1).filter_map(list).flatten().collect()
}

/// The number of a word such as `T8`.
fn number(letter: char, word: &str) -> Option<u32> {
    let digits = word.strip_prefix(letter)?;
    (matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The names of functions that have a part such as `t8`.
fn in_names(letter: char, code: &str) -> BTreeSet<String> {
    let upper = |part: &str| part.strip_prefix(letter.to_ascii_lowercase()).map(|rest| format!("{letter}{rest}"));
    let names = code.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
    names.flat_map(|name| name.split('_').filter_map(upper)).filter(|part| number(letter, part).is_some()).collect()
}

/// Words of one letter and a number: `T8`, `T4–T6`, `I1 to I9`.
fn lettered(letter: char, text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let words: Vec<&str> = text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    for (at, word) in words.iter().enumerate() {
        let bare = |word: &str| word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).to_owned();
        let Some(from) = number(letter, &bare(word)) else { continue };
        let next = |step: usize| words.get(at + step).copied().unwrap_or_default();
        let to = if word.ends_with(['-', '–']) {
            number(letter, &bare(next(1)))
        } else if next(1) == "to " {
            number(letter, &bare(next(2)))
        } else {
            None
        };
        found.extend((from..=to.unwrap_or(from)).map(|number| format!("{letter}{number}")));
    }
    found
}

/// Everything that a source cites.
fn cited(source: &Source) -> BTreeSet<String> {
    let mut cited = rules(&source.joined());
    let prose = source.prose();
    let is_code = source.path.ends_with(".rs");
    cited.extend(lettered('T', &prose));
    cited.extend(lettered('I', &prose));
    if is_code {
        // Constants and types have such names, too: of code only the names of functions count, and what begins a text.
        cited.extend(in_names('T', &source.text));
        cited.extend(
            source
                .text
                .split("\"I")
                .skip(1)
                .flat_map(|rest| lettered('I', &format!("I{}", &rest[..rest.find('"').unwrap_or(0)]))),
        );
    }
    if source.path == "docs/security.md" {
        cited.extend(bracketed(&source.text));
    }
    cited
}

/// How the page names a file.
fn short(path: &str) -> String {
    let name = path.strip_prefix("tests/tests/").and_then(|path| path.strip_suffix(".rs")).unwrap_or(path);
    format!("`{}`", name.strip_suffix("/mod").unwrap_or(name))
}

fn page() -> String {
    std::fs::read_to_string(root().join(PAGE)).unwrap()
}

/// The files of tests that cite each row.
fn by_row() -> BTreeMap<String, BTreeSet<String>> {
    let mut by_row: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for tests in sources().iter().filter_map(Source::tests) {
        for id in cited(&tests) {
            by_row.entry(id).or_default().insert(short(&tests.path));
        }
    }
    by_row
}

#[test]
fn every_citation_names_a_row() {
    let known: BTreeSet<String> = rows(&page()).into_iter().map(|row| row.id).collect();
    let read = sources();
    let read: Vec<_> =
        read.iter().filter(|source| source.path != PAGE && !source.path.ends_with("deployment/checklist.rs")).collect();
    assert!(read.len() > 300, "only {} files were read: the test looks in the wrong place", read.len());
    let unknown = |source: &&Source| {
        let unknown: Vec<String> = cited(source).difference(&known).cloned().collect();
        (!unknown.is_empty()).then(|| format!("{}: {unknown:?}", source.path))
    };
    let wrong: Vec<String> = read.iter().filter_map(unknown).collect();
    assert!(wrong.is_empty(), "{PAGE} has no such rows:\n{}", wrong.join("\n"));
}

#[test]
fn every_done_rule_is_cited_by_a_test() {
    let (rows, by_row) = (rows(&page()), by_row());
    assert!(rows.iter().filter(|row| row.done == Some(true)).count() > 100, "the tables of {PAGE} can't be read");
    let uncited: Vec<_> =
        rows.iter().filter(|row| row.done == Some(true) && !by_row.contains_key(&row.id)).map(|row| &row.id).collect();
    assert!(uncited.is_empty(), "no test cites these rules: {uncited:?}");
}

#[test]
fn each_row_has_its_number_once() {
    let ids: Vec<String> = rows(&page()).into_iter().map(|row| row.id).collect();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "a number is there twice");
}

/// The last column names the files of tests that cite a row. `LATCHKEY_BLESS=1` writes it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test by hand is told to write")]
fn the_checklist_names_the_tests_of_each_row() {
    let (page, by_row) = (page(), by_row());
    let tests = |id: &str| by_row.get(id).map(|files| files.iter().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default();
    if std::env::var_os("LATCHKEY_BLESS").is_some_and(|value| value == "1") {
        let line = |line: &str| match cells(line) {
            None => line.to_owned(),
            Some(cells) => {
                let kept = cells[..cells.len() - 1].join(" | ");
                format!("| {kept} | {} |", tests(cells[0])).replace("|  |", "| |")
            }
        };
        let blessed: Vec<String> = page.lines().map(line).collect();
        // Renamed into place: the other tests read the page at the same time.
        let fresh = root().join(format!("{PAGE}.new"));
        std::fs::write(&fresh, blessed.join("\n") + "\n").unwrap();
        std::fs::rename(fresh, root().join(PAGE)).unwrap();
        return;
    }
    let wrong: Vec<String> = rows(&page)
        .into_iter()
        .filter(|row| row.tests != tests(&row.id))
        .map(|row| format!("{}: {} → {}", row.id, row.tests, tests(&row.id)))
        .collect();
    assert!(wrong.is_empty(), "{PAGE} is out of date; LATCHKEY_BLESS=1 rewrites its last column:\n{}", wrong.join("\n"));
}

#[test]
fn citations_are_read_in_every_spelling() {
    assert_eq!(rules("(security 7, 9 and 11–13; 99)"), numbers("7 9 11-13"));
    assert_eq!(rules("fn security_44_45_a_token"), numbers("44 45"));
    assert_eq!(rules("fn security_44_to_48_a_token"), numbers("44-48"));
    assert_eq!(rules("security: 5; security.md"), numbers(""));
    assert_eq!(rules(&source("/// a rule (security\n/// 53, 89).").joined()), numbers("53 89"));
    assert_eq!(bracketed("One [5, 6], [44–48] and [8](decisions/0008.md)."), numbers("5 6 44-48"));
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(lettered('T', "(T1, T4–T6; security 3), T12."), ids(&["T1", "T4", "T5", "T6", "T12"]));
    assert_eq!(in_names('T', "async fn security_140_t11_overlapping()"), ids(&["T11"]));
    assert_eq!(lettered('I', "what must hold (I1 to I3)"), ids(&["I1", "I2", "I3"]));
    assert_eq!(lettered('T', "AT1 T100 T1a"), ids(&[]));
}

#[test]
fn only_comments_and_names_of_functions_cite_faults() {
    assert_eq!(cited(&source("const T0: I64 = 1; // T8 and T9\nfn t10_it_holds() { T1, \"I2: it\" }")).len(), 4);
}

fn source(text: &str) -> Source {
    Source { path: "shared/src/some.rs".to_owned(), text: text.to_owned() }
}

//! Plain English: words that a reader must translate are rare in code, documents, pages and messages.

use super::repository::{paths, root};
use std::fs;

/// The words, in lower case. Each has a plain replacement: *the user*, *no user*, *another system*, *is stored*, *expensive*.
const WORDS: [&str; 8] = ["whom", "whoever", "whose", "somebody", "nobody", "elsewhere", "stands", "dear"];
/// The largest number of places in the whole repository.
const MAX_PLACES: usize = 20;
/// The types of the searched files. The scripts in `.ci` have no extension and are searched too.
const EXTENSIONS: [&str; 10] = ["rs", "md", "ftl", "html", "mjs", "py", "yaml", "yml", "toml", "sh"];
/// This file, which must name the words.
const THIS_FILE: &str = "tests/tests/deployment/words.rs";

fn is_searched(path: &str) -> bool {
    let extension = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    path != THIS_FILE && (path.starts_with(".ci/") || extension.is_some_and(|extension| EXTENSIONS.contains(&extension)))
}

/// The words of a text, in order. A name such as `is_known` is one word. So is an identifier with hyphens such as `recover-nobody-title`:
/// ids of messages must not change.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !['_', '-'].contains(&c));
    words.map(|word| word.trim_matches('-')).filter(|word| !word.is_empty())
}

/// The places of the words in a text: line number and word.
fn find_places(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().zip(1..);
    let places = lines.flat_map(|(line, number)| words(line).map(move |word| (number, word)));
    places.filter(|(_, word)| WORDS.contains(&word.to_lowercase().as_str())).collect()
}

#[test]
fn words_that_need_a_translation_are_rare() {
    let files: Vec<String> = paths().into_iter().filter(|path| is_searched(path)).collect();
    assert!(files.len() > 500, "only {} files were found: the test looks in the wrong place", files.len());
    let mut places = Vec::new();
    for file in files {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        places.extend(find_places(&text).into_iter().map(|(line, word)| format!("{file}:{line}: {word}")));
    }
    assert!(places.len() <= MAX_PLACES, "{} places, at most {MAX_PLACES}:\n{}", places.len(), places.join("\n"));
}

#[test]
fn the_words_are_found_in_every_case_and_only_as_whole_words() {
    let text = "Nobody knows.\nis_nobody, nobody_comes, outstands, verify-elsewhere-title\n\"the user (WHOSE account)\", nobody's\n- whose -dear--";
    assert_eq!(find_places(text), [(1, "Nobody"), (3, "WHOSE"), (3, "nobody"), (4, "whose"), (4, "dear")]);
}

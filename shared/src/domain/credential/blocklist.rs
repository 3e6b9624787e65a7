//! The blocklist: common passwords, repetitions, words about the user or the service (security 69).

use unicode_normalization::UnicodeNormalization;

/// One per line, lower case, NFKC, sorted by bytes; see `data/README.md`.
const COMMON: &str = include_str!("../../../data/common-passwords.txt");
/// Shorter context words are too common to be checked.
const MIN_CONTEXT_WORD: usize = 4;
/// Minimum length of what is left of a password without its context words.
const MIN_BESIDE_CONTEXT: usize = 6;
/// A repetition is checked by its repeated unit. A unit of at least this length is accepted, unless it is listed.
const MIN_REPEATED_UNIT: usize = 8;

pub(super) fn is_common(password: &str, context: &[&str]) -> bool {
    let folded = fold(password);
    let unit = repeated_unit(&folded);
    is_listed(&folded)
        || unit.len() < folded.len() && (unit.chars().count() < MIN_REPEATED_UNIT || is_listed(unit))
        || consists_of_context(&folded, context)
}

fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

/// Searches the list in place: nothing is built at cold start, and nothing is kept in memory.
fn is_listed(folded: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // The list is ASCII, so every byte is a character.
        let start = COMMON[low..middle].rfind('\n').map_or(low, |at| low + at + 1);
        let end = COMMON[middle..high].find('\n').map_or(high, |at| middle + at);
        match COMMON[start..end].cmp(folded) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

/// The shortest unit of which the text is a repetition.
fn repeated_unit(text: &str) -> &str {
    (1..=text.len() / 2)
        .filter(|length| text.len().is_multiple_of(*length))
        .filter_map(|length| text.get(..length))
        .find(|unit| unit.repeat(text.len() / unit.len()) == text)
        .unwrap_or(text)
}

/// Whether too little is left without the context words. Only letters and digits count.
fn consists_of_context(folded: &str, context: &[&str]) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let mut words: Vec<String> = Vec::new();
    for entry in context {
        let entry = fold(entry);
        words.push(plain(&entry));
        words.extend(entry.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
    }
    words.retain(|word| word.chars().count() >= MIN_CONTEXT_WORD);
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = plain(folded);
    let mut rest = whole.clone();
    for word in &words {
        rest = rest.replace(word.as_str(), "");
    }
    rest.len() < whole.len() && rest.chars().count() < MIN_BESIDE_CONTEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_folded_and_without_repetition() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(COMMON.is_ascii() && COMMON.ends_with('\n'));
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(lines.iter().all(|line| fold(line) == *line && line.len() >= 8));
    }

    #[test]
    fn an_unlisted_password_is_not_found() {
        let (first, last) = (COMMON.lines().next().unwrap(), COMMON.lines().last().unwrap());
        for absent in ["", "\n", " ", "\u{10ffff}", &format!("{first}x"), &format!("{last}x"), &first[1..], &last[1..]] {
            assert!(!is_listed(absent), "{absent:?}");
        }
        assert!(is_listed(first) && is_listed(last));
    }

    #[test]
    fn the_repeated_unit_is_the_shortest() {
        for (text, unit) in [("aaaa", "a"), ("abab", "ab"), ("abcab", "abcab"), ("ääää", "ä"), ("", ""), ("a", "a")] {
            assert_eq!(repeated_unit(text), unit);
        }
    }
}

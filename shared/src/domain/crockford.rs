//! Codes that people type: Crockford's base32, tolerant of how they are typed.

/// No I, L, O (they are read as 1, 1, 0) and no U.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A typed code without its grouping: spaces and dashes are dropped.
pub(crate) fn ungrouped(typed: &str) -> impl Iterator<Item = char> {
    typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}'))
}

/// A typed code as it was issued: without grouping, in capitals, and letters that look like digits become those digits.
pub(crate) fn normalize(typed: &str) -> String {
    ungrouped(typed)
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

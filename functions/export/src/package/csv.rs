//! `history.csv`: RFC 4180, UTF-8 with the byte order mark that spreadsheets need.

use super::html::{event_words, name_of};
use latchkey::domain::export::Document;

pub(super) fn write(document: &Document) -> String {
    let mut text = String::from("\u{feff}");
    line(&mut text, &["time", "event", "description", "application", "address_hash", "request_id"]);
    for record in &document.history.records {
        let client = record.client_id.as_ref().map(ToString::to_string).unwrap_or_default();
        line(
            &mut text,
            &[
                &record.at.0.to_string(),
                &name_of(&record.event),
                &event_words(&document.locale, record),
                &client,
                record.address_hash.as_deref().unwrap_or_default(),
                record.request_id.as_str(),
            ],
        );
    }
    text
}

fn line(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|value| cell(value)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A CSV cell. Spreadsheets run a cell that begins like a formula, so it gets an apostrophe in front (security 110; OWASP, CSV injection).
/// This includes cells with leading spaces, and full-width forms of the formula characters.
#[must_use]
pub fn cell(value: &str) -> String {
    let begins = value.trim_start_matches([' ', '\u{a0}', '\u{feff}']).chars().next();
    let is_formula = matches!(begins, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '＝' | '＋' | '－' | '＠'));
    let guard = if is_formula { "'" } else { "" };
    let text = format!("{guard}{value}");
    if text.contains(['"', ',', ';', '\r', '\n', '\t']) || text != text.trim() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn security_110_a_cell_is_never_a_formula() {
        let cases = [
            ("Signed in", "Signed in"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+49 30 1", "'+49 30 1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r\n=1", "\"'\r\n=1\""),
            (" =1", "' =1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("＝1", "'＝1"),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("a\nb", "\"a\nb\""),
        ];
        for (value, expected) in cases {
            assert_eq!(cell(value), expected, "{value:?}");
        }
    }
}

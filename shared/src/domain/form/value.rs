//! One field value, converted to its single stored form.

use super::{FieldFlaw, Submission};
use crate::domain::identifier::is_invisible;
use crate::domain::tenant::{Field, FieldKind};
use crate::domain::time::Timestamp;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

pub(super) fn canonical(field: &Field, value: &Value, submission: Submission, now: Timestamp) -> Result<Value, FieldFlaw> {
    match &field.kind {
        FieldKind::Boolean => parse_boolean(value, submission).map(Value::Bool),
        FieldKind::Text { max_length, pattern } => {
            let text = parse_line(value, *max_length)?;
            match pattern {
                Some(pattern) if !pattern.regex.is_match(&text) => Err(FieldFlaw::Pattern),
                Some(_) | None => Ok(Value::String(text)),
            }
        }
        FieldKind::Date => parse_date(&parse_line(value, 10)?, &field.name, now).map(Value::String),
        FieldKind::Phone => parse_phone(&parse_line(value, 40)?).map(Value::String),
        FieldKind::Choice(options) => {
            let text = parse_line(value, 100)?;
            if options.iter().any(|(option, _)| *option == text) { Ok(Value::String(text)) } else { Err(FieldFlaw::Option) }
        }
    }
}

fn parse_boolean(value: &Value, submission: Submission) -> Result<bool, FieldFlaw> {
    match (value, submission) {
        (Value::Bool(answer), _) => Ok(*answer),
        (Value::String(text), Submission::Page) if text == "true" => Ok(true),
        (Value::String(text), Submission::Page) if text == "false" => Ok(false),
        (Value::String(_) | Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_), _) => {
            Err(FieldFlaw::WrongType { expected: "true or false" })
        }
    }
}

/// One line of text: NFC, without surrounding white space, without a character that could break a mail header or hide text.
fn parse_line(value: &Value, max: usize) -> Result<String, FieldFlaw> {
    let Value::String(text) = value else { return Err(FieldFlaw::WrongType { expected: "a text" }) };
    // A longer text is refused before any work is spent on it.
    if text.len() > longest_text(max) {
        return Err(FieldFlaw::TooLong { max });
    }
    let text: String = text.trim().nfc().collect();
    if text.chars().any(|c| c.is_control() || is_directional(c)) {
        return Err(FieldFlaw::ForbiddenCharacter);
    }
    if text.graphemes(true).count() > max {
        return Err(FieldFlaw::TooLong { max });
    }
    Ok(text)
}

/// The longest text of `max` characters, in bytes. A character is what a user sees as one (a grapheme cluster, UAX #29). It can have many
/// code points, as in a family of emoji, so its bytes are limited, too: 16 for each, and 64 for a text of few.
#[must_use]
pub const fn longest_text(max: usize) -> usize {
    max.saturating_mul(16).saturating_add(64)
}

/// Whether a text shows anything: not only white space, joiners, fillers, or marks without a letter.
pub(super) fn is_visible(text: &str) -> bool {
    let is_shown = |c: char| !c.is_whitespace() && !c.is_control() && !is_combining_mark(c) && !is_invisible(c);
    text.chars().any(|c| is_shown(c) && c != '\u{2800}')
}

/// Marks that change the direction of the following text: a name must not reorder the sentence around it. Joiners stay, because
/// several scripts and emoji need them.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `YYYY-MM-DD`. A birthdate is not in the future, and may also be `YYYY`, or `0000-MM-DD` without the year (OpenID Connect Core §5.1).
fn parse_date(text: &str, name: &str, now: Timestamp) -> Result<String, FieldFlaw> {
    let is_birthdate = name == "birthdate";
    let full = match (is_birthdate, text.len()) {
        (true, 4) => format!("{text}-01-01"),
        // Any day of a leap year.
        (true, 10) if text.starts_with("0000-") => text.replacen("0000", "2000", 1),
        _ => text.to_owned(),
    };
    let is_written_so = full.len() == 10
        && full.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let date = full.parse::<jiff::civil::Date>().ok().filter(|date| is_written_so && date.year() > 0).ok_or(FieldFlaw::Date)?;
    let today = jiff::Timestamp::from_millisecond(now.millis()).map(|now| jiff::tz::Offset::UTC.to_datetime(now).date());
    if is_birthdate && today.is_ok_and(|today| date > today) {
        return Err(FieldFlaw::Date);
    }
    Ok(text.to_owned())
}

/// E.164: `+` and 7 to 15 digits. Common separators are removed, and a leading `00` is read as `+`.
fn parse_phone(text: &str) -> Result<String, FieldFlaw> {
    let bare: String =
        text.nfkc().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2013}')).collect();
    let number = bare.strip_prefix("00").map_or(bare.clone(), |rest| format!("+{rest}"));
    let digits = number.strip_prefix('+').ok_or(FieldFlaw::Phone)?;
    let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if valid { Ok(number) } else { Err(FieldFlaw::Phone) }
}

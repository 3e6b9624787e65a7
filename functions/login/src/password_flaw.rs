//! What is wrong with a chosen password, in words for a page.

use latchkey::domain::credential::PasswordFlaw;
use latchkey::locale::{FluentValue, message};

/// The words for a flaw.
#[must_use]
pub fn words(locale: &str, flaw: &PasswordFlaw) -> String {
    let min = match flaw {
        PasswordFlaw::TooShort { min } => i64::try_from(*min).unwrap_or_default(),
        PasswordFlaw::TooLong | PasswordFlaw::TooCommon | PasswordFlaw::TooWeak(_) => 0,
    };
    let words = message(locale, &format!("password-flaw-{}", flaw.code()), [("min", FluentValue::from(min))]);
    match flaw.advice() {
        Some(advice) => format!("{words} {}", message(locale, &format!("password-advice-{}", advice.code()), [])),
        None => words,
    }
}

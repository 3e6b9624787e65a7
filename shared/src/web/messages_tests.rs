//! Every message of every rule for what a user types, in every language, in one file to read aloud.

use super::fields;
use crate::domain::credential::{Advice, PasswordFlaw};
use crate::domain::form::{FieldFlaw, TermsFlaw};
use crate::domain::id::TenantId;
use crate::domain::identifier::EmailAddress;
use crate::domain::registration::ApplicationFlaw;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::Span;
use crate::locale::{self, FluentValue};
use std::fmt::Write as _;

const FLAWS: [FieldFlaw; 11] = [
    FieldFlaw::Required,
    FieldFlaw::Unknown,
    FieldFlaw::NotApplicable,
    FieldFlaw::WrongType { expected: "a text" },
    FieldFlaw::TooLong { max: 100 },
    FieldFlaw::TooLong { max: 1 },
    FieldFlaw::ForbiddenCharacter,
    FieldFlaw::Pattern,
    FieldFlaw::Date,
    FieldFlaw::Phone,
    FieldFlaw::Option,
];
const PASSWORDS: [PasswordFlaw; 10] = [
    PasswordFlaw::TooShort { min: 8 },
    PasswordFlaw::TooLong,
    PasswordFlaw::TooCommon,
    PasswordFlaw::TooWeak(None),
    PasswordFlaw::TooWeak(Some(Advice::AddWords)),
    PasswordFlaw::TooWeak(Some(Advice::AvoidSequences)),
    PasswordFlaw::TooWeak(Some(Advice::AvoidRepetition)),
    PasswordFlaw::TooWeak(Some(Advice::AvoidDates)),
    PasswordFlaw::TooWeak(Some(Advice::AvoidNames)),
    PasswordFlaw::TooWeak(Some(Advice::TricksAreGuessed)),
];
/// Messages of pages without an argument.
const PLAIN: [&str; 13] = [
    "register-email-required",
    "register-email-invalid",
    "register-terms-required",
    "register-terms-superseded",
    "login-identifier-malformed",
    "login-password-missing",
    "login-password-too-long",
    "account-password-wrong",
    "account-email-same",
    "account-email-over",
    "account-email-taken",
    "account-mail-code-wrong",
    "account-undo-newer-missing",
];
/// Messages of pages that count something.
const COUNTED: [(&str, &str, &[i64]); 7] = [
    ("verify-code-wrong", "left", &[0, 1, 4]),
    ("recover-code-wrong", "left", &[0, 1, 4]),
    ("register-no-more-mails", "hours", &[1, 8]),
    ("recover-no-more-mails", "hours", &[1, 8]),
    ("account-email-too-many-today", "hours", &[1, 8]),
    ("login-blocked", "minutes", &[1, 15]),
    ("problem-wait-minutes", "count", &[1, 3]),
];
/// One address for each reason to refuse it.
const ADDRESSES: [&str; 6] = ["", "a@@b.example", "a b@example.com", ".a@example.com", "a@example", "x"];

#[test]
fn every_message_of_every_rule_is_a_sentence_in_every_language() {
    let shipped = include_str!("../../../infra/local/latchkey.toml").replace("{origin}", "http://localhost:8080");
    let config = TenantConfig::parse(&TenantId::default_tenant(), &shipped).unwrap();
    let mut made = String::new();
    for locale in locale::available() {
        let _ = writeln!(made, "# {locale}: pages");
        let field = |flaw: &FieldFlaw| fields::field_flaw(&config, locale, "given_name", flaw);
        let counted = COUNTED.iter().flat_map(|(id, name, numbers)| {
            numbers.iter().map(move |number| locale::message(locale, id, [(*name, FluentValue::from(*number))]))
        });
        let waits =
            [Span::seconds(2), Span::seconds(11), Span::seconds(61), Span::minutes(59), Span::minutes(60), Span::hours(7)];
        let lines = FLAWS
            .iter()
            .map(field)
            .chain(PASSWORDS.iter().map(|flaw| fields::password_flaw(locale, flaw)))
            .chain(PLAIN.iter().map(|id| locale::message(locale, id, [])))
            .chain(counted)
            .chain(waits.map(|wait| locale::wait(locale, wait)));
        for line in lines {
            assert_sentence(&line);
            let _ = writeln!(made, "{line}");
        }
    }
    let _ = writeln!(made, "# en: details of the API");
    let long = format!("{}@example.com", "a".repeat(300));
    let addresses = ADDRESSES.iter().copied().chain([long.as_str()]);
    let emails = addresses.map(|address| ApplicationFlaw::Email(EmailAddress::parse(address).unwrap_err()));
    let terms = [TermsFlaw::Missing("terms".to_owned()), TermsFlaw::Unknown(0), TermsFlaw::Superseded(0)];
    let details = emails
        .chain(PASSWORDS.map(ApplicationFlaw::Password))
        .chain(FLAWS.map(|flaw| ApplicationFlaw::Field("given_name".to_owned(), flaw)))
        .chain(terms.map(ApplicationFlaw::Terms));
    for flaw in details {
        let detail = flaw.detail();
        assert_sentence(&detail);
        let _ = writeln!(made, "{detail}");
    }
    crate::goldens::compare("src/web/messages.golden", &made);
}

/// It begins like a sentence and ends like one, and no argument is left.
fn assert_sentence(text: &str) {
    let begins = text.starts_with(|c: char| c.is_uppercase() || matches!(c, '“' | '„'));
    assert!(begins && text.ends_with('.') && !text.contains(['{', '}', '$']), "{text:?}");
}

/// A new rule has a line in the golden file.
#[test]
fn no_message_of_a_field_or_of_a_password_is_left_out() {
    let english = include_str!("messages/en/registration.ftl");
    let count = |prefix: &str| english.lines().filter(|line| line.starts_with(prefix)).count();
    // One flaw is rendered with two numbers.
    assert_eq!(count("field-flaw-"), FLAWS.len() - 1);
    assert_eq!(count("password-flaw-") + count("password-advice-"), PASSWORDS.len());
}

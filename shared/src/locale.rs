//! Chooses a locale and formats messages in it, for pages and mails.
//!
//! Messages are in Fluent files by locale and area (`web/messages/{locale}/{area}.ftl`), compiled in and parsed once. If a locale lacks a
//! message, the English one is used.

use crate::domain::time::{Span, Timestamp};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

pub use fluent_bundle::FluentValue;

/// The default locale.
pub const FALLBACK: &str = "en";

macro_rules! messages {
    ($($locale:literal: $($area:literal),+;)+) => {
        /// Locale, area, source.
        const SOURCES: &[(&str, &str, &str)] =
            &[$($(($locale, $area, include_str!(concat!("web/messages/", $locale, "/", $area, ".ftl")))),+),+];
    };
}
messages! {
    "en": "base", "login", "registration", "account", "history", "export", "mail", "demo";
    "de": "base", "login", "registration", "account", "history", "export", "mail", "demo";
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<BTreeMap<&'static str, Bundle>> = LazyLock::new(|| {
    let mut bundles = BTreeMap::new();
    for (locale, area, source) in SOURCES {
        let bundle = bundles.entry(*locale).or_insert_with(|| {
            let mut bundle = Bundle::new_concurrent(vec![locale.parse::<LanguageIdentifier>().unwrap_or_default()]);
            // Isolating marks would be copied together with codes and addresses.
            bundle.set_use_isolating(false);
            bundle
        });
        // The tests below find a broken message. At run time the other messages of the file still work.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, _)| resource);
        if bundle.add_resource(resource).is_err() {
            tracing::error!(locale, area, "a message is defined twice");
        }
    }
    bundles
});

/// The locales that have messages. The default locale is first.
pub fn available() -> impl Iterator<Item = &'static str> {
    std::iter::once(FALLBACK).chain(BUNDLES.keys().copied().filter(|locale| *locale != FALLBACK))
}

/// The message with this id in this locale, its language, or English. If there is no such message, returns the id, which is visible and
/// harmless.
#[must_use]
pub fn message<'a>(locale: &str, id: &str, arguments: impl IntoIterator<Item = (&'a str, FluentValue<'a>)>) -> String {
    let arguments: FluentArgs<'a> = arguments.into_iter().collect();
    let language = language_of(locale);
    for name in [locale, language, FALLBACK] {
        if let Some(bundle) = BUNDLES.get(name)
            && let Some(pattern) = bundle.get_message(id).and_then(|message| message.value())
        {
            return bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned();
        }
    }
    tracing::error!(id, "there is no such message");
    id.to_owned()
}

/// A date in words, such as "24 November 2026" (UTC).
#[must_use]
pub fn date(locale: &str, at: Timestamp) -> String {
    let day = civil(at);
    // Texts, because some locales group the digits of a number, which is wrong for a year.
    let text = |number: i16| FluentValue::from(number.to_string());
    let month = FluentValue::from(i64::from(day.month()));
    message(locale, "date", [("day", text(i16::from(day.day()))), ("month", month), ("year", text(day.year()))])
}

/// A date and the time of day, such as "24 November 2026, 14:05 UTC".
#[must_use]
pub fn date_and_time(locale: &str, at: Timestamp) -> String {
    let moment = civil(at);
    let time = format!("{:02}:{:02}", moment.hour(), moment.minute());
    message(locale, "date-and-time", [("date", date(locale, at).into()), ("time", time.into())])
}

/// A passkey in words: its name if one is given, its make if it is well known, and the day when it was added.
#[must_use]
pub fn passkey(locale: &str, name: Option<&str>, provider: Option<&str>, added_at: Timestamp) -> String {
    let added = ("date", date(locale, added_at).into());
    match (name, provider) {
        (Some(name), Some(provider)) if name != provider => {
            message(locale, "factor-passkey-named-of", [("name", name.into()), ("provider", provider.into()), added])
        }
        (Some(name), _) => message(locale, "factor-passkey-named", [("name", name.into()), added]),
        (None, Some(provider)) => message(locale, "factor-passkey-named", [("name", provider.into()), added]),
        (None, None) => message(locale, "factor-passkey", [added]),
    }
}

/// The app and the recovery codes of an account in words, as far as it has them.
#[must_use]
pub fn second_factors(locale: &str, has_app: bool, codes_left: u8) -> Vec<String> {
    let app = has_app.then(|| message(locale, "factor-app", []));
    let codes = (codes_left > 0).then(|| message(locale, "factor-codes", [("left", u32::from(codes_left).into())]));
    app.into_iter().chain(codes).collect()
}

/// When to try again, as a sentence: in seconds, minutes or hours, rounded up.
#[must_use]
pub fn wait(locale: &str, wait: Span) -> String {
    let seconds = wait.as_seconds();
    let (unit, count) = if seconds <= 10 {
        ("seconds", seconds)
    } else if seconds <= 3_540 {
        ("minutes", (seconds + 59).div_euclid(60))
    } else {
        ("hours", (seconds + 3_599).div_euclid(3_600))
    };
    message(locale, &format!("problem-wait-{unit}"), [("count", FluentValue::from(count))])
}

fn civil(at: Timestamp) -> jiff::civil::DateTime {
    let moment = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::Offset::UTC.to_datetime(moment)
}

/// `rtl` for locales that are written from right to left, otherwise `ltr`.
#[must_use]
pub fn direction(locale: &str) -> &'static str {
    match language_of(locale) {
        "ar" | "dv" | "fa" | "he" | "ps" | "sd" | "ug" | "ur" | "yi" => "rtl",
        _ => "ltr",
    }
}

/// The name of the language in that language, for a menu of languages.
#[must_use]
pub fn name(locale: &str) -> String {
    match language_of(locale) {
        "en" => "English".to_owned(),
        "de" => "Deutsch".to_owned(),
        _ => locale.to_owned(),
    }
}

/// Chooses the locale: the first of `ui_locales` (OpenID Connect Core §3.1.2.1: space-delimited, best first) that is offered, otherwise
/// the best of `Accept-Language` (RFC 9110 §12.5.4), otherwise the first offered. A language matches its regional form, and the reverse.
/// Values that are not valid are ignored (security 19).
#[must_use]
pub fn negotiate<'a>(offered: &'a [String], ui_locales: Option<&str>, accept_language: Option<&str>) -> &'a str {
    let hinted = ui_locales.unwrap_or_default().split(' ');
    let mut accepted: Vec<(&str, u16)> =
        accept_language.unwrap_or_default().split(',').take(MAX_RANGES).filter_map(language_range).collect();
    // The sort is stable: among equal weights the first stays first.
    accepted.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    hinted
        .take(MAX_RANGES)
        .chain(accepted.into_iter().map(|(range, _)| range))
        .find_map(|wanted| find_offered(offered, wanted))
        .or_else(|| offered.first().map(String::as_str))
        .unwrap_or(FALLBACK)
}

/// At most this many languages of a header are read.
const MAX_RANGES: usize = 16;

fn find_offered<'a>(offered: &'a [String], wanted: &str) -> Option<&'a str> {
    let same = |candidate: &&String| candidate.eq_ignore_ascii_case(wanted);
    let same_language = |candidate: &&String| language_of(candidate).eq_ignore_ascii_case(language_of(wanted));
    if wanted.is_empty() {
        return None;
    }
    offered.iter().find(same).or_else(|| offered.iter().find(same_language)).map(String::as_str)
}

/// A language range and its weight in thousandths. `None` if it is not valid, and for `q=0`.
fn language_range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty() && *range != "*")?;
    let quality = match parts.find_map(|part| part.strip_prefix("q=")) {
        Some(weight) => weight.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))?,
        None => 1.0,
    };
    let thousandths = (quality * 1000.0).round() as u16;
    (thousandths > 0).then_some((range, thousandths))
}

fn language_of(locale: &str) -> &str {
    locale.split(['-', '_']).next().unwrap_or(locale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ids(locale: &str) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for (_, area, source) in SOURCES.iter().filter(|(of, _, _)| *of == locale) {
            if let Err((_, errors)) = FluentResource::try_new((*source).to_owned()) {
                panic!("{locale}/{area}.ftl does not parse: {errors:?}");
            }
            for line in source.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())) {
                let (id, _) = line.split_once('=').unwrap();
                assert!(ids.insert(id.trim().to_owned()), "{locale}/{area}.ftl defines {id} again");
            }
        }
        ids
    }

    #[test]
    fn every_locale_has_the_same_messages() {
        let english = ids(FALLBACK);
        for locale in available() {
            let others = ids(locale);
            let missing: Vec<_> = english.symmetric_difference(&others).collect();
            assert!(missing.is_empty(), "only in one of {FALLBACK} and {locale}: {missing:?}");
        }
    }

    #[test]
    fn security_19_a_locale_is_chosen_by_hint_then_by_header_then_by_the_tenant() {
        let offered = ["en".to_owned(), "de".to_owned(), "pt-BR".to_owned()];
        let cases = [
            (None, None, "en"),
            (Some("de"), Some("en"), "de"),
            (Some("fr de-AT"), None, "de"),
            (Some("fr"), Some("de"), "de"),
            (None, Some("fr;q=0.9, de;q=0.8, en;q=0.7"), "de"),
            (None, Some("en;q=0.1, de"), "de"),
            (None, Some("DE-ch"), "de"),
            (None, Some("pt"), "pt-BR"),
            (None, Some("de;q=0"), "en"),
            (None, Some("*"), "en"),
            // Values that are not valid are ignored.
            (Some("\u{0}%%"), Some(";;;,q=,de;q=9,en;q=x"), "en"),
        ];
        for (hint, header, expected) in cases {
            assert_eq!(negotiate(&offered, hint, header), expected, "{hint:?} {header:?}");
        }
        assert_eq!(negotiate(&[], None, None), FALLBACK);
    }

    #[test]
    fn a_message_is_in_the_language_of_the_locale_otherwise_in_english() {
        assert_eq!(message("de-AT", "action-continue", []), "Weiter");
        assert_eq!(message("xx", "action-continue", []), "Continue");
        assert_eq!(message("en", "no-such-message", []), "no-such-message");
    }
}

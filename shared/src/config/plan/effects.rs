//! The parts of a plan, and their texts.

use crate::domain::tenant::Localized;
use crate::domain::time::{Span, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

/// All effects of a change of the document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Counts, such as `12 fields kept, 1 retired`. Empty if nothing was added or removed.
    pub summary: Vec<String>,
    /// Each difference, in the order of the document.
    pub effects: Vec<Effect>,
}

/// One difference: its path, and its effect on users and clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The path, such as `clients.shop.redirect_uris`. Fields, terms, resources and clients have their names in it.
    pub path: String,
    /// The severity of the effect.
    pub severity: Severity,
    /// The change, and its effect on users and clients.
    pub words: String,
}

/// The severity of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// No user or client loses anything.
    Notice,
    /// It ends something for users or clients, requires more of them, or weakens a protection.
    Danger,
}

impl Plan {
    /// Returns whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// The effects that are a danger.
    pub fn dangers(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(|effect| effect.severity == Severity::Danger)
    }

    pub(super) fn notice(&mut self, path: &str, words: impl Into<String>) {
        self.effects.push(Effect { path: path.to_owned(), severity: Severity::Notice, words: words.into() });
    }
    pub(super) fn danger(&mut self, path: &str, words: impl Into<String>) {
        self.effects.push(Effect { path: path.to_owned(), severity: Severity::Danger, words: words.into() });
    }
    /// Adds the numbers of kept, added and removed items, if any is added or removed.
    pub(super) fn count(&mut self, what: &str, kept: usize, added: usize, gone: usize, gone_word: &str) {
        if added + gone == 0 {
            return;
        }
        let rest = [(added, "added"), (gone, gone_word)].into_iter().filter(|(number, _)| *number > 0);
        let rest: Vec<String> = rest.map(|(number, word)| format!("{number} {word}")).collect();
        self.summary.push(format!("{} kept, {}", count(kept, what), rest.join(", ")));
    }
}

/// The items of the first list that are not in the second, in order.
pub(super) fn missing<'a>(of: &'a [String], from: &[String]) -> Vec<&'a str> {
    of.iter().filter(|one| !from.contains(one)).map(String::as_str).collect()
}

pub(super) fn list<T: AsRef<str>>(words: &[T]) -> String {
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The UTC day of a time, as `2027-01-31`.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// A duration in the largest unit that gives a whole number.
pub(super) fn length(span: Span) -> String {
    let seconds = usize::try_from(span.as_seconds()).unwrap_or_default();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fitting = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    fitting.map_or_else(String::new, |(unit, word)| count(seconds / unit, word))
}

/// Describes a renaming in the first locale in which the texts differ.
pub(super) fn renamed(now: &Localized, then: &Localized) -> String {
    let mut locales = then.0.keys().chain(now.0.keys()).map(String::as_str);
    let locale = locales.find(|locale| now.get(locale) != then.get(locale)).unwrap_or_default();
    let readers = if locale.is_empty() { "users see".to_owned() } else { format!("users with locale {locale} see") };
    format!("{readers} {:?} instead of {:?}", then.get(locale), now.get(locale))
}

/// Returns whether the text differs in any locale.
pub(super) fn reads_differently(now: &Localized, then: &Localized) -> bool {
    now != then
}

/// The names in both lists, only in the first, and only in the second; each in the order of its own document.
pub(super) fn sides<'a>(now: &[&'a str], then: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (now.iter().collect(), then.iter().collect());
    let kept = now.iter().filter(|name| is.contains(name)).copied().collect();
    let gone = now.iter().filter(|name| !is.contains(name)).copied().collect();
    let added = then.iter().filter(|name| !was.contains(name)).copied().collect();
    (kept, gone, added)
}

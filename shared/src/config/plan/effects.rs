//! What a plan consists of, and how its parts are told.

use crate::domain::tenant::Localized;
use crate::domain::time::Span;
use serde::Serialize;
use std::collections::BTreeSet;

/// Everything that a change of the document would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// What is counted: `12 fields kept, 1 retired`; empty where nothing was added or removed.
    pub summary: Vec<String>,
    /// Each difference, in the order of the document.
    pub effects: Vec<Effect>,
}

/// One difference: where, and what it does to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The path, such as `clients.shop.redirect_uris`; fields, terms, resources and clients go by their names.
    pub path: String,
    /// How much care it needs.
    pub severity: Severity,
    /// What changes, and whom it touches.
    pub words: String,
}

/// How much care an effect needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody loses anything.
    Notice,
    /// It ends something for somebody, asks more of them, or weakens a protection.
    Danger,
}

impl Plan {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// The effects that need care.
    pub fn dangers(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(|effect| effect.severity == Severity::Danger)
    }

    pub(super) fn notice(&mut self, path: &str, words: impl Into<String>) {
        self.effects.push(Effect { path: path.to_owned(), severity: Severity::Notice, words: words.into() });
    }
    pub(super) fn danger(&mut self, path: &str, words: impl Into<String>) {
        self.effects.push(Effect { path: path.to_owned(), severity: Severity::Danger, words: words.into() });
    }
    /// Counts what stays, comes and goes, where something comes or goes.
    pub(super) fn count(&mut self, what: &str, kept: usize, added: usize, gone: usize, gone_word: &str) {
        if added + gone == 0 {
            return;
        }
        let rest = [(added, "added"), (gone, gone_word)].into_iter().filter(|(number, _)| *number > 0);
        let rest: Vec<String> = rest.map(|(number, word)| format!("{number} {word}")).collect();
        self.summary.push(format!("{} kept, {}", count(kept, what), rest.join(", ")));
    }
}

/// Those of the first that the second has not, in order.
pub(super) fn missing<'a>(of: &'a [String], from: &[String]) -> Vec<&'a str> {
    of.iter().filter(|one| !from.contains(one)).map(String::as_str).collect()
}

pub(super) fn list<T: AsRef<str>>(words: &[T]) -> String {
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A length of time in the largest unit that tells it whole.
pub(super) fn length(span: Span) -> String {
    let seconds = usize::try_from(span.as_seconds()).unwrap_or_default();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fitting = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    fitting.map_or_else(String::new, |(unit, word)| count(seconds / unit, word))
}

/// What people read instead of what, in the first locale in which it differs.
pub(super) fn renamed(now: &Localized, then: &Localized) -> String {
    let mut locales = then.0.keys().chain(now.0.keys()).map(String::as_str);
    let locale = locales.find(|locale| now.get(locale) != then.get(locale)).unwrap_or_default();
    let readers = if locale.is_empty() { "users see".to_owned() } else { format!("users with locale {locale} see") };
    format!("{readers} {:?} instead of {:?}", then.get(locale), now.get(locale))
}

/// Whether people read something else in any locale.
pub(super) fn reads_differently(now: &Localized, then: &Localized) -> bool {
    now != then
}

/// The names in both, only in the first, only in the second; each in the order of its own document.
pub(super) fn sides<'a>(now: &[&'a str], then: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (now.iter().collect(), then.iter().collect());
    let kept = now.iter().filter(|name| is.contains(name)).copied().collect();
    let gone = now.iter().filter(|name| !is.contains(name)).copied().collect();
    let added = then.iter().filter(|name| !was.contains(name)).copied().collect();
    (kept, gone, added)
}

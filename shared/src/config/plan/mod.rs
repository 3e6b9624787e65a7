//! What a change of the tenant document would do, and whom it touches: a pure comparison of two documents, in words for an operator.
//!
//! 1. Section by section, in the order of the document: each difference is an [`Effect`], at its path.
//! 2. An effect that ends something for people or clients, or weakens a protection, is a danger.
//! 3. Differences of the text alone (comments, order of keys) have no effect.
//!
//! It tells what the services do today: what already stands in a session, a grant or a profile is not rewritten by a document.

mod clients;
mod cognito;
mod form;
mod handover;
mod policies;

use crate::domain::tenant::{Localized, Signer, TenantConfig};
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
    /// What it means to go from one document to another; from none to the first.
    #[must_use]
    pub fn between(now: Option<&TenantConfig>, then: &TenantConfig) -> Self {
        let Some(now) = now else { return Self::first(then) };
        let mut plan = Self::default();
        plan.looks(now, then);
        policies::compare(&mut plan, now, then);
        form::compare(&mut plan, &now.registration, &then.registration);
        cognito::compare(&mut plan, &then.registration, now.cognito.as_ref(), then.cognito.as_ref());
        handover::compare(&mut plan, &then.registration, now.handover.as_ref(), then.handover.as_ref());
        clients::compare_resources(&mut plan, &now.resources, &then.resources);
        clients::compare(&mut plan, &now.clients, &then.clients);
        plan
    }

    /// The plan where the version in force does not read: nobody knows what it means to leave it.
    #[must_use]
    pub fn not_compared(version: u64) -> Self {
        let mut plan = Self::default();
        plan.danger("", format!("version {version} can't be compared with this document: anything may change"));
        plan
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// The effects that need care.
    pub fn dangers(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(|effect| effect.severity == Severity::Danger)
    }

    fn first(then: &TenantConfig) -> Self {
        let mut plan = Self::default();
        plan.notice(
            "",
            format!(
                "a new tenant, {:?}: {} of the form, {} of terms, {}",
                then.name.get(""),
                count(then.registration.fields.len(), "field"),
                count(then.registration.terms.len(), "document"),
                count(then.clients.len(), "client"),
            ),
        );
        if then.keys.signer == Signer::Kms {
            plan.danger("keys.signer", policies::KMS_MUST_HOLD_KEYS);
        }
        cognito::compare(&mut plan, &then.registration, None, then.cognito.as_ref());
        handover::compare(&mut plan, &then.registration, None, then.handover.as_ref());
        plan
    }

    fn looks(&mut self, now: &TenantConfig, then: &TenantConfig) {
        if now.name != then.name {
            self.notice("name", renamed(&now.name, &then.name));
        }
        let lost = missing(&now.locales, &then.locales);
        if !lost.is_empty() {
            let first = then.locales.first().map_or("en", String::as_str);
            self.danger(
                "locales",
                format!("pages and mails are no longer available in {}: their readers get {first}", list(&lost)),
            );
        }
        let gained = missing(&then.locales, &now.locales);
        if !gained.is_empty() {
            self.notice("locales", format!("pages and mails are also available in {}", list(&gained)));
        }
        if let (Some(was), Some(is)) = (now.locales.first(), then.locales.first())
            && was != is
        {
            self.notice("locales", format!("requests without a locale get {is} instead of {was}"));
        }
        if now.brand != then.brand {
            self.notice("brand", "pages and mails look different, or have other links");
        }
    }

    fn notice(&mut self, path: &str, words: impl Into<String>) {
        self.effects.push(Effect { path: path.to_owned(), severity: Severity::Notice, words: words.into() });
    }
    fn danger(&mut self, path: &str, words: impl Into<String>) {
        self.effects.push(Effect { path: path.to_owned(), severity: Severity::Danger, words: words.into() });
    }
    /// Counts what stays, comes and goes, where something comes or goes.
    fn count(&mut self, what: &str, kept: usize, added: usize, gone: usize, gone_word: &str) {
        if added + gone == 0 {
            return;
        }
        let rest = [(added, "added"), (gone, gone_word)].into_iter().filter(|(number, _)| *number > 0);
        let rest: Vec<String> = rest.map(|(number, word)| format!("{number} {word}")).collect();
        self.summary.push(format!("{} kept, {}", count(kept, what), rest.join(", ")));
    }
}

/// Those of the first that the second has not, in order.
fn missing<'a>(of: &'a [String], from: &[String]) -> Vec<&'a str> {
    of.iter().filter(|one| !from.contains(one)).map(String::as_str).collect()
}

fn list<T: AsRef<str>>(words: &[T]) -> String {
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A length of time in the largest unit that tells it whole.
fn length(span: Span) -> String {
    let seconds = usize::try_from(span.as_seconds()).unwrap_or_default();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fitting = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    fitting.map_or_else(String::new, |(unit, word)| count(seconds / unit, word))
}

/// What people read instead of what, in the first locale in which it differs.
fn renamed(now: &Localized, then: &Localized) -> String {
    let mut locales = then.0.keys().chain(now.0.keys()).map(String::as_str);
    let locale = locales.find(|locale| now.get(locale) != then.get(locale)).unwrap_or_default();
    let readers = if locale.is_empty() { "users see".to_owned() } else { format!("users with locale {locale} see") };
    format!("{readers} {:?} instead of {:?}", then.get(locale), now.get(locale))
}

/// Whether people read something else in any locale.
fn reads_differently(now: &Localized, then: &Localized) -> bool {
    now != then
}

/// The names in both, only in the first, only in the second; each in the order of its own document.
fn sides<'a>(now: &[&'a str], then: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (now.iter().collect(), then.iter().collect());
    let kept = now.iter().filter(|name| is.contains(name)).copied().collect();
    let gone = now.iter().filter(|name| !is.contains(name)).copied().collect();
    let added = then.iter().filter(|name| !was.contains(name)).copied().collect();
    (kept, gone, added)
}

#[cfg(test)]
mod tests;

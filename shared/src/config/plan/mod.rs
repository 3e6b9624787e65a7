//! The effects of a change of the tenant document: a pure comparison of two documents, in words for an operator.
//!
//! 1. It compares section by section, in the order of the document. Each difference is an [`Effect`] with its path.
//! 2. An effect is a danger if it ends something for users or clients, or weakens a protection.
//! 3. A difference in the text only (comments, order of keys) has no effect.
//!
//! It describes what the services do today: a new document does not rewrite stored sessions, grants or profiles.

mod clients;
mod effects;
mod form;
mod legacy_directory;
mod passkeys;
mod policies;
mod reverse_migration;
mod terms;

pub use effects::{Effect, Plan, Severity};

use crate::domain::tenant::{Signer, TenantConfig};
use effects::{count, list, missing, renamed};

impl Plan {
    /// Compares two documents. `now` is `None` for a new tenant.
    #[must_use]
    pub fn between(now: Option<&TenantConfig>, then: &TenantConfig) -> Self {
        let Some(now) = now else { return Self::first(then) };
        let mut plan = Self::default();
        plan.looks(now, then);
        policies::compare(&mut plan, now, then);
        passkeys::compare(&mut plan, &now.passkeys, &then.passkeys);
        form::compare(&mut plan, &now.registration, &then.registration);
        legacy_directory::compare(&mut plan, &then.registration, now.legacy_directory.as_ref(), then.legacy_directory.as_ref());
        reverse_migration::compare(
            &mut plan,
            &then.registration,
            now.reverse_migration.as_ref(),
            then.reverse_migration.as_ref(),
        );
        clients::compare_resources(&mut plan, &now.resources, &then.resources);
        clients::compare(&mut plan, &now.clients, &then.clients);
        plan
    }

    /// The plan if the current version cannot be read: its differences from the new document are unknown.
    #[must_use]
    pub fn not_compared(version: u64) -> Self {
        let mut plan = Self::default();
        plan.danger("", format!("version {version} can't be compared with this document: anything may change"));
        plan
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
        legacy_directory::compare(&mut plan, &then.registration, None, then.legacy_directory.as_ref());
        reverse_migration::compare(&mut plan, &then.registration, None, then.reverse_migration.as_ref());
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
}

#[cfg(test)]
mod tests;

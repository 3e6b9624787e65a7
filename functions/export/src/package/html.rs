//! `export.html`: the document in plain words, in the reader's locale. This module builds sections of labelled values; the template renders
//! them and escapes every value (security 110).

use latchkey::domain::export::{
    Document, ExportedEmailChange, ExportedFailures, ExportedFormerEmail, ExportedGrant, ExportedLinkedIdentity,
    ExportedPasskey, ExportedProof, ExportedRecord, ExportedSession, ExportedTerms, MAX_HISTORY, Moment,
};
use latchkey::domain::oauth::scope::ScopeSet;
use latchkey::domain::sign_in::method::Method;
use latchkey::domain::tenant::{Field, FieldKind};
use latchkey::services::Tenant;
use latchkey::web::locale::{self, FluentValue};
use latchkey::web::{Page, Problem};
use serde::Serialize;
use serde_json::{Value, json};

/// One section of the page. Its title, text and anchor are messages with its name.
#[derive(Serialize)]
struct Section {
    name: &'static str,
    entries: Vec<Entry>,
}

/// One entry with its values.
#[derive(Serialize)]
struct Entry {
    title: Option<String>,
    facts: Vec<Fact>,
}

/// A labelled value.
#[derive(Serialize)]
struct Fact {
    label: String,
    text: String,
    /// The machine-readable time, if the value is a time.
    datetime: Option<String>,
}

pub(super) fn write(tenant: &Tenant, document: &Document) -> Result<String, Problem> {
    let words = Renderer { document, locale: &document.locale, fields: &tenant.config.registration.fields };
    let records: Vec<Value> = document.history.records.iter().map(|record| words.record(record)).collect();
    let values = json!({
        "name": tenant.config.name.get(&document.locale),
        "issuer": document.issuer,
        "date": locale::date_and_time(&document.locale, document.as_of.0),
        "sections": words.sections(),
        "records": records,
        "truncated": document.history.truncated.then_some(MAX_HISTORY),
    });
    Page::new(tenant, &document.locale, "export_document", values).to_file()
}

/// The description of an event.
pub(super) fn event_words(locale: &str, record: &ExportedRecord) -> String {
    let kind = if record.new_device { "-new-device" } else { "" };
    locale::message(locale, &format!("event-{}{kind}", name_of(&record.event)), [])
}

/// The serialized name of a value.
pub(super) fn name_of(word: &impl Serialize) -> String {
    serde_json::to_value(word).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

struct Renderer<'a> {
    document: &'a Document,
    locale: &'a str,
    fields: &'a [Field],
}

impl Renderer<'_> {
    fn say(&self, id: &str) -> String {
        locale::message(self.locale, id, [])
    }
    fn fact(&self, id: &str, text: impl Into<String>) -> Fact {
        Fact { label: self.say(id), text: text.into(), datetime: None }
    }
    fn moment(&self, id: &str, at: Moment) -> Fact {
        let text = locale::date_and_time(self.locale, at.0);
        Fact { label: self.say(id), text, datetime: Some(at.0.to_string()) }
    }
    fn maybe(&self, id: &str, at: Option<Moment>) -> Option<Fact> {
        at.map(|at| self.moment(id, at))
    }
    fn yes_or_no(&self, is: bool) -> String {
        self.say(if is { "export-yes" } else { "export-no" })
    }
    fn methods(&self, proofs: &[ExportedProof]) -> Option<Fact> {
        let word = |proof: &ExportedProof| match &proof.method {
            Method::Password => self.say("export-method-pwd"),
            Method::MailCode => self.say("export-method-mail"),
            Method::Totp => self.say("export-method-totp"),
            Method::RecoveryCode => self.say("export-method-code"),
            Method::BoundPasskey | Method::SyncedPasskey => self.say("export-method-passkey"),
            Method::RememberedDevice => self.say("export-method-dev"),
            Method::Unknown(name) => name.to_string(),
        };
        let words: Vec<String> = proofs.iter().map(word).collect();
        (!words.is_empty()).then(|| self.fact("export-sessions-method", words.join(", ")))
    }
    fn scopes(&self, scope: &ScopeSet) -> String {
        const KNOWN: [&str; 7] = latchkey::domain::oauth::scope::OF_A_PERSON;
        let one = |scope: &str| if KNOWN.contains(&scope) { self.say(&format!("scope-{scope}")) } else { scope.to_owned() };
        scope.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    fn sections(&self) -> Vec<Section> {
        let Document { sessions, grants, terms, consents, .. } = self.document;
        vec![
            Section { name: "account", entries: vec![self.account()] },
            Section { name: "identifiers", entries: self.identifiers() },
            Section { name: "profile", entries: vec![self.profile()] },
            Section { name: "addresses", entries: self.addresses() },
            Section { name: "elsewhere", entries: self.linked_identities() },
            Section { name: "passkeys", entries: self.passkeys() },
            Section { name: "protection", entries: self.protection() },
            Section { name: "sessions", entries: sessions.iter().map(|session| self.session(session)).collect() },
            Section { name: "applications", entries: grants.iter().map(|grant| self.grant(grant)).collect() },
            Section {
                name: "consents",
                entries: consents
                    .iter()
                    .map(|consent| Entry {
                        title: Some(consent.client_name.clone()),
                        facts: [
                            Some(self.fact("export-applications-id", consent.client_id.as_str())),
                            Some(self.fact("export-applications-scope", self.scopes(&consent.scope))),
                            Some(self.moment("export-applications-since", consent.granted_at)),
                            self.maybe("export-consents-withdrawn", consent.withdrawn_at),
                        ]
                        .into_iter()
                        .flatten()
                        .collect(),
                    })
                    .collect(),
            },
            Section { name: "terms", entries: terms.iter().map(|terms| self.accepted(terms)).collect() },
        ]
    }

    fn account(&self) -> Entry {
        let account = &self.document.account;
        let mut facts = vec![
            self.fact("export-account-sub", account.sub.to_string()),
            self.fact("export-account-status", self.say(&format!("export-account-{}", account.status))),
            self.moment("export-account-created", account.created_at),
        ];
        if !account.roles.is_empty() {
            facts.push(self.fact("export-account-roles", account.roles.to_string()));
        }
        facts.extend(self.maybe("export-account-hold", account.legal_hold_since));
        Entry { title: None, facts }
    }

    fn identifiers(&self) -> Vec<Entry> {
        let entry = |identifier: &latchkey::domain::export::ExportedIdentifier| Entry {
            title: None,
            facts: vec![
                self.fact("export-claim-email", &identifier.value),
                self.fact("export-identifiers-verified", self.yes_or_no(identifier.verified)),
            ],
        };
        self.document.identifiers.iter().map(entry).collect()
    }

    /// The claims: first what the user signs in with, then the fields of the registration form in order, then the rest.
    fn profile(&self) -> Entry {
        let profile = &self.document.profile;
        let rank = |name: &str| match name {
            "email" | "email_verified" => 0,
            _ => self.fields.iter().position(|field| field.name == name).map_or(usize::MAX, |at| at + 1),
        };
        let mut claims: Vec<(&String, &Value)> = profile.claims.iter().collect();
        claims.sort_by_key(|(name, _)| rank(name));
        let mut facts: Vec<Fact> = claims.into_iter().map(|(name, value)| self.claim(name, value)).collect();
        facts.push(self.moment("export-profile-updated", profile.updated_at));
        Entry { title: None, facts }
    }
    fn claim(&self, name: &str, value: &Value) -> Fact {
        let label = match (self.document.profile.labels.get(name), name) {
            (Some(label), _) => label.clone(),
            (None, "email" | "email_verified" | "locale") => self.say(&format!("export-claim-{name}")),
            (None, _) => name.replace('_', " "),
        };
        let options = self.fields.iter().find(|field| field.name == name).map(|field| &field.kind);
        let chosen = match options {
            Some(FieldKind::Choice(options)) => options.iter().find(|(option, _)| value == option).map(|(_, label)| label),
            Some(FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone | FieldKind::Boolean) | None => None,
        };
        let text = chosen.map_or_else(|| self.value(value), |label| label.get(self.locale).to_owned());
        Fact { label, text, datetime: None }
    }
    fn value(&self, value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Bool(is) => self.yes_or_no(*is),
            Value::Null => String::new(),
            Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
        }
    }

    fn addresses(&self) -> Vec<Entry> {
        let pending = |change: &ExportedEmailChange| Entry {
            title: Some(self.say("export-addresses-pending")),
            facts: vec![
                self.fact("export-addresses-email", &change.email),
                self.fact("export-addresses-wrong", change.wrong_codes.to_string()),
                self.fact("export-addresses-locale", &change.locale),
                self.moment("export-addresses-until", change.expires_at),
            ],
        };
        let former = |former: &ExportedFormerEmail| Entry {
            title: Some(self.say("export-addresses-former")),
            facts: vec![
                self.fact("export-addresses-email", &former.email),
                self.fact("export-addresses-locale", &former.locale),
                self.moment("export-addresses-changed", former.changed_at),
                self.moment("export-addresses-undo", former.undo_until),
            ],
        };
        let Document { email_change, former_emails, .. } = self.document;
        email_change.iter().map(pending).chain(former_emails.iter().map(former)).collect()
    }

    fn linked_identities(&self) -> Vec<Entry> {
        let entry = |link: &ExportedLinkedIdentity| Entry {
            title: None,
            facts: vec![
                self.fact("export-elsewhere-issuer", &link.issuer),
                self.fact("export-elsewhere-subject", &link.subject),
                self.moment("export-elsewhere-since", link.linked_at),
            ],
        };
        self.document.linked_identities.iter().map(entry).collect()
    }

    fn passkeys(&self) -> Vec<Entry> {
        let kind = |synced: bool| self.say(if synced { "export-passkeys-synced" } else { "export-passkeys-bound" });
        let entry = |passkey: &ExportedPasskey| Entry {
            title: passkey.name.clone().or_else(|| passkey.provider.map(str::to_owned)),
            facts: [
                passkey.provider.map(|provider| self.fact("export-passkeys-provider", provider)),
                Some(self.fact("export-passkeys-kind", kind(passkey.synced))),
                Some(self.fact("export-passkeys-site", &passkey.rp_id)),
                Some(self.moment("export-passkeys-since", passkey.created_at)),
                self.maybe("export-passkeys-used", passkey.last_used_at),
                self.maybe("export-passkeys-removed", passkey.removed_at),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        self.document.passkeys.iter().map(entry).collect()
    }

    fn protection(&self) -> Vec<Entry> {
        let sign_in = &self.document.sign_in;
        let entry = |title: String, failed: &ExportedFailures, remembered_until: Option<Moment>| Entry {
            title: Some(title),
            facts: std::iter::once(self.fact("export-protection-count", failed.count.to_string()))
                .chain(self.maybe("export-protection-last", failed.last_at))
                .chain(self.maybe("export-protection-remembered", remembered_until))
                .collect(),
        };
        let device = |device: &String| -> String {
            let name = FluentValue::from(device.as_str());
            locale::message(self.locale, "export-protection-device", [("device", name)])
        };
        let strangers = entry(self.say("export-protection-strangers"), &sign_in.failed, None);
        let devices =
            sign_in.known_devices.iter().map(|known| entry(device(&known.device), &known.failed, known.remembered_until));
        std::iter::once(strangers).chain(devices).collect()
    }

    fn session(&self, session: &ExportedSession) -> Entry {
        let facts = [
            Some(self.fact("export-sessions-status", self.say(&format!("export-sessions-{}", session.status)))),
            session.network.as_ref().map(|network| self.fact("export-sessions-network", network)),
            Some(self.moment("export-sessions-opened", session.created_at)),
            Some(self.moment("export-sessions-proved", session.auth_time)),
            self.methods(&session.proofs),
            Some(self.moment("export-sessions-used", session.last_used_at)),
            Some(self.moment("export-sessions-idle", session.idle_expires_at)),
            Some(self.moment("export-sessions-expires", session.expires_at)),
            self.maybe("export-sessions-signed-out", session.ended_at),
            Some(self.fact("export-sessions-sid", session.sid.to_string())),
        ];
        let title = session.device.clone().unwrap_or_else(|| self.say("export-sessions-unknown"));
        Entry { title: Some(title), facts: facts.into_iter().flatten().collect() }
    }

    fn grant(&self, grant: &ExportedGrant) -> Entry {
        let refresh = grant.refresh.as_ref();
        let reason = |reason| self.fact("export-applications-reason", self.say(&format!("export-reason-{}", name_of(reason))));
        let facts = [
            Some(self.fact("export-applications-status", self.say(&format!("export-applications-{}", grant.status)))),
            Some(self.fact("export-applications-id", grant.client_id.as_str())),
            Some(self.fact("export-applications-scope", self.scopes(&grant.scope))),
            Some(self.fact("export-applications-audience", &grant.audience)),
            Some(self.fact("export-account-sub", grant.sub.to_string())),
            Some(self.moment("export-applications-since", grant.since)),
            self.maybe("export-applications-taken", grant.redeemed_at),
            refresh.map(|refresh| self.moment("export-applications-renewed", refresh.last_rotated_at)),
            refresh.map(|refresh| self.fact("export-applications-renewals", refresh.generation.to_string())),
            refresh.map(|refresh| self.moment("export-applications-idle", refresh.idle_expires_at)),
            self.maybe("export-applications-revoked-at", grant.revoked_at),
            grant.revocation_reason.as_ref().map(reason),
            Some(self.moment("export-applications-expires", grant.expires_at)),
            Some(self.moment("export-sessions-proved", grant.auth_time)),
            self.methods(&grant.proofs),
            grant.redirect_uri.as_ref().map(|uri| self.fact("export-applications-redirect", uri)),
            Some(self.fact("export-applications-sid", grant.sid.to_string())),
        ];
        Entry { title: Some(grant.client_name.clone()), facts: facts.into_iter().flatten().collect() }
    }

    fn accepted(&self, terms: &ExportedTerms) -> Entry {
        let evidence = terms.sha256.clone().unwrap_or_else(|| self.say("export-terms-not-evidenced"));
        let facts = [
            Some(self.fact("export-terms-version", &terms.version)),
            Some(self.moment("export-terms-accepted", terms.accepted_at)),
            self.maybe("export-terms-withdrawn", terms.withdrawn_at),
            terms.locale.as_ref().map(|locale| self.fact("export-terms-locale", locale)),
            Some(self.fact("export-terms-evidence", evidence)),
            terms.url.as_ref().map(|url| self.fact("export-terms-url", url)),
        ];
        Entry { title: Some(terms.title.clone()), facts: facts.into_iter().flatten().collect() }
    }

    fn record(&self, record: &ExportedRecord) -> Value {
        json!({
            "datetime": record.at,
            "when": locale::date_and_time(self.locale, record.at.0),
            "what": event_words(self.locale, record),
            "application": record.client_id,
            // Enough to distinguish networks. The other files have the complete value.
            "network": record.address_hash.as_deref().and_then(|hash| hash.get(..8)),
        })
    }
}

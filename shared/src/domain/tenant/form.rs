//! The registration form of a tenant, and the terms to accept.

use super::text::Localized;
use crate::digest::sha256;
use crate::domain::consent::AcceptedTerms;
use crate::domain::time::{Span, Timestamp};
use data_encoding::HEXLOWER;

/// Registration: whether it is open, and its form.
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// Off: no path creates an account (security 109).
    pub enabled: bool,
    /// Whether a new user chooses a password.
    pub password: RegistrationPassword,
    /// The fields of the form in order (after e-mail and password, which are always first).
    pub fields: Vec<Field>,
    /// Documents to accept.
    pub terms: Vec<TermsDocument>,
}

/// Whether a new user chooses a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegistrationPassword {
    /// Each one does.
    #[default]
    Required,
    /// Who wants to.
    Optional,
    /// None does.
    None,
}

/// One field of the registration form and of the profile: one schema drives page, API and stored claims.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name of the claim: a standard OIDC claim or a custom one (`[a-z][a-z0-9_]*`).
    pub name: String,
    /// Type and its limits.
    pub kind: FieldKind,
    /// Whether it must be filled (if shown).
    pub required: bool,
    /// Label by locale.
    pub label: Localized,
    /// Help by locale.
    pub help: Localized,
    /// Shown only when another field has this value.
    pub show_when: Option<ShowWhen>,
    /// `autocomplete` token of the input.
    pub autocomplete: Option<String>,
    /// The member of the claim `address` that it fills, if any.
    pub address: Option<&'static str>,
}

/// A field's type and limits.
#[derive(Debug, Clone)]
pub enum FieldKind {
    /// One line of text.
    Text {
        /// At most this many characters (1 to 1024).
        max_length: usize,
        /// A regular expression for the whole value (linear time), with the message for a mismatch.
        pattern: Option<Pattern>,
    },
    /// A date (`YYYY-MM-DD`).
    Date,
    /// A phone number (E.164).
    Phone,
    /// Yes or no.
    Boolean,
    /// One of these values, each with a label.
    Choice(Vec<(String, Localized)>),
}

/// A pattern for a text field.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written in the document.
    pub source: String,
    /// Compiled and anchored.
    pub regex: regex::Regex,
    /// The message for a value that does not match.
    pub message: Localized,
}

/// The condition under which a field is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowWhen {
    /// The other field, which precedes this one.
    pub field: String,
    /// Its value (`true`/`false` for a boolean).
    pub equals: String,
}

/// A document to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsDocument {
    /// Its name, `[a-z][a-z0-9_]*`.
    pub document: String,
    /// Its current version.
    pub version: String,
    /// Its title by locale.
    pub title: Localized,
    /// Where to read it.
    pub url: String,
    /// Whether it must be accepted.
    pub required: bool,
    /// From when existing users are asked for this version. None: at once, and they can always postpone it.
    pub from: Option<Timestamp>,
    /// For how long after `from` they can postpone it.
    pub grace: Span,
    /// The text by locale, if the document has it.
    pub text: Localized,
    /// The SHA-256 of the text by locale, in hexadecimal: what an acceptance is evidence of. Empty: only `url` is recorded.
    pub sha256: Localized,
}

impl TermsDocument {
    /// Whether existing users are asked for this version.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.required && self.from.is_none_or(|from| from <= now)
    }
    /// Until when users can postpone it. None: without end.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.from.filter(|_| self.required).map(|from| from + self.grace)
    }
    /// Whether it can no longer be postponed.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }
    /// Whether this acceptance is of this version, and in force.
    #[must_use]
    pub fn is_accepted_by(&self, known: &AcceptedTerms) -> bool {
        known.withdrawn_at.is_none() && known.document == self.document && known.version == self.version
    }
    /// The SHA-256 of a text by locale, in hexadecimal.
    #[must_use]
    pub fn hashes_of(text: &Localized) -> Localized {
        let hash = |text: &String| HEXLOWER.encode(&sha256(text.as_bytes()));
        Localized(text.0.iter().map(|(locale, text)| (locale.clone(), hash(text))).collect())
    }
    /// What is kept of an acceptance on a page in this locale.
    #[must_use]
    pub fn accepted(&self, locale: &str, now: Timestamp) -> AcceptedTerms {
        let evidence = self.sha256.find(locale);
        let locale = evidence.map(|(key, _)| key).filter(|key| !key.is_empty()).unwrap_or(locale);
        AcceptedTerms {
            document: self.document.clone(),
            version: self.version.clone(),
            accepted_at: now,
            locale: Some(locale.to_owned()),
            sha256: evidence.map(|(_, hash)| hash.to_owned()),
            url: evidence.is_none().then(|| self.url.clone()),
            withdrawn_at: None,
        }
    }
}

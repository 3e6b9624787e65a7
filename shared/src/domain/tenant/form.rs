//! The registration form of a tenant, and the terms to accept.

use super::text::Localized;

/// Registration: whether it is open, and its form.
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// Off: no path creates an account (security 109).
    pub enabled: bool,
    /// The fields of the form in order (after e-mail and password, which are always first).
    pub fields: Vec<Field>,
    /// Documents to accept.
    pub terms: Vec<TermsDocument>,
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
}

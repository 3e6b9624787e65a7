//! The tenant document: everything that an operator decides without code. TOML in, validated types out; every error named by
//! its path.

mod clients;
mod cognito;
pub mod document;
mod form;
mod handover;
pub mod plan;
mod reader;

use crate::domain::id::{ClientId, TenantId};
use crate::domain::oauth::client::{Client, SigningAlgorithm};
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use cognito::{CognitoConfig, InvalidUserPoolId, KeptSub, UserPoolId};
pub use handover::{HandoverConfig, Username};

/// A text by locale (BCP 47); the empty key is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Localized(pub BTreeMap<String, String>);

impl Localized {
    /// The text for this locale, else its language's, else the default, else any, else empty.
    #[must_use]
    pub fn get(&self, locale: &str) -> &str {
        let language = locale.split('-').next().unwrap_or(locale);
        [locale, language, ""]
            .into_iter()
            .find_map(|key| self.0.get(key))
            .or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }
}

impl From<String> for Localized {
    /// The same text in every locale.
    fn from(text: String) -> Self {
        Self(BTreeMap::from([(String::new(), text)]))
    }
}

/// One tenant's validated configuration.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// Which tenant.
    pub tenant: TenantId,
    /// The name people see.
    pub name: Localized,
    /// Looks and links of pages and mails.
    pub brand: Brand,
    /// Locales offered, the default first (BCP 47).
    pub locales: Vec<String>,
    /// Registration: whether, with which form.
    pub registration: RegistrationConfig,
    /// Password rules.
    pub password: PasswordPolicy,
    /// Session lifetimes.
    pub session: SessionPolicy,
    /// Token lifetimes.
    pub token: TokenPolicy,
    /// How long what is over is kept.
    pub retention: RetentionPolicy,
    /// Signing keys.
    pub keys: KeysConfig,
    /// Mail sender.
    pub mail: MailConfig,
    /// The user pool that people come from, during a move.
    pub cognito: Option<CognitoConfig>,
    /// The user pool that people go to, on the way back.
    pub handover: Option<HandoverConfig>,
    /// OAuth clients.
    pub clients: BTreeMap<ClientId, Client>,
    /// Resource servers that tokens can be narrowed to (RFC 8707).
    pub resources: BTreeMap<String, Resource>,
}

impl TenantConfig {
    /// The client that a person comes from who comes from nowhere: the first one of the company's own, else the first.
    #[must_use]
    pub fn default_client(&self) -> Option<&Client> {
        self.clients.values().find(|client| client.first_party).or_else(|| self.clients.values().next())
    }
}

/// Looks and links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Accent colour, `#rrggbb`.
    pub accent: String,
    /// https address of the privacy statement.
    pub privacy_url: Option<String>,
    /// https address of help.
    pub support_url: Option<String>,
}

/// Registration: whether, with which form.
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// Off: no path creates an account (security 109).
    pub enabled: bool,
    /// The fields of the form in order (besides e-mail and password, which are always there, first).
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
    /// Whether it must be filled (when shown).
    pub required: bool,
    /// Label by locale.
    pub label: Localized,
    /// Help by locale.
    pub help: Localized,
    /// Shown only when another field has this value.
    pub show_when: Option<ShowWhen>,
    /// `autocomplete` token of the input.
    pub autocomplete: Option<String>,
}

/// A field's type and limits.
#[derive(Debug, Clone)]
pub enum FieldKind {
    /// One line of text.
    Text {
        /// At most this many characters (1 to 1024).
        max_length: usize,
        /// A regular expression for the whole value (linear time), with what to say when it does not fit.
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
    /// What to say when a value does not fit.
    pub message: Localized,
}

/// The condition under which a field is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowWhen {
    /// The other field, which stands before this one.
    pub field: String,
    /// Its value (`true`/`false` for a boolean).
    pub equals: String,
}

/// A document to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsDocument {
    /// Its name, `[a-z][a-z0-9_]*`.
    pub document: String,
    /// Its present version.
    pub version: String,
    /// Its title by locale.
    pub title: Localized,
    /// Where it can be read.
    pub url: String,
    /// Whether it must be accepted.
    pub required: bool,
}

/// Password rules by preset (security 65).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_length: usize,
    /// Least strength estimate, 0 to 4.
    pub min_strength: u8,
}

impl PasswordPolicy {
    /// OWASP ASVS 5.0 §6.2: 8 characters that are hard to guess. The default.
    pub const ASVS: Self = Self { min_length: 8, min_strength: 3 };
    /// NIST SP 800-63B-4 for a password that is the only factor: 15 characters.
    pub const NIST: Self = Self { min_length: 15, min_strength: 0 };
}

/// Session lifetimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Unless used.
    pub idle: Span,
    /// In any case.
    pub absolute: Span,
}

/// Token lifetimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Access and ID tokens; at most 10 minutes.
    pub access: Span,
    /// Refresh tokens, unless used.
    pub refresh_idle: Span,
    /// A grant, in any case.
    pub refresh_absolute: Span,
}

/// How long what is over is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// From a person's request to the erasure of the account: it can be restored until then.
    pub erasure_grace: Span,
    /// From a change of address on: the former address can undo it until then.
    pub email_undo: Span,
    /// How long audit records are kept; they hold no personal data in clear.
    pub audit: Span,
}

impl RetentionPolicy {
    /// What a document says that says nothing.
    pub const DEFAULT: Self = Self { erasure_grace: Span::days(30), email_undo: Span::days(7), audit: Span::days(365) };
}

/// Signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysConfig {
    /// Where signatures of tokens come from.
    pub signer: Signer,
}

/// Where signatures of tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signer {
    /// Keys that Latchkey makes, wrapped in the table, sign in process; they are rotated.
    #[default]
    Local,
    /// Keys that never leave KMS sign there, a call for each signature.
    Kms,
}

/// Mail sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// Address (and name) in `From`.
    pub from: String,
}

/// A resource server (RFC 8707).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its identifier: the `aud` of tokens for it.
    pub resource: String,
    /// Scopes it knows.
    pub scope: ScopeSet,
    /// Signature of its access tokens, when it wants another than the client's.
    pub signed_response_alg: Option<SigningAlgorithm>,
}

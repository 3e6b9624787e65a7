//! What a tenant decides about passwords, lifetimes, keys and mail.

use crate::domain::time::Span;

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

//! The identifier that a user types, its canonical form and its keyed hash (security 106).
//!
//! The canonical form decides uniqueness, and mail goes to it. If mail went to the typed text, a look-alike with the canonical
//! form of another user's address could divert that user's codes.

use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// An e-mail address in canonical form: trimmed, NFKC, lower case, IDNA domain; at most 254 bytes.
///
/// Personal data: it does not print.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// Why a text is not a valid e-mail address for registration and sign-in: one sentence for the caller of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Only white space.
    #[error("Enter an e-mail address.")]
    Empty,
    /// Over 254 bytes (RFC 5321 §4.5.3.1.3), or over 64 before the `@`.
    #[error("This e-mail address is too long. Use one with at most 254 characters.")]
    TooLong,
    /// An invisible, directional or control character, or a space inside.
    #[error("An e-mail address has no spaces, line breaks or invisible characters. Remove them.")]
    ForbiddenCharacter,
    /// No `@`, or more than one.
    #[error("An e-mail address has exactly one @, such as name@example.com.")]
    NotOneAt,
    /// The part before the `@` is empty, quoted, not ASCII, or has misplaced dots.
    #[error("The part of the e-mail address before the @ is not valid.")]
    LocalPart,
    /// The part after the `@` is not a domain name with at least two labels.
    #[error("The part of the e-mail address after the @ is not a domain name.")]
    Domain,
}

/// The keyed hash of a canonical identifier: the only form in which one is stored in clear or logged.
///
/// The key's version is stored beside it, so that the key can be rotated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdentifierHash {
    /// Version of the identifier key.
    #[serde(rename = "v")]
    pub key_version: u32,
    /// HMAC-SHA-256 of kind ‖ canonical form.
    #[serde(rename = "h", with = "crate::domain::bytes32")]
    pub hash: [u8; 32],
}

/// The live versions of the identifier key. While there are two, an item can be stored under either of them.
///
/// Versions are a chain: the hash under a version is the keyed hash of the hash under the version before. So a stored hash leads
/// to the hashes of all later versions, and no address is needed for it.
pub trait IdentifierForms: Send + Sync {
    /// Whether only one version was ever made: each hash has one form.
    fn is_single(&self) -> bool;
    /// The hash under each live version that follows from it, oldest first; never empty.
    fn forms(&self, hash: &IdentifierHash) -> Vec<IdentifierHash>;
    /// The hash under the version that makes new items.
    fn claimed(&self, hash: &IdentifierHash) -> IdentifierHash;
}

/// Longest address (RFC 5321 §4.5.3.1.3, without the angle brackets).
const MAX_BYTES: usize = 254;
/// Longest local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// Longest text that is processed: normalisation can shorten it, but no address needs this much.
const MAX_TYPED_BYTES: usize = 1024;

impl EmailAddress {
    /// The canonical form of a typed address.
    ///
    /// Equal addresses give equal bytes: case, width and Unicode form are folded. Rules of single mail providers (dots, `+tags`)
    /// are not applied.
    ///
    /// # Errors
    /// The reason why it is not a valid address.
    pub fn parse(typed: &str) -> Result<Self, InvalidEmail> {
        if typed.len() > MAX_TYPED_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        // Trim only what a keyboard or a paste adds at the ends. A line break is not trimmed: it may be a header injection
        // (security 106).
        let trimmed = typed.trim_matches([' ', '\t', '\u{a0}', '\u{3000}']);
        if trimmed.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        if trimmed.chars().any(is_forbidden) {
            return Err(InvalidEmail::ForbiddenCharacter);
        }
        // Lower case after NFKC may no longer be NFKC (İ becomes i and a combining dot), hence the second pass.
        let folded: String = trimmed.nfkc().collect::<String>().to_lowercase().nfkc().collect();
        if folded.chars().any(is_forbidden) {
            return Err(InvalidEmail::ForbiddenCharacter);
        }
        let Some((local, domain)) = folded.split_once('@') else { return Err(InvalidEmail::NotOneAt) };
        if domain.contains('@') {
            return Err(InvalidEmail::NotOneAt);
        }
        if local.len() > MAX_LOCAL_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        if !is_dot_atom(local) {
            return Err(InvalidEmail::LocalPart);
        }
        let domain = canonical_domain(domain).ok_or(InvalidEmail::Domain)?;
        let address = format!("{local}@{domain}");
        if address.len() > MAX_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        Ok(Self(address))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

/// Characters that are invisible, change the direction of others, or end a line: two addresses could look alike, or a header
/// could be split. Inner spaces are included.
fn is_forbidden(c: char) -> bool {
    c.is_control() || c.is_whitespace() || is_invisible(c)
}

/// Characters that show nothing of their own: joiners, fillers, direction marks, variation selectors, tags.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffd}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// RFC 5321 `Dot-string`. A non-ASCII local part could not be delivered by every mail system, and would allow look-alikes from
/// other scripts.
fn is_dot_atom(local: &str) -> bool {
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)))
}

/// The domain in ASCII (UTS #46, non-transitional, STD3), if it has at least two labels and a last label that is not numeric.
fn canonical_domain(domain: &str) -> Option<String> {
    let ascii = idna::uts46::Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            idna::AsciiDenyList::STD3,
            idna::uts46::Hyphens::CheckFirstLast,
            idna::uts46::DnsLength::Verify,
        )
        .ok()?;
    let (_, last) = ascii.rsplit_once('.')?;
    (!last.bytes().all(|b| b.is_ascii_digit())).then(|| ascii.into_owned())
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}
impl fmt::Debug for IdentifierHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentifierHash(v{} {})", self.key_version, data_encoding::HEXLOWER.encode(&self.hash[..4]))
    }
}

#[cfg(test)]
#[path = "identifier_tests.rs"]
mod tests;

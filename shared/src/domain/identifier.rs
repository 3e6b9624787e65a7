//! What a person types to say who they are, its canonical form and its keyed hash (security 106).

use serde::{Deserialize, Serialize};
use std::fmt;

/// An e-mail address in canonical form: trimmed, NFKC, lower case, IDNA domain; at most 254 bytes.
///
/// Personal data: it does not print.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// The keyed hash of a canonical identifier: the only form in which one is stored in clear or logged.
///
/// The key's version stands beside it, so that the key can be rotated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdentifierHash {
    /// Version of the identifier key.
    #[serde(rename = "v")]
    pub key_version: u32,
    /// HMAC-SHA-256 of kind ‖ canonical form.
    #[serde(rename = "h", with = "crate::domain::bytes32")]
    pub hash: [u8; 32],
}

impl EmailAddress {
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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

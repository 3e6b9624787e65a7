//! Secret values that must not be printed, and their digests.

use crate::digest::sha256;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Text that never appears in a log, an error or debug output: a password, a code, a token. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself. The method name makes every use easy to find.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}
impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}
impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// 256 secret bits: the secret part of a code, a refresh token or a session cookie. Wiped when dropped.
#[derive(Clone)]
pub struct Secret256(Zeroizing<[u8; 32]>);

impl Secret256 {
    /// A secret of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
impl fmt::Debug for Secret256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret256(…)")
    }
}

/// The SHA-256 of a high-entropy secret: the stored form of it. Compared in constant time.
#[derive(Clone, Copy, Eq, Serialize, Deserialize)]
pub struct SecretHash(#[serde(with = "crate::domain::bytes32")] [u8; 32]);

impl SecretHash {
    /// A digest that the caller computed (`digest`).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The 32 bytes of the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        // No early exit: the time must not reveal the first difference of two digests.
        self.0.iter().zip(other.0).fold(0u8, |acc, (a, b)| acc | (a ^ b)) == 0
    }
}
impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A password hash in PHC form (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`), or in the form of its original system (see
/// `keys::password::import`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash from this PHC string.
    #[must_use]
    pub fn from_phc(phc: String) -> Self {
        Self(phc)
    }
    /// The PHC string.
    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// The stored form of a secret.
#[must_use]
pub fn hash_secret(secret: &Secret256) -> SecretHash {
    SecretHash::from_bytes(sha256(secret.expose()))
}

/// The stored form of a secret text (a client secret, a cookie value).
#[must_use]
pub fn hash_text(text: &str) -> SecretHash {
    SecretHash::from_bytes(sha256(text.as_bytes()))
}

//! SHA-256 of high-entropy secrets.
use crate::domain::secret::{Secret256, SecretHash};

/// The SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

/// What is stored of a secret.
#[must_use]
pub fn hash_secret(secret: &Secret256) -> SecretHash {
    SecretHash::from_bytes(sha256(secret.expose()))
}

/// What is stored of a secret text (a client secret, a cookie value).
#[must_use]
pub fn hash_text(text: &str) -> SecretHash {
    SecretHash::from_bytes(sha256(text.as_bytes()))
}

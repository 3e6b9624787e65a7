//! SHA-256 of bytes, and the HMAC of one-time codes.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;

/// The SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest(&SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

/// HMAC-SHA-1, for one-time codes alone (RFC 4226 §5.2). The weaknesses of SHA-1 do not concern HMAC, and few authenticator apps know more.
#[must_use]
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), message);
    let mut out = [0; 20];
    out.copy_from_slice(tag.as_ref());
    out
}

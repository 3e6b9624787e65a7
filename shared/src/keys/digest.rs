//! The hash claims of ID tokens.

use crate::domain::oauth::client::SigningAlgorithm;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use data_encoding::BASE64URL_NOPAD;

/// The left half of a token's digest, base64url: `at_hash` (OpenID Connect Core §3.1.3.6). The digest is the one of the ID token's
/// algorithm. For Ed25519 that is SHA-512 (RFC 8032 §5.1).
#[must_use]
pub fn left_half(algorithm: SigningAlgorithm, token: &str) -> String {
    let digest = match algorithm {
        SigningAlgorithm::RS256 | SigningAlgorithm::ES256 => digest(&SHA256, token.as_bytes()),
        SigningAlgorithm::EdDSA => digest(&SHA512, token.as_bytes()),
    };
    let bytes = digest.as_ref();
    BASE64URL_NOPAD.encode(&bytes[..bytes.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_is_the_left_half_of_the_digest_of_the_algorithm() {
        // OpenID Connect Core Appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(left_half(SigningAlgorithm::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half(SigningAlgorithm::ES256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half(SigningAlgorithm::EdDSA, token).len(), 43, "32 of 64 bytes");
    }
}

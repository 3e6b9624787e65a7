//! Proof Key for Code Exchange (RFC 7636), S256 only (security 5, 23).
//!
//! 1. The authorization request contains a challenge: [`check_challenge`] (§4.3).
//! 2. The token request contains the verifier: [`check_verifier`] (§4.5, §4.6).

use super::client::PkcePolicy;
use data_encoding::BASE64URL_NOPAD;

/// An error in the PKCE parameters of an authorization request. Its code is always `invalid_request` (RFC 7636 §4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// The client must send a challenge.
    #[error("code_challenge is required")]
    Missing,
    /// The method is not `S256`. A missing method means `plain` (RFC 7636 §4.3).
    #[error("code_challenge_method must be S256")]
    MethodNotSupported,
    /// The challenge is not the base64url of 32 bytes.
    #[error("code_challenge must be the unpadded base64url of a SHA-256")]
    Malformed,
    /// There is a method without a challenge.
    #[error("code_challenge_method was sent without code_challenge")]
    MethodAlone,
}

/// Why a verifier is refused. The code is always `invalid_grant` (RFC 7636 §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// The authorization request had a challenge, so the verifier is required.
    #[error("code_verifier is missing")]
    Missing,
    /// The authorization request had no challenge. An attacker may have removed it (RFC 9700 §4.8.2).
    #[error("code_verifier was sent for a request without code_challenge")]
    Unexpected,
    /// The verifier does not match the challenge.
    #[error("code_verifier does not match")]
    Mismatch,
}

/// Checks and returns the challenge of an authorization request. `None` if it is missing and the client may omit it.
///
/// # Errors
/// The first error in the parameters.
pub fn check_challenge(
    policy: PkcePolicy,
    code_challenge: Option<&str>,
    code_challenge_method: Option<&str>,
) -> Result<Option<String>, ChallengeError> {
    match (code_challenge, code_challenge_method, policy) {
        (None, Some(_), _) => Err(ChallengeError::MethodAlone),
        (None, None, PkcePolicy::Required) => Err(ChallengeError::Missing),
        (None, None, PkcePolicy::Optional) => Ok(None),
        (Some(challenge), Some("S256"), _) if is_sha256(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256"), _) => Err(ChallengeError::Malformed),
        (Some(_), None | Some(_), _) => Err(ChallengeError::MethodNotSupported),
    }
}

/// Checks that the verifier matches the challenge, or that both are missing. `sha256` is the digest function.
///
/// # Errors
/// Why the verifier is refused.
pub fn check_verifier(
    code_challenge: Option<&str>,
    code_verifier: Option<&str>,
    sha256: fn(&[u8]) -> [u8; 32],
) -> Result<(), VerifierError> {
    match (code_challenge, code_verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(VerifierError::Unexpected),
        (Some(_), None) => Err(VerifierError::Missing),
        (Some(challenge), Some(verifier)) => {
            if is_verifier(verifier) && BASE64URL_NOPAD.encode(&sha256(verifier.as_bytes())) == challenge {
                Ok(())
            } else {
                Err(VerifierError::Mismatch)
            }
        }
    }
}

fn is_sha256(challenge: &str) -> bool {
    BASE64URL_NOPAD.decode(challenge.as_bytes()).is_ok_and(|bytes| bytes.len() == 32)
}

/// 43 to 128 unreserved characters (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 Appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        crate::domain::oauth::fixture::sha256(bytes)
    }

    #[test]
    fn security_5_only_a_well_formed_s256_challenge_is_accepted() {
        use ChallengeError::{Malformed, MethodAlone, MethodNotSupported, Missing};
        use PkcePolicy::{Optional, Required};
        let long = "a".repeat(44);
        let cases = [
            ("as the RFC has it", Required, Some(CHALLENGE), Some("S256"), Ok(Some(CHALLENGE))),
            ("used in full where optional", Optional, Some(CHALLENGE), Some("S256"), Ok(Some(CHALLENGE))),
            ("left out where required", Required, None, None, Err(Missing)),
            ("left out where optional", Optional, None, None, Ok(None)),
            ("plain", Required, Some(CHALLENGE), Some("plain"), Err(MethodNotSupported)),
            ("plain where optional", Optional, Some(CHALLENGE), Some("plain"), Err(MethodNotSupported)),
            ("no method means plain", Required, Some(CHALLENGE), None, Err(MethodNotSupported)),
            ("another case", Required, Some(CHALLENGE), Some("s256"), Err(MethodNotSupported)),
            ("method alone", Optional, None, Some("S256"), Err(MethodAlone)),
            ("too short", Required, Some(&CHALLENGE[1..]), Some("S256"), Err(Malformed)),
            ("too long", Required, Some(&long), Some("S256"), Err(Malformed)),
            ("padded", Required, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="), Some("S256"), Err(Malformed)),
            ("not canonical", Required, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"), Some("S256"), Err(Malformed)),
            ("not base64url", Required, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("S256"), Err(Malformed)),
        ];
        for (what, policy, challenge, method, expected) in cases {
            assert_eq!(check_challenge(policy, challenge, method), expected.map(|c| c.map(str::to_owned)), "{what}");
        }
    }

    #[test]
    fn security_23_a_verifier_is_required_exactly_if_there_was_a_challenge_and_must_match_it() {
        let cases = [
            ("neither", None, None, Ok(())),
            ("both, matching", Some(CHALLENGE), Some(VERIFIER), Ok(())),
            ("challenge alone", Some(CHALLENGE), None, Err(VerifierError::Missing)),
            ("verifier alone", None, Some(VERIFIER), Err(VerifierError::Unexpected)),
            (
                "another verifier",
                Some(CHALLENGE),
                Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"),
                Err(VerifierError::Mismatch),
            ),
            ("the challenge itself (plain)", Some(CHALLENGE), Some(CHALLENGE), Err(VerifierError::Mismatch)),
            ("a prefix", Some(CHALLENGE), Some(&VERIFIER[..42]), Err(VerifierError::Mismatch)),
        ];
        for (what, challenge, verifier, expected) in cases {
            assert_eq!(check_verifier(challenge, verifier, sha256), expected, "{what}");
        }
    }

    #[test]
    fn a_malformed_verifier_is_refused_even_if_its_digest_matches() {
        for verifier in ["short".to_owned(), "x".repeat(129), format!("{}!", "x".repeat(43))] {
            let challenge = BASE64URL_NOPAD.encode(&sha256(verifier.as_bytes()));
            assert_eq!(check_verifier(Some(&challenge), Some(&verifier), sha256), Err(VerifierError::Mismatch), "{verifier}");
        }
    }
}

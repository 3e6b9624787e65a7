//! Signing keys: generated, wrapped, stored, published before use, rotated with overlap; JWKS (RFC 7517).
use super::KeyError;
use crate::domain::oauth::client::SigningAlgorithm;
use serde::Serialize;

/// The signing keys of a tenant: the active one of each algorithm, and all public ones that may still verify.
pub struct SigningKeys {}

impl SigningKeys {
    /// Signs claims as a compact JWS with the active key of the algorithm; `typ` as given (`JWT`, `at+jwt`).
    ///
    /// # Errors
    /// When there is no such key or it can't be unwrapped.
    pub async fn sign<C: Serialize>(
        &self,
        algorithm: SigningAlgorithm,
        typ: &'static str,
        claims: &C,
    ) -> Result<String, KeyError> {
        let _ = (algorithm, typ, claims);
        todo!()
    }
    /// The public keys as a JWK Set, ready to send: public members only, `kid` = RFC 7638 thumbprint.
    #[must_use]
    pub fn jwks(&self) -> &str {
        todo!()
    }
    /// Verifies a compact JWS of ours: the algorithm is the key's own, `typ` as expected, canonical base64url, no duplicate member,
    /// no `crit`, no embedded key. Returns the payload; times are checked by the caller against its own clock (`jwt`).
    #[must_use]
    pub fn verify(&self, typ: &'static str, token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
        let _ = (typ, token);
        todo!()
    }
}

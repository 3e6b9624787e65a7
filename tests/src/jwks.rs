//! Verifies Latchkey's signatures as a relying party does: with the published keys and another library.

use crate::Anonymous;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::keys::signing::SigningKeys;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every published key, whether or not the tenant document uses its algorithm.
pub trait PublishedKeys {
    /// The JWK Set.
    fn jwks(&self) -> String;
}

impl PublishedKeys for SigningKeys {
    fn jwks(&self) -> String {
        self.jwks_of(&[SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA].into())
    }
}

/// The claims of a JWT with a valid signature under the keys at `/.well-known/jwks.json`. The caller checks lifetime and audience,
/// since the clock of a world is its own.
pub async fn verify(api: &Anonymous, token: &str) -> Value {
    let keys: JwkSet = serde_json::from_value(api.get("/.well-known/jwks.json").await.json()).expect("a JWK Set");
    verify_with(&keys, token).expect("a valid signature by a published key")
}

/// The claims of a JWT with a valid signature under one of these keys.
#[must_use]
pub fn verify_with(keys: &JwkSet, token: &str) -> Option<Value> {
    let header = decode_header(token).ok()?;
    let key = keys.find(&header.kid?)?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(key).ok()?;
    decode::<Value>(token, &key, &validation).ok().map(|token| token.claims)
}

/// The `kid` in the header of a token.
#[must_use]
pub fn kid_of(token: &str) -> String {
    decode_header(token).expect("a JOSE header").kid.expect("a kid")
}

/// The `kid`s of a JWK Set.
#[must_use]
pub fn kids_in(jwks: &str) -> BTreeSet<String> {
    let keys: JwkSet = serde_json::from_str(jwks).expect("a JWK Set");
    keys.keys.into_iter().map(|key| key.common.key_id.expect("a kid")).collect()
}

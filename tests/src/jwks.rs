//! Verifying what Latchkey signs as a relying party does: with its published keys and another library.

use crate::Anonymous;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

/// The claims of a JWT whose signature holds under the keys at `/.well-known/jwks.json`; lifetime and audience are the caller's
/// business, since the clock of a world is its own.
pub async fn verify(api: &Anonymous, token: &str) -> Value {
    let keys: JwkSet = serde_json::from_value(api.get("/.well-known/jwks.json").await.json()).expect("a JWK Set");
    let header = decode_header(token).expect("a JOSE header");
    let key = keys.find(&header.kid.expect("a kid")).expect("the key is published");
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(key).expect("a usable key");
    decode::<Value>(token, &key, &validation).expect("a signature that holds").claims
}

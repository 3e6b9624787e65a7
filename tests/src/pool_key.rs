//! Tokens of a user pool: the signing key (RSA, as in Cognito), the claims, and applications that exchange the tokens.

use crate::user_pool::POOL_ID;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use latchkey::domain::time::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// The former app client of the application `shop` in the pool.
pub const FORMER_APP: &str = "1shop2app3client";

/// For `[cognito]` and the lines after it: an application that replaces an app client, and one that may exchange tokens but
/// replaces none.
pub const APPLICATIONS: &str = r#"
exchange = { "1shop2app3client" = "shop", "1desk2app3client" = "desk" }

[[clients]]
client_id = "shop"
first_party = true
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"]
redirect_uris = ["com.example.shop:/callback"]
scope = "openid profile email offline_access account orders.read"
resources = ["https://orders.example.com"]

[[clients]]
client_id = "desk"
first_party = true
token_endpoint_auth_method = "client_secret_post"
client_secret = "the-secret-of-the-desk"
grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"]
scope = "openid offline_access"
redirect_uris = ["https://desk.example.com/callback"]

[[clients]]
client_id = "kiosk"
first_party = true
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
redirect_uris = ["com.example.kiosk:/callback"]
"#;

/// Each token of a pool has its own id.
static ISSUED: AtomicU64 = AtomicU64::new(0);

/// The claims of an access token of the pool, issued a minute ago for that application. The user signed in a day ago.
#[must_use]
pub fn access_claims(sub: &str, now: Timestamp) -> Value {
    let now = now.seconds();
    json!({
        "sub": sub, "iss": format!("https://cognito-idp.eu-central-1.amazonaws.com/{POOL_ID}"), "client_id": FORMER_APP,
        "origin_jti": "8e5b", "event_id": "1c2d", "token_use": "access", "scope": "aws.cognito.signin.user.admin",
        "auth_time": now - 86_400, "iat": now - 60, "exp": now + 3_540, "jti": format!("aa{}", ISSUED.fetch_add(1, Ordering::Relaxed)), "username": sub,
    })
}

/// A signing key with its name.
#[derive(Debug)]
pub struct PoolKey {
    /// Its `kid`.
    pub kid: String,
    key: RsaKeyPair,
}

impl PoolKey {
    /// Generates a key.
    ///
    /// # Panics
    /// Panics if the generation fails.
    #[must_use]
    pub fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), key: RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key") }
    }
    /// The public key (RFC 7517), as a pool publishes it.
    ///
    /// # Panics
    /// Does not panic.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let public = self.key.public_key();
        let n = BASE64URL_NOPAD.encode(public.modulus().big_endian_without_leading_zero());
        let e = BASE64URL_NOPAD.encode(public.exponent().big_endian_without_leading_zero());
        json!({ "kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e })
    }
    /// Signs a token with these claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({ "kid": self.kid, "alg": "RS256" }), claims)
    }
    /// Signs a token with any header.
    ///
    /// # Panics
    /// Panics if the signature fails.
    #[must_use]
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

//! Public keys as JWKs (RFC 7517, RFC 7518 §6, RFC 8037) and their thumbprints (RFC 7638).

use super::KeyError;
use crate::digest::sha256;
use crate::domain::oauth::client::SigningAlgorithm;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// The required members of a public key, in the order that RFC 7638 §3 hashes them. There is no private member that could leak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub(super) enum PublicJwk {
    /// A point on P-256.
    #[serde(rename = "EC")]
    Ec { crv: P256, x: Base64Url, y: Base64Url },
    /// An Ed25519 key.
    #[serde(rename = "OKP")]
    Okp { crv: Ed25519, x: Base64Url },
    /// A modulus and exponent.
    #[serde(rename = "RSA")]
    Rsa { e: Base64Url, n: Base64Url },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum P256 {
    #[serde(rename = "P-256")]
    Only,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ed25519 {
    #[serde(rename = "Ed25519")]
    Only,
}

/// Bytes in unpadded base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base64Url(pub(super) Vec<u8>);

impl Serialize for Base64Url {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64URL_NOPAD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// An entry of a JWK Set: the members of the key, and its use.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    key: &'a PublicJwk,
    kid: &'a str,
    r#use: &'static str,
    alg: &'static str,
}

impl PublicJwk {
    /// The RFC 7515 algorithm of this key. The type of the key decides it, never a token (security 44).
    pub(super) fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Ec { .. } => SigningAlgorithm::ES256,
            Self::Okp { .. } => SigningAlgorithm::EdDSA,
            Self::Rsa { .. } => SigningAlgorithm::RS256,
        }
    }
    /// The RFC 7638 thumbprint (SHA-256, base64url).
    pub(super) fn thumbprint(&self) -> String {
        let text = |bytes: &Base64Url| BASE64URL_NOPAD.encode(&bytes.0);
        // Required members only, sorted by name, no whitespace (§3.3). Written out here, because the order is part of the standard.
        let canonical = match self {
            Self::Ec { x, y, .. } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y)),
            Self::Okp { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
            Self::Rsa { e, n } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
        };
        BASE64URL_NOPAD.encode(&sha256(canonical.as_bytes()))
    }
    /// The key in the form that verifies signatures.
    pub(super) fn verifier(&self) -> Result<ParsedPublicKey, KeyError> {
        match self {
            Self::Ec { x, y, .. } => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], &*x.0, &*y.0].concat()),
            Self::Okp { x, .. } => ParsedPublicKey::new(&ED25519, &x.0),
            Self::Rsa { e, n } => RsaPublicKeyComponents { n: &n.0, e: &e.0 }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
        }
        .map_err(|_| KeyError::DoesNotOpen("public signing key"))
    }
}

/// The `alg` of RFC 7518 §3.1 and RFC 8037 §3.1.
pub(super) fn algorithm_name(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::RS256 => "RS256",
        SigningAlgorithm::ES256 => "ES256",
        SigningAlgorithm::EdDSA => "EdDSA",
    }
}

/// The entry of this key and its `kid` in a JWK Set.
pub(super) fn jwk_json(key: &PublicJwk, kid: &str) -> Result<String, KeyError> {
    let entry = Entry { key, kid, r#use: "sig", alg: algorithm_name(key.algorithm()) };
    serde_json::to_string(&entry).map_err(|_| KeyError::Failed("writing a JWK"))
}

/// The JWK Set (RFC 7517 §5) of these entries.
pub(super) fn jwk_set<'a>(entries: impl Iterator<Item = &'a str>) -> String {
    format!(r#"{{"keys":[{}]}}"#, entries.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_match_the_examples_of_the_rfcs() {
        // RFC 7638 §3.1.
        let rsa: PublicJwk = serde_json::from_str(concat!(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"#,
            r#"jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zg"#,
            r#"dAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"#,
            r#"wapJzKnqDKgw","e":"AQAB"}"#
        ))
        .unwrap();
        assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        // RFC 8037 appendix A.3.
        let okp: PublicJwk =
            serde_json::from_str(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#).unwrap();
        assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn security_44_signatures_of_the_rfcs_verify_with_the_key_of_their_type() {
        // RFC 7515 appendix A.3 (ES256), RFC 8037 appendix A.4 (EdDSA).
        let ec: PublicJwk = serde_json::from_str(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        )
        .unwrap();
        let okp: PublicJwk =
            serde_json::from_str(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#).unwrap();
        let cases = [
            (
                &ec,
                "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                &okp,
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ];
        for (key, message, signature) in cases {
            let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
            let verifier = key.verifier().unwrap();
            assert!(verifier.verify_sig(message.as_bytes(), &signature).is_ok());
            assert!(verifier.verify_sig(&message.as_bytes()[1..], &signature).is_err());
            assert!(verifier.verify_sig(message.as_bytes(), &signature[1..]).is_err());
            assert!(verifier.verify_sig(message.as_bytes(), &[0; 64]).is_err(), "CVE-2022-21449");
        }
    }

    #[test]
    fn invalid_keys_are_refused() {
        for json in [
            r#"{"kty":"oct","k":"AAAA"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"AA=","y":"AA"}"#,
        ] {
            assert!(serde_json::from_str::<PublicJwk>(json).is_err(), "{json}");
        }
        for json in [
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#,
            r#"{"kty":"RSA","e":"AQAB","n":""}"#,
        ] {
            assert!(serde_json::from_str::<PublicJwk>(json).unwrap().verifier().is_err(), "{json}");
        }
    }
}

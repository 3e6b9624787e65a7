//! Signing keys that never leave KMS: `signer = "kms"` in the tenant document.
//!
//! 1. The stack names one asymmetric KMS key for each algorithm ([`KmsSigningKeys`]). No tenant can use any other.
//! 2. Its public half is fetched once, when the key is registered, and stored like that of any other signing key.
//! 3. Each signature is one KMS call with a timeout ([`SIGN_TIMEOUT`]). It is verified with the published half before it is used.

use super::KeyError;
use super::der::{fixed_p256_signature, public_key_info};
use super::failure::kms_error;
use super::jwk::{PublicJwk, algorithm_name};
use crate::digest::sha256;
use crate::domain::oauth::client::SigningAlgorithm;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// The timeout of a signature, all attempts included: far above what KMS takes, far below the limit of a request.
const SIGN_TIMEOUT: Duration = Duration::from_secs(3);

/// The signing KMS keys of a stack, by algorithm: `ES256=<key arn>,RS256=<key arn>`, or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KmsSigningKeys(BTreeMap<&'static str, String>);

/// The algorithms with which KMS can sign tokens. EdDSA is not one: its Ed25519 takes whole messages of at most 4 KB.
pub(super) const KMS_ALGORITHMS: [SigningAlgorithm; 2] = [SigningAlgorithm::ES256, SigningAlgorithm::RS256];

impl FromStr for KmsSigningKeys {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut keys = BTreeMap::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, key) =
                part.split_once('=').filter(|(_, key)| !key.is_empty()).ok_or("must be ES256=<key arn>,RS256=<key arn>")?;
            let algorithm = KMS_ALGORITHMS.into_iter().map(algorithm_name).find(|known| *known == name);
            let algorithm =
                algorithm.ok_or_else(|| format!("{name} is not an algorithm that KMS signs tokens with: ES256, RS256"))?;
            if keys.insert(algorithm, key.to_owned()).is_some() {
                return Err(format!("{name} is named twice"));
            }
        }
        Ok(Self(keys))
    }
}

impl KmsSigningKeys {
    /// The key of an algorithm.
    pub(super) fn key(&self, algorithm: SigningAlgorithm) -> Result<&str, KeyError> {
        self.0.get(algorithm_name(algorithm)).map(String::as_str).ok_or(KeyError::NoKmsKey(algorithm_name(algorithm)))
    }
    /// Whether every algorithm that a tenant may use has its key.
    pub(super) fn check(&self) -> Result<(), KeyError> {
        KMS_ALGORITHMS.into_iter().try_for_each(|algorithm| self.key(algorithm).map(|_| ()))
    }
}

/// The public half of a KMS key.
pub(super) async fn public_key(client: &Client, key: &str, algorithm: SigningAlgorithm) -> Result<PublicJwk, KeyError> {
    let answer = client.get_public_key().key_id(key).send().await.map_err(kms_error)?;
    let der = answer.public_key.map(Blob::into_inner).unwrap_or_default();
    let jwk = public_key_info(&der).filter(|jwk| jwk.algorithm() == algorithm && jwk.verifier().is_ok());
    jwk.ok_or_else(|| {
        let expected = format!("the KMS key {key} is not of the type that {} needs", algorithm_name(algorithm));
        KeyError::VaultRefused(expected.into())
    })
}

/// Signs with a KMS key, in the form of a JWS signature.
pub(super) async fn sign(client: &Client, key: &str, algorithm: SigningAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let spec = match algorithm {
        SigningAlgorithm::ES256 => SigningAlgorithmSpec::EcdsaSha256,
        SigningAlgorithm::RS256 => SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
        SigningAlgorithm::EdDSA => return Err(KeyError::NoKmsKey(algorithm_name(algorithm))),
    };
    // Send the digest, not the message: KMS takes messages of at most 4 KB, and does not need the claims.
    let request = client
        .sign()
        .key_id(key)
        .message(Blob::new(sha256(message)))
        .message_type(MessageType::Digest)
        .signing_algorithm(spec)
        .send();
    let answer = tokio::time::timeout(SIGN_TIMEOUT, request)
        .await
        .map_err(|_| KeyError::VaultUnavailable("KMS did not sign in time".into()))?
        .map_err(kms_error)?;
    let signature = answer.signature.map(Blob::into_inner).unwrap_or_default();
    match algorithm {
        SigningAlgorithm::ES256 => {
            fixed_p256_signature(&signature).map(|fixed| fixed.to_vec()).ok_or(KeyError::Failed("reading a signature of KMS"))
        }
        SigningAlgorithm::RS256 | SigningAlgorithm::EdDSA => Ok(signature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_keys_of_a_stack_are_parsed_and_invalid_ones_refused() {
        let both: KmsSigningKeys =
            "ES256=arn:aws:kms:eu-central-1:1:key/a,RS256=arn:aws:kms:eu-central-1:1:key/b".parse().unwrap();
        assert_eq!(both.key(SigningAlgorithm::RS256).unwrap(), "arn:aws:kms:eu-central-1:1:key/b");
        assert!(both.check().is_ok());
        assert!(matches!(both.key(SigningAlgorithm::EdDSA), Err(KeyError::NoKmsKey("EdDSA"))));
        let none: KmsSigningKeys = "".parse().unwrap();
        assert!(matches!(none.check(), Err(KeyError::NoKmsKey("ES256"))));
        assert!(matches!("ES256=a".parse::<KmsSigningKeys>().unwrap().check(), Err(KeyError::NoKmsKey("RS256"))));
        for wrong in ["ES256", "ES256=", "EdDSA=a", "es256=a", "ES256=a,ES256=b", "=a"] {
            assert!(wrong.parse::<KmsSigningKeys>().is_err(), "{wrong}");
        }
    }
}

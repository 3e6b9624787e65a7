//! Signatures of passkeys, verified by AWS-LC. Only public keys are involved.

use crate::domain::sign_in::methods::passkey::public_key::{PublicKey, SignatureVerifier};
use aws_lc_rs::rsa::{PublicEncryptingKey, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

/// AWS-LC.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyVerifier;

impl SignatureVerifier for PasskeyVerifier {
    fn accepts(&self, key: &PublicKey) -> bool {
        match key {
            PublicKey::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok(),
            PublicKey::Rs256 { modulus, exponent } => {
                let key = PublicKeyComponents { n: modulus.as_slice(), e: exponent.as_slice() };
                TryInto::<PublicEncryptingKey>::try_into(key).is_ok()
            }
        }
    }
    fn verifies(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match key {
            PublicKey::Es256(point) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
            }
            PublicKey::Rs256 { modulus, exponent } => {
                let key = PublicKeyComponents { n: modulus.as_slice(), e: exponent.as_slice() };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}

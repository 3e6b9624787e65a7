//! Signing keys: generated, wrapped, stored, published before use, rotated with overlap. JWKS (RFC 7517).
//!
//! 1. The instance that holds the lease of a slot makes its key. The vault wraps it (purpose `signing`), and it is stored with its
//!    public half. The table keeps every version (`keyring`). If the tenant's `signer` is `kms`, a KMS key is registered instead
//!    (`remote`).
//! 2. Its state follows from the times of all keys of its algorithm (`rotation`). The JWK Set lists all keys that have not expired.
//! 3. Its private half is unwrapped once, at its first signature here, and stays parsed. A function that only verifies never calls
//!    the vault for it.
use super::der::{modulus_and_exponent, p256_point};
use super::jwk::{Base64Url, Ed25519, PublicJwk, algorithm_name, jwk_json, jwk_set};
use super::jwt::Compact;
use super::key_versions::{KeyVersion, key_versions};
use super::rotation::{KeyState, LOOK_AGAIN};
use super::{KeyError, KeyVault};
use crate::domain::id::{KeyId, TenantId};
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::tenant::SessionPolicy;
use crate::domain::time::Timestamp;
use crate::purpose::Purpose;
use crate::store::keyring::{KeyMaterial, StoredKey, StoredKeyState};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_SHA256, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// The algorithms of every tenant's keys.
pub(super) const ALGORITHMS: [SigningAlgorithm; 3] =
    [SigningAlgorithm::ES256, SigningAlgorithm::RS256, SigningAlgorithm::EdDSA];

/// The signing keys of a tenant: the active one of each algorithm, and all public ones that may still verify.
pub struct SigningKeys {
    /// All published keys, in the order of the JWK Set.
    published: Vec<(KeyState, Arc<SigningKey>)>,
    /// Superseded keys that are no longer published, and still verify hints.
    former: Vec<Arc<SigningKey>>,
    /// The JWK of each published key, serialized.
    jwks: Vec<(SigningAlgorithm, String)>,
}

/// One published key.
struct SigningKey {
    kid: KeyId,
    algorithm: SigningAlgorithm,
    jwk: PublicJwk,
    verifier: ParsedPublicKey,
    vault: KeyVault,
    tenant: TenantId,
    private: PrivateHalf,
}

/// The location of the private half.
enum PrivateHalf {
    /// In the table, wrapped. Unwrapped here after the first signature.
    Wrapped { wrapped: Vec<u8>, unwrapped: OnceCell<PrivateKey> },
    /// In KMS, with this id.
    Kms(String),
}

/// A parsed private key. It has no `Debug` output. AWS-LC wipes it.
enum PrivateKey {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
    EdDsa(Ed25519KeyPair),
}

impl SigningKeys {
    /// The current keys in these slots (all versions of all algorithms). Private halves that `before` has unwrapped are kept.
    pub(super) fn new(
        tenant: &TenantId,
        vault: &KeyVault,
        stored: &[StoredKey],
        now: Timestamp,
        before: Option<&Self>,
    ) -> Result<Self, KeyError> {
        let mut published: Vec<(KeyState, Arc<SigningKey>)> = Vec::new();
        let mut former: Vec<Arc<SigningKey>> = Vec::new();
        for algorithm in ALGORITHMS {
            let key_versions = key_versions(stored, algorithm, now);
            // A KMS key that was retired while it was being registered again is stored in another slot, too.
            let retired: Vec<&str> = key_versions
                .iter()
                .filter(|key_version| matches!(key_version.stored.state, StoredKeyState::Retired(_)))
                .filter_map(|key_version| key_version.public_jwk)
                .collect();
            for key_version in key_versions {
                let Some(material) = key_version.material else { continue };
                if key_version.public_jwk.is_some_and(|public_jwk| retired.contains(&public_jwk)) {
                    continue;
                }
                match key_version.status.state {
                    KeyState::Gone if still_verifies_hints(&key_version, now) => {
                        former.push(SigningKey::load(tenant, vault, algorithm, material, before)?);
                    }
                    KeyState::Gone => {}
                    state @ (KeyState::Pending | KeyState::Active | KeyState::Retiring) => {
                        let key = SigningKey::load(tenant, vault, algorithm, material, before)?;
                        // A KMS key can be registered twice. It is listed once.
                        published.retain(|(_, other)| other.kid != key.kid);
                        published.push((state, key));
                    }
                }
            }
        }
        let jwks = published.iter().map(|(_, key)| Ok((key.algorithm, jwk_json(&key.jwk, key.kid.as_str())?)));
        let jwks = jwks.collect::<Result<Vec<_>, KeyError>>()?;
        Ok(Self { published, former, jwks })
    }
    /// Whether each algorithm that has any keys has one that signs, or one that starts to sign only after the next reload. False while
    /// the next key after a retirement is awaited.
    pub(super) fn is_complete(&self, stored: &[StoredKey], made: &[SigningAlgorithm], now: Timestamp) -> bool {
        let is_far = |key_version: &KeyVersion<'_>| key_version.status.signs_from > now + LOOK_AGAIN;
        made.iter().all(|algorithm| {
            let key_versions = key_versions(stored, *algorithm, now);
            let pending = key_versions.iter().find(|key_version| key_version.is(KeyState::Pending));
            key_versions.is_empty() || self.active(*algorithm).is_some() || pending.is_some_and(is_far)
        })
    }
    fn active(&self, algorithm: SigningAlgorithm) -> Option<&Arc<SigningKey>> {
        let mut keys = self.published.iter().filter(|(_, key)| key.algorithm == algorithm);
        keys.find(|(state, _)| *state == KeyState::Active).map(|(_, key)| key)
    }
    /// Signs claims as a compact JWS with the active key of the algorithm. `typ` is written as given (`JWT`, `at+jwt`).
    ///
    /// # Errors
    /// If there is no such key, or it cannot be unwrapped.
    pub async fn sign<C: Serialize>(
        &self,
        algorithm: SigningAlgorithm,
        typ: &'static str,
        claims: &C,
    ) -> Result<String, KeyError> {
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Failed("writing claims as JSON"))?;
        let (signed, signature) = self.sign_bytes(algorithm, typ, &claims).await?;
        Ok(format!("{signed}.{signature}"))
    }
    /// Signs bytes as a JWS with detached content (RFC 7515 appendix F): `header..signature`.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub async fn sign_detached(
        &self,
        algorithm: SigningAlgorithm,
        typ: &'static str,
        content: &[u8],
    ) -> Result<String, KeyError> {
        let (signed, signature) = self.sign_bytes(algorithm, typ, content).await?;
        let (header, _) = signed.split_once('.').ok_or(KeyError::Failed("writing a JWS"))?;
        Ok(format!("{header}..{signature}"))
    }
    /// `header.payload` and its signature, base64url.
    async fn sign_bytes(
        &self,
        algorithm: SigningAlgorithm,
        typ: &'static str,
        payload: &[u8],
    ) -> Result<(String, String), KeyError> {
        let key = self.active(algorithm).ok_or(KeyError::NoActiveKey(algorithm_name(algorithm)))?;
        let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"{typ}"}}"#, algorithm_name(algorithm), key.kid);
        let mut signed = BASE64URL_NOPAD.encode(header.as_bytes());
        signed.push('.');
        BASE64URL_NOPAD.encode_append(payload, &mut signed);
        let signature = key.sign(signed.as_bytes()).await?;
        Ok((signed, BASE64URL_NOPAD.encode(&signature)))
    }
    /// The public keys of these algorithms as a serialized JWK Set: public members only, `kid` = RFC 7638 thumbprint.
    #[must_use]
    pub fn jwks_of(&self, used: &BTreeSet<SigningAlgorithm>) -> String {
        jwk_set(self.jwks.iter().filter(|(algorithm, _)| used.contains(algorithm)).map(|(_, json)| json.as_str()))
    }
    /// Verifies a compact JWS of ours: the algorithm of the key, the expected `typ`, canonical base64url, no duplicate member, no
    /// `crit`, no embedded key. Returns the payload. The caller checks the times against its own clock (`jwt`).
    #[must_use]
    pub fn verify(&self, typ: &'static str, token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
        let compact = Compact::parse(token)?;
        let (_, key) = self.published.iter().find(|(_, key)| key.kid.as_str() == compact.kid)?;
        key.verify(typ, &compact)
    }
    /// As [`Self::verify`], for a token that only names a user (`id_token_hint`). Its age does not matter. A key that was superseded
    /// in the longest lifetime of a session verifies it, too. A key that was retired in an emergency does not: others may have it.
    #[must_use]
    pub fn verify_hint(&self, typ: &'static str, token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
        let compact = Compact::parse(token)?;
        let published = self.published.iter().map(|(_, key)| key);
        published.chain(&self.former).find(|key| key.kid.as_str() == compact.kid)?.verify(typ, &compact)
    }
}

/// Whether a key that is no longer published was superseded so lately that a session from its time can live.
fn still_verifies_hints(key: &KeyVersion<'_>, now: Timestamp) -> bool {
    let is_retired = matches!(key.stored.state, StoredKeyState::Retired(_));
    !is_retired && key.status.expires_at.is_some_and(|expired_at| now < expired_at + SessionPolicy::MAX_ABSOLUTE)
}

impl SigningKey {
    fn verify(&self, typ: &'static str, compact: &Compact<'_>) -> Option<serde_json::Map<String, serde_json::Value>> {
        // The key decides the algorithm, and the header must agree (RFC 8725 §3.1; security 44). `typ` keeps ID tokens out of the slots
        // of access tokens, and the reverse (RFC 8725 §3.11; security 48).
        if compact.algorithm != algorithm_name(self.algorithm) || compact.typ.as_deref() != Some(typ) {
            return None;
        }
        self.verifier.verify_sig(compact.signed.as_bytes(), &compact.signature).ok()?;
        compact.claims()
    }
    fn load(
        tenant: &TenantId,
        vault: &KeyVault,
        algorithm: SigningAlgorithm,
        stored: &KeyMaterial,
        before: Option<&SigningKeys>,
    ) -> Result<Arc<Self>, KeyError> {
        let jwk: PublicJwk = stored
            .public_jwk
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .ok_or(KeyError::DoesNotOpen("stored signing key"))?;
        if jwk.algorithm() != algorithm {
            return Err(KeyError::DoesNotOpen("signing key in the slot of another algorithm"));
        }
        let known = before.and_then(|before| {
            let mut keys = before.published.iter().map(|(_, key)| key).chain(&before.former);
            keys.find(|key| key.jwk == jwk && key.private.is_stored_as(stored))
        });
        if let Some(key) = known {
            return Ok(key.clone());
        }
        let private = match &stored.kms_key {
            Some(key) => PrivateHalf::Kms(key.clone()),
            None => PrivateHalf::Wrapped { wrapped: stored.wrapped.clone(), unwrapped: OnceCell::new() },
        };
        Ok(Arc::new(Self {
            kid: jwk.thumbprint().parse().map_err(|_| KeyError::Failed("naming a key"))?,
            algorithm,
            verifier: jwk.verifier()?,
            jwk,
            vault: vault.clone(),
            tenant: tenant.clone(),
            private,
        }))
    }
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.private {
            PrivateHalf::Wrapped { wrapped, unwrapped } => {
                unwrapped.get_or_try_init(|| self.unwrap(wrapped)).await?.sign(message)
            }
            PrivateHalf::Kms(key) => {
                let signature = self.vault.sign(key, self.algorithm, message).await?;
                // Verifiers use the stored half. A signature that it does not verify must not reach a token.
                let verified = self.verifier.verify_sig(message, &signature);
                verified.map_err(|_| KeyError::Failed("checking a signature of KMS"))?;
                Ok(signature)
            }
        }
    }
    async fn unwrap(&self, wrapped: &[u8]) -> Result<PrivateKey, KeyError> {
        let pkcs8 = self.vault.unwrap(&self.tenant, Purpose::Signing, wrapped).await?;
        let private = PrivateKey::parse(self.algorithm, &pkcs8)?;
        // The vault binds tenant and purpose. This checks that the private half belongs to the published one.
        if private.public()? != self.jwk {
            return Err(KeyError::DoesNotOpen("private half of another key"));
        }
        Ok(private)
    }
}

impl PrivateHalf {
    fn is_stored_as(&self, stored: &KeyMaterial) -> bool {
        match self {
            Self::Wrapped { wrapped, .. } => stored.kms_key.is_none() && *wrapped == stored.wrapped,
            Self::Kms(key) => stored.kms_key.as_ref() == Some(key),
        }
    }
}

/// A new key pair: PKCS#8 to wrap, and the public half. An RSA pair uses a core for a large part of a second: do not call this where
/// other requests wait.
pub(super) fn generate(algorithm: SigningAlgorithm) -> Result<(Zeroizing<Vec<u8>>, String), KeyError> {
    let failed = |_| KeyError::Failed("making a key pair");
    let pkcs8 = match algorithm {
        SigningAlgorithm::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .and_then(|pair| pair.to_pkcs8v1())
            .map(|document| document.as_ref().to_vec()),
        SigningAlgorithm::EdDSA => {
            Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8()).map(|document| document.as_ref().to_vec())
        }
        SigningAlgorithm::RS256 => {
            RsaKeyPair::generate(KeySize::Rsa2048).and_then(|pair| pair.as_der()).map(|document| document.as_ref().to_vec())
        }
    };
    let pkcs8 = Zeroizing::new(pkcs8.map_err(failed)?);
    let public = PrivateKey::parse(algorithm, &pkcs8)?.public()?;
    let public = serde_json::to_string(&public).map_err(|_| KeyError::Failed("writing a public key"))?;
    Ok((pkcs8, public))
}

impl PrivateKey {
    fn parse(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            SigningAlgorithm::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::Es256),
            SigningAlgorithm::RS256 => RsaKeyPair::from_pkcs8(pkcs8).map(|pair| Self::Rs256(Box::new(pair))),
            SigningAlgorithm::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::EdDsa),
        }
        .map_err(|_| KeyError::DoesNotOpen("private signing key"))
    }
    fn public(&self) -> Result<PublicJwk, KeyError> {
        let wrong = || KeyError::Failed("reading a public key");
        match self {
            Self::Es256(pair) => p256_point(pair.public_key().as_ref()).ok_or_else(wrong),
            Self::EdDsa(pair) => Ok(PublicJwk::Okp { crv: Ed25519::Only, x: Base64Url(pair.public_key().as_ref().to_vec()) }),
            Self::Rs256(pair) => {
                let (n, e) = modulus_and_exponent(pair.public_key().as_ref()).ok_or_else(wrong)?;
                Ok(PublicJwk::Rsa { e: Base64Url(e), n: Base64Url(n) })
            }
        }
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Failed("signing");
        match self {
            // Fixed-length `R ‖ S` (RFC 7518 §3.4): no DER to convert, no leading zero to lose (security 51).
            Self::Es256(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|signature| signature.as_ref().to_vec()).map_err(failed)
            }
            Self::EdDsa(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()).map_err(failed),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

#[cfg(test)]
#[path = "signing_tests.rs"]
pub(super) mod tests;

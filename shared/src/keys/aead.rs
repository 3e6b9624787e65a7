//! Authenticated encryption (AES-256-GCM with a random nonce in front), and the one function that joins parts into bytes.

use super::KeyError;
use crate::context::Random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Joins parts. Each has its length in front (32 bits, big-endian), so two different lists never give the same bytes and no value
/// of one slot can be read as a value of another (security 48).
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

/// An AES-256-GCM key. It seals under random nonces. AWS-LC wipes it on drop.
pub(super) struct GcmKey(LessSafeKey);

impl GcmKey {
    /// Builds the key from these 32 bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KeyError::Failed("making a key of bytes"))?;
        Ok(Self(LessSafeKey::new(key)))
    }
    /// `nonce ‖ ciphertext ‖ tag`.
    pub(super) fn seal(&self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let nonce: [u8; NONCE_LEN] = Random.bytes();
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated),
                sealed.get_mut(NONCE_LEN..).unwrap_or_default(),
            )
            .map_err(|_| KeyError::Failed("sealing"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }
    /// The plain bytes, if they were sealed under this key with the same associated data.
    pub(super) fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut plain = ciphertext.to_vec();
        let len = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), &mut plain).ok()?.len();
        plain.truncate(len);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn joined_parts_are_equal_only_when_the_lists_are(
            a in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..5),
            b in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..5),
        ) {
            fn refs(parts: &[Vec<u8>]) -> Vec<&[u8]> {
                parts.iter().map(Vec::as_slice).collect()
            }
            prop_assert_eq!(join(&refs(&a)) == join(&refs(&b)), a == b);
        }

        #[test]
        fn sealed_bytes_open_only_complete_and_unchanged(plain in prop::collection::vec(any::<u8>(), 0..40), flip in any::<usize>()) {
            let key = GcmKey::new(&[7; 32]).unwrap();
            let sealed = key.seal(b"here", &plain).unwrap();
            prop_assert_eq!(key.open(b"here", &sealed), Some(plain));
            prop_assert_eq!(key.open(b"there", &sealed), None);
            prop_assert_eq!(key.open(b"here", &sealed[..flip % sealed.len()]), None);
            let mut bent = sealed.clone();
            let at = flip % bent.len();
            bent[at] ^= 1;
            prop_assert_eq!(key.open(b"here", &bent), None);
        }
    }

    #[test]
    fn sealing_the_same_bytes_twice_gives_different_results() {
        let key = GcmKey::new(&[7; 32]).unwrap();
        assert_ne!(key.seal(b"", b"same").unwrap(), key.seal(b"", b"same").unwrap());
    }
}

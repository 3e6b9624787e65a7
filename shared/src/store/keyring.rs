//! Wrapped keys: who may make one, and what was made.
//!
//! A slot (purpose or algorithm, and version) is claimed by a conditional write with a lease; only its holder asks the vault,
//! the others look again until it is ready, and take over when the lease has run out.

use super::{StoreError, TenantStore};
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::time::{Span, Timestamp};
use crate::keys::Purpose;
use serde::{Deserialize, Serialize};

/// Where one version of one key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum KeySlot {
    /// A version of a keyring.
    Keyring {
        /// What it is for.
        purpose: Purpose,
        /// From 1.
        version: u32,
    },
    /// A version of the signing key of an algorithm.
    Signing {
        /// Which algorithm.
        algorithm: SigningAlgorithm,
        /// From 1.
        version: u32,
    },
}

/// A slot as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// Where.
    pub slot: KeySlot,
    /// Who claimed it: a random name of the process.
    pub holder: String,
    /// Whether there is a key in it yet.
    pub state: StoredKeyState,
}

/// Whether a slot has its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StoredKeyState {
    /// Its holder is making the key; after the lease anyone may claim it.
    Claimed {
        /// The end of the lease.
        lease_until: Timestamp,
    },
    /// The key was made; never written again.
    Ready(KeyMaterial),
}

/// A wrapped key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMaterial {
    /// The key, wrapped by the vault.
    #[serde(with = "crate::domain::bytes")]
    pub wrapped: Vec<u8>,
    /// Signing keys: the public key as a JWK (JSON).
    pub public_jwk: Option<String>,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// Signing keys: from when it signs (published before use, security 52).
    pub active_from: Timestamp,
}

impl TenantStore {
    /// Every key slot of the tenant, keyrings and signing keys, in the order of their keys. One Query, strongly consistent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        todo!()
    }
    /// Claims a slot that is empty, or whose claim's lease has run out. Whether it is this holder's now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_key(&self, slot: KeySlot, holder: &str, now: Timestamp, lease: Span) -> Result<bool, StoreError> {
        let _ = (slot, holder, now, lease);
        todo!()
    }
    /// Puts the key into the slot that this holder claimed. `false` when the claim is another's by now: what they made, or make,
    /// is to be used instead.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn complete_key(&self, slot: KeySlot, holder: &str, key: KeyMaterial) -> Result<bool, StoreError> {
        let _ = (slot, holder, key);
        todo!()
    }
}

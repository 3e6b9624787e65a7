//! Wrapped keys: claims on a slot, and the created keys.
//!
//! A slot (purpose or algorithm, and version) is claimed by a conditional write with a lease. Only its holder calls the vault.
//! The others poll until the key is ready, and take over when the lease has expired. Only operators write a ready slot again: to
//! request the next key, or to retire the key.

use super::condition::Expression;
use super::item::{Item, ItemKind, read, write};
use super::key::{ItemRef, KEY_PREFIX, KeySlot, PK, tenant_pk};
use super::{StoreError, TenantStore};
use crate::domain::time::{Span, Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A stored slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The slot.
    pub slot: KeySlot,
    /// The holder of the claim: a random name of the process.
    pub holder: String,
    /// Whether there is a key in it yet.
    pub state: StoredKeyState,
}

/// The state of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StoredKeyState {
    /// Its holder is creating the key. After the lease any process may claim it.
    Claimed {
        /// The end of the lease.
        lease_until: Timestamp,
    },
    /// The key was created. It is never replaced by another one.
    Ready(KeyMaterial),
    /// An operator retired the signing key in an emergency. Its private half is removed.
    Retired(RetiredKey),
}

/// A wrapped key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMaterial {
    /// The key, wrapped by the vault; empty if KMS itself holds the private half (`kms_key`).
    #[serde(with = "crate::domain::bytes")]
    pub wrapped: Vec<u8>,
    /// Signing keys: the public key as a JWK (JSON).
    pub public_jwk: Option<String>,
    /// When it was created and published.
    pub created_at: Timestamp,
    /// Signing keys: when it starts to sign (published before use, security 52).
    pub active_from: Timestamp,
    /// Signing keys: the KMS key that signs, if it is not a wrapped key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Signing keys: when an operator requested the next key ahead of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor_ordered_at: Option<Timestamp>,
    /// A version of the identifier key: since when no item is stored under it. Its key stays: later versions hash its hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_at: Option<Timestamp>,
}

/// What is kept of a retired signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredKey {
    /// The public key as a JWK (JSON), so that it is never used again.
    pub public_jwk: Option<String>,
    /// When it was created and published.
    pub created_at: Timestamp,
    /// When it was meant to start to sign.
    pub active_from: Timestamp,
    /// The KMS key that signed, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// When it was retired.
    pub retired_at: Timestamp,
}

impl TenantStore {
    /// Every key slot of the tenant, keyrings and signing keys, in the order of their keys. One Query, strongly consistent.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let items = self.range(&tenant_pk(&self.tenant), KEY_PREFIX, false).await?;
        items.into_iter().map(|item| read(ItemKind::Key, item)).collect()
    }
    /// Claims a slot that is empty or has an expired claim. Returns whether this holder has it now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn claim_key(&self, slot: KeySlot, holder: &str, now: Timestamp, lease: Span) -> Result<bool, StoreError> {
        let state = StoredKeyState::Claimed { lease_until: now + lease };
        let claim = StoredKey { slot, holder: holder.to_owned(), state };
        let condition = Expression {
            text: "attribute_not_exists(#pk) OR (#state.#is = :claimed AND #state.#until <= :now)",
            names: names(&[("#pk", PK), ("#state", "state"), ("#is", "is"), ("#until", "lease_until")]),
            values: HashMap::from([
                (":claimed".to_owned(), AttributeValue::S("claimed".to_owned())),
                (":now".to_owned(), AttributeValue::N(now.millis().to_string())),
            ]),
        };
        self.put_key(&claim, condition).await
    }
    /// Stores the key in the slot that this holder claimed. `false` if another process has the claim now: the caller must use
    /// that process's key.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn complete_key(&self, slot: KeySlot, holder: &str, key: KeyMaterial) -> Result<bool, StoreError> {
        let state = StoredKeyState::Ready(key);
        let ready = StoredKey { slot, holder: holder.to_owned(), state };
        let condition = Expression {
            text: "#state.#is = :claimed AND #holder = :holder",
            names: names(&[("#state", "state"), ("#is", "is"), ("#holder", "holder")]),
            values: HashMap::from([
                (":claimed".to_owned(), AttributeValue::S("claimed".to_owned())),
                (":holder".to_owned(), AttributeValue::S(holder.to_owned())),
            ]),
        };
        self.put_key(&ready, condition).await
    }
    /// Requests the key after a signing key: the next function that looks creates it. `false` if the key was retired in the
    /// meantime.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn request_rotation(&self, key: &StoredKey, now: Timestamp) -> Result<bool, StoreError> {
        let StoredKeyState::Ready(material) = &key.state else { return Ok(false) };
        let material = KeyMaterial { successor_ordered_at: Some(now), ..material.clone() };
        self.put_key(&StoredKey { state: StoredKeyState::Ready(material), ..key.clone() }, ready_condition()).await
    }
    /// Drops a version of the identifier key: no function reads items under it any more. The caller has counted that there are
    /// none. `false` if it is not a stored version.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn drop_identifier_key(&self, key: &StoredKey, now: Timestamp) -> Result<bool, StoreError> {
        let StoredKeyState::Ready(material) = &key.state else { return Ok(false) };
        let material = KeyMaterial { dropped_at: Some(now), ..material.clone() };
        self.put_key(&StoredKey { state: StoredKeyState::Ready(material), ..key.clone() }, ready_condition()).await
    }
    /// Retires a signing key: it is no longer used, and its private half is removed. `false` if it was retired already.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn retire_key(&self, key: &StoredKey, now: Timestamp) -> Result<bool, StoreError> {
        let StoredKeyState::Ready(material) = &key.state else { return Ok(false) };
        let KeyMaterial { public_jwk, created_at, active_from, kms_key, .. } = material.clone();
        let retired = RetiredKey { public_jwk, created_at, active_from, kms_key, retired_at: now };
        self.put_key(&StoredKey { state: StoredKeyState::Retired(retired), ..key.clone() }, ready_condition()).await
    }

    /// Writes a slot under a condition. If the condition failed over exactly the state to write, the reply was lost.
    async fn put_key(&self, key: &StoredKey, condition: Expression) -> Result<bool, StoreError> {
        let place = self.key(ItemRef::Key(key.slot));
        let item: Item = write(&place, ItemKind::Key, key, None, &key.holder)?;
        match self.put_or_existing(&place, item, condition).await? {
            Ok(()) => Ok(true),
            Err(Some(standing)) => Ok(read::<StoredKey>(ItemKind::Key, standing)? == *key),
            Err(None) => Ok(false),
        }
    }
}

fn ready_condition() -> Expression {
    Expression {
        text: "#state.#is = :ready",
        names: names(&[("#state", "state"), ("#is", "is")]),
        values: HashMap::from([(":ready".to_owned(), AttributeValue::S("ready".to_owned()))]),
    }
}

fn names(names: &[(&str, &str)]) -> HashMap<String, String> {
    names.iter().map(|(placeholder, name)| ((*placeholder).to_owned(), (*name).to_owned())).collect()
}

//! Rotation of the identifier key, in steps that an operator takes (decision 34, docs/keys.md).
//!
//! ```text
//! begin ──ROLLOUT──▶ reclaim … reclaim ──count = 0──▶ drop
//!   all instances read both versions; then new items are made under the next one
//! ```

use super::keyring::ROLLOUT_TIME;
use super::provision::Provisioner;
use super::rotation::LOOK_AGAIN;
use super::{KeyError, KeyVault};
use crate::domain::time::{Span, Timestamp};
use crate::purpose::Purpose;
use crate::store::key::KeySlot;
use crate::store::keyring::{StoredKey, StoredKeyState};
use crate::store::{StoreError, TenantStore};

/// From the first item under the next version to the drop of the one before: counters of a day have expired by then.
const COUNTERS: Span = Span::days(1);

/// A version of the identifier key.
#[derive(Debug, Clone)]
pub struct IdentifierVersion {
    /// Its number.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when no item is stored under it.
    pub dropped_at: Option<Timestamp>,
    key: StoredKey,
}

impl IdentifierVersion {
    /// From when claims can be moved to it: every instance reads and writes it.
    #[must_use]
    pub fn reclaims_from(&self) -> Timestamp {
        self.created_at + ROLLOUT_TIME + LOOK_AGAIN + LOOK_AGAIN
    }
    /// From when the version before it can be dropped, if nothing is left under that one.
    #[must_use]
    pub fn replaces_from(&self) -> Timestamp {
        self.reclaims_from() + COUNTERS
    }
}

/// Every version of the identifier key, oldest first.
///
/// # Errors
/// If the store fails.
pub async fn versions(store: &TenantStore) -> Result<Vec<IdentifierVersion>, StoreError> {
    let mut versions: Vec<_> = store
        .find_keys()
        .await?
        .into_iter()
        .filter_map(|key| match (key.slot, key.state.clone()) {
            (KeySlot::Keyring { purpose: Purpose::Identifier, version }, StoredKeyState::Ready(material)) => {
                let (created_at, dropped_at) = (material.created_at, material.dropped_at);
                Some(IdentifierVersion { version, created_at, dropped_at, key })
            }
            (_, _) => None,
        })
        .collect();
    versions.sort_by_key(|version| version.version);
    Ok(versions)
}

/// Makes the next version. `None` if two versions are live already, or another process makes it.
///
/// # Errors
/// If the vault or the store fails.
pub async fn begin(vault: &KeyVault, store: &TenantStore, now: Timestamp) -> Result<Option<u32>, KeyError> {
    let versions = versions(store).await?;
    let live = versions.iter().filter(|version| version.dropped_at.is_none()).count();
    let (Some(newest), 1) = (versions.last(), live) else { return Ok(None) };
    let made = Provisioner::new(vault.clone()).next_identifier(store, newest.version, now).await?;
    Ok(made.then_some(newest.version + 1))
}

/// Drops a version. The caller has counted that nothing is stored under it. `false` if it is not stored.
///
/// # Errors
/// If the store fails.
pub async fn drop_version(store: &TenantStore, version: &IdentifierVersion, now: Timestamp) -> Result<bool, StoreError> {
    store.drop_identifier_key(&version.key, now).await
}

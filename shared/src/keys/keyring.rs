//! The keyrings of a tenant. They are made on first use by conditional put with a lease, and unwrapped once.
//!
//! 1. A request gets the keys of its tenant from the cache.
//! 2. The first request loads them, alone, while the others wait. It reads every slot (`provision` fills the missing ones), the
//!    vault unwraps all root keys at once, and the keys in use derive from them (`root`).
//! 3. After one minute one request reads the slots again, to follow a rotation. The others continue with the loaded keys. If the
//!    reload fails, this request continues with them too.

use super::data::DataKeyring;
use super::identifier::IdentifierKeyring;
use super::locator::LocatorKeyring;
use super::proof::ProofKeyring;
use super::provision::{self, Provisioner};
use super::refresh::RefreshKeyring;
use super::ring::{Ring, UnavailableKeyring, granted, is_open};
use super::root::RootKey;
use super::rotation::LOOK_AGAIN;
use super::signing::SigningKeys;
use super::{KeyError, KeyVault};
use crate::domain::id::TenantId;
use crate::domain::identifier::IdentifierForms;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::tenant::Signer;
use crate::domain::time::{Span, Timestamp};
use crate::purpose::Purpose;
use crate::store::TenantStore;
use crate::store::key::KeySlot;
use crate::store::keyring::{KeyMaterial, StoredKey, StoredKeyState};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The minimum age of a keyring version before it is used to make values: by then every instance has loaded it.
pub(super) const ROLLOUT_TIME: Span = Span::minutes(5);
/// When to read the slots again after a failure, or if something was missing.
const RETRY_INTERVAL: Span = Span::seconds(5);

/// The maximum age of slots that were read ahead.
const MAX_READ_AHEAD_AGE: Span = Span::seconds(1);

/// Builds and caches the keys of each tenant.
#[derive(Clone)]
pub struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    vault: KeyVault,
    purposes: Box<[Purpose]>,
    provisioner: Provisioner,
    tenants: Mutex<HashMap<TenantId, Arc<Slot>>>,
}

/// The cache entry of one tenant.
#[derive(Default)]
struct Slot {
    /// Held by the request that loads.
    loading: tokio::sync::Mutex<()>,
    loaded: Mutex<Option<Loaded>>,
}

#[derive(Clone)]
struct Loaded {
    keys: Arc<TenantKeys>,
    look_again: Timestamp,
    /// The slots as they were read ahead. The first reload uses them without another read, if it follows at once.
    seen: Option<Arc<[StoredKey]>>,
}

impl Slot {
    fn loaded(&self) -> Option<Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn keep(&self, loaded: Loaded) -> Arc<TenantKeys> {
        let keys = loaded.keys.clone();
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        keys
    }
}

impl Keys {
    /// Keys from this vault, for these purposes only.
    #[must_use]
    pub fn new(vault: KeyVault, purposes: &[Purpose]) -> Self {
        let provisioner = Provisioner::new(vault.clone());
        Self { shared: Arc::new(Shared { vault, purposes: purposes.into(), provisioner, tenants: Mutex::default() }) }
    }
    /// The keys of a tenant, from the cache. Otherwise loads them (and makes them on the very first use), single-flight. Signing keys
    /// are read again every 60 seconds, to follow a rotation. `signer` decides how future signatures are made.
    ///
    /// # Errors
    /// If the vault or the table fails, or this function has no keys of the signer.
    pub async fn tenant(&self, store: &TenantStore, signer: Signer, now: Timestamp) -> Result<Arc<TenantKeys>, KeyError> {
        // Check even if other keys are loaded that could sign: never use another signer than configured without an error.
        self.check(signer)?;
        let slot = self.slot(store.tenant());
        match slot.loaded() {
            Some(loaded) if now < loaded.look_again => Ok(loaded.keys),
            Some(loaded) => {
                // One request reloads. The others do not wait for it.
                let Ok(_alone) = slot.loading.try_lock() else { return Ok(loaded.keys) };
                // Another request may have reloaded between the cache read and the lock.
                let loaded = slot.loaded().unwrap_or(loaded);
                if now < loaded.look_again {
                    return Ok(loaded.keys);
                }
                let seen =
                    loaded.seen.as_deref().filter(|_| now <= loaded.look_again + MAX_READ_AHEAD_AGE).map(<[StoredKey]>::to_vec);
                match Box::pin(self.look(store, signer, now, Some(&loaded.keys), seen)).await {
                    Ok(looked) => Ok(slot.keep(looked)),
                    Err(error) => {
                        // The loaded keys still sign and verify, so an outage of the table or the vault does not stop tokens.
                        tracing::warn!(tenant = %store.tenant(), %error, "the keys could not be reloaded");
                        Ok(slot.keep(Loaded { look_again: now + RETRY_INTERVAL, seen: None, ..loaded }))
                    }
                }
            }
            None => {
                let _alone = slot.loading.lock().await;
                if let Some(loaded) = slot.loaded() {
                    return Ok(loaded.keys);
                }
                Ok(slot.keep(Box::pin(self.look(store, signer, now, None, None)).await?))
            }
        }
    }

    /// Reads and opens the existing keys of a tenant before its signer is known. The next reload ([`Self::tenant`]) continues from here:
    /// it makes missing keys and follows rotations.
    ///
    /// # Errors
    /// If the table fails, or a key is invalid.
    pub async fn open(&self, store: &TenantStore, now: Timestamp) -> Result<(), KeyError> {
        let (shared, slot) = (&self.shared, self.slot(store.tenant()));
        let _alone = slot.loading.lock().await;
        if slot.loaded().is_some() {
            return Ok(());
        }
        let stored = store.find_keys().await?;
        if provision::has_keyrings(&stored, &shared.purposes) {
            let keys = Arc::new(TenantKeys::load(shared, store.tenant(), &stored, now, None).await?);
            slot.keep(Loaded { keys, look_again: now, seen: Some(stored.into()) });
        }
        Ok(())
    }

    /// Whether this signer is available.
    ///
    /// # Errors
    /// [`KeyError::NoKmsKey`] if KMS must sign and there is no KMS key.
    pub fn check(&self, signer: Signer) -> Result<(), KeyError> {
        match signer {
            Signer::Kms if self.shared.purposes.contains(&Purpose::Signing) => self.shared.vault.kms_signing_keys().check(),
            Signer::Kms | Signer::Local => Ok(()),
        }
    }

    fn slot(&self, tenant: &TenantId) -> Arc<Slot> {
        let mut tenants = self.shared.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = tenants.get(tenant) {
            return slot.clone();
        }
        tenants.entry(tenant.clone()).or_default().clone()
    }
    /// Reads every slot (unless `seen` has them), makes what is missing or due, and loads the result.
    async fn look(
        &self,
        store: &TenantStore,
        signer: Signer,
        now: Timestamp,
        before: Option<&TenantKeys>,
        seen: Option<Vec<StoredKey>>,
    ) -> Result<Loaded, KeyError> {
        let shared = &self.shared;
        let mut stored = shared.provisioner.complete(store, &shared.purposes, signer, now, seen).await?;
        if shared.purposes.contains(&Purpose::Signing) && shared.provisioner.rotate(store, &stored, signer, now).await {
            stored = store.find_keys().await?;
        }
        let keys = TenantKeys::load(shared, store.tenant(), &stored, now, before).await?;
        let complete = keys.is_complete(&stored, provision::algorithms(signer), now);
        let look_again = now + if complete { LOOK_AGAIN } else { RETRY_INTERVAL };
        Ok(Loaded { keys: Arc::new(keys), look_again, seen: None })
    }
}

/// The unwrapped keys of one tenant.
pub struct TenantKeys {
    data: Option<Ring<DataKeyring>>,
    identifier: Option<Ring<IdentifierKeyring>>,
    proof: Option<Ring<ProofKeyring>>,
    locator: Option<Ring<LocatorKeyring>>,
    refresh: Option<Ring<RefreshKeyring>>,
    signing: Option<SigningKeys>,
}

impl TenantKeys {
    async fn load(
        shared: &Shared,
        tenant: &TenantId,
        stored: &[StoredKey],
        now: Timestamp,
        before: Option<&Self>,
    ) -> Result<Self, KeyError> {
        let loading = KeyringLoader { shared, tenant, stored, now };
        let dropped: Vec<u32> = loading
            .versions(Purpose::Identifier)
            .iter()
            .filter(|(_, key)| key.dropped_at.is_some())
            .map(|(of, _)| *of)
            .collect();
        let (data, identifier, proof, locator, refresh) = tokio::try_join!(
            loading.ring(Purpose::Data, before.and_then(|b| b.data.as_ref()), |roots, making| {
                DataKeyring::new(tenant, roots, making)
            }),
            loading.ring(Purpose::Identifier, before.and_then(|b| b.identifier.as_ref()), |roots, making| {
                IdentifierKeyring::new(&roots, making, &dropped)
            }),
            loading.ring(Purpose::Proof, before.and_then(|b| b.proof.as_ref()), |roots, making| {
                ProofKeyring::new(&roots, making)
            }),
            loading.ring(Purpose::Locator, before.and_then(|b| b.locator.as_ref()), |roots, making| {
                LocatorKeyring::new(tenant, &roots, making)
            }),
            loading.ring(Purpose::Refresh, before.and_then(|b| b.refresh.as_ref()), |roots, making| {
                RefreshKeyring::new(&roots, making)
            }),
        )?;
        let signing = loading.signing(before.and_then(|b| b.signing.as_ref()))?;
        Ok(Self { data, identifier, proof, locator, refresh, signing })
    }
    /// Whether nothing is missing that the next reload may find.
    fn is_complete(&self, stored: &[StoredKey], made: &[SigningAlgorithm], now: Timestamp) -> bool {
        is_open(self.data.as_ref())
            && is_open(self.identifier.as_ref())
            && is_open(self.proof.as_ref())
            && is_open(self.locator.as_ref())
            && is_open(self.refresh.as_ref())
            && self.signing.as_ref().is_none_or(|signing| signing.is_complete(stored, made, now))
    }
    /// Wraps and unwraps data keys.
    ///
    /// # Errors
    /// [`KeyError::NotGranted`] if the function did not declare the purpose; the vault's error if it did not unwrap the keyring.
    pub fn data(&self) -> Result<&DataKeyring, KeyError> {
        granted(Purpose::Data, self.data.as_ref())
    }
    /// Hashes identifiers.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn identifier(&self) -> Result<&IdentifierKeyring, KeyError> {
        granted(Purpose::Identifier, self.identifier.as_ref())
    }
    /// The live versions of the identifier key, for the store. `None` if the function did not declare the purpose, or the keyring
    /// is not available.
    #[must_use]
    pub fn identifier_forms(&self) -> Option<Arc<dyn IdentifierForms>> {
        let keyring = self.identifier.as_ref()?.keyring.as_ref().ok()?.clone();
        Some(keyring)
    }
    /// The store of this tenant under the live versions of the identifier key. If there are several and they could not be opened, what
    /// depends on them fails.
    #[must_use]
    pub fn bind(&self, store: TenantStore) -> TenantStore {
        match &self.identifier {
            Some(Ring { versions, keyring: Err(_), .. }) if versions.len() > 1 => store.without_identifiers(),
            Some(_) | None => store.with_identifiers(self.identifier_forms()),
        }
    }
    /// Derives codes and links.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn proof(&self) -> Result<&ProofKeyring, KeyError> {
        granted(Purpose::Proof, self.proof.as_ref())
    }
    /// Seals locators.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn locator(&self) -> Result<&LocatorKeyring, KeyError> {
        granted(Purpose::Locator, self.locator.as_ref())
    }
    /// Derives refresh tokens.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn refresh(&self) -> Result<&RefreshKeyring, KeyError> {
        granted(Purpose::Refresh, self.refresh.as_ref())
    }
    /// Signs and verifies tokens.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn signing(&self) -> Result<&SigningKeys, KeyError> {
        self.signing.as_ref().ok_or(KeyError::NotGranted(Purpose::Signing))
    }
}

/// The input for loading the keyrings of a tenant.
struct KeyringLoader<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    stored: &'a [StoredKey],
    now: Timestamp,
}

impl KeyringLoader<'_> {
    /// The keyring of a purpose. `None` if this function did not declare the purpose.
    async fn ring<K>(
        &self,
        purpose: Purpose,
        before: Option<&Ring<K>>,
        build: impl FnOnce(Vec<(u32, RootKey)>, u32) -> Result<K, KeyError>,
    ) -> Result<Option<Ring<K>>, KeyError> {
        if !self.shared.purposes.contains(&purpose) {
            return Ok(None);
        }
        let stored = self.versions(purpose);
        // A dropped version makes another keyring of the same keys.
        let mark = |(version, key): &(u32, &KeyMaterial)| (*version, key.dropped_at.is_some());
        let versions: Vec<_> = stored.iter().map(mark).collect();
        let made_with: Vec<_> = stored.iter().map(|(version, key)| (*version, key.created_at)).collect();
        let making = making(&made_with, self.now).ok_or(KeyError::UnknownVersion)?;
        let before = before.and_then(|before| before.keyring.as_ref().ok().map(|keyring| (before, keyring.clone())));
        if let Some((_, keyring)) = before.as_ref().filter(|(ring, _)| ring.versions == versions && ring.making == making) {
            return Ok(Some(Ring { versions, making, keyring: Ok(keyring.clone()) }));
        }
        let opened = self.unwrap(purpose, &stored).await.and_then(|roots| build(roots, making));
        // The version that other instances may use before this one looks again.
        let soon = self::making(&made_with, self.now + LOOK_AGAIN).ok_or(KeyError::UnknownVersion)?;
        Ok(Some(match (opened, before) {
            (Ok(keyring), _) => Ring { versions, making, keyring: Ok(Arc::new(keyring)) },
            // The new version is not used yet. The open versions stay in use.
            (Err(error), Some((ring, keyring))) if ring.versions.iter().any(|(version, _)| *version == soon) => {
                tracing::warn!(tenant = %self.tenant, purpose = purpose.name(), %error, "a new version of a keyring could not be opened");
                Ring { versions: ring.versions.clone(), making: ring.making, keyring: Ok(keyring) }
            }
            // Other instances make items under the new version: without it, this one would not find them.
            (Err(error), _) => Ring { versions, making, keyring: Err(UnavailableKeyring::from_error(error)?) },
        }))
    }
    async fn unwrap(&self, purpose: Purpose, stored: &[(u32, &KeyMaterial)]) -> Result<Vec<(u32, RootKey)>, KeyError> {
        let mut roots = Vec::with_capacity(stored.len());
        for (version, key) in stored {
            let bytes = self.shared.vault.unwrap(self.tenant, purpose, &key.wrapped).await?;
            roots.push((*version, RootKey::new(self.tenant, purpose, &bytes)?));
        }
        Ok(roots)
    }
    fn signing(&self, before: Option<&SigningKeys>) -> Result<Option<SigningKeys>, KeyError> {
        if !self.shared.purposes.contains(&Purpose::Signing) {
            return Ok(None);
        }
        SigningKeys::new(self.tenant, &self.shared.vault, self.stored, self.now, before).map(Some)
    }
    /// The stored versions of a keyring, oldest first.
    fn versions(&self, of: Purpose) -> Vec<(u32, &KeyMaterial)> {
        let mut versions: Vec<_> = self
            .stored
            .iter()
            .filter_map(|key| match (key.slot, &key.state) {
                (KeySlot::Keyring { purpose, version }, StoredKeyState::Ready(material)) if purpose == of => {
                    Some((version, material))
                }
                (
                    KeySlot::Keyring { .. } | KeySlot::Signing { .. },
                    StoredKeyState::Ready(_) | StoredKeyState::Retired(_) | StoredKeyState::Claimed { .. },
                ) => None,
            })
            .collect();
        versions.sort_by_key(|(version, _)| *version);
        versions
    }
}

/// The version that makes new values: the newest that every instance has loaded, otherwise the oldest.
fn making(oldest_first: &[(u32, Timestamp)], now: Timestamp) -> Option<u32> {
    let seen = oldest_first.iter().rev().find(|(_, created_at)| *created_at + ROLLOUT_TIME <= now);
    seen.or_else(|| oldest_first.first()).map(|(version, _)| *version)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;

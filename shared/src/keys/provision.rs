//! Makes the missing keys of a tenant, and the next signing keys that are due: once, even if many instances start at the same time.
//!
//! 1. Read every slot of the tenant (one Query).
//! 2. Claim a missing slot by conditional put with a lease. Only the holder of the lease calls the vault, then completes the slot.
//!    Other instances read the slots again, and claim a slot after its lease has expired.
//! 3. If KMS signs, no key is made: the KMS key is registered with its public half, under the same lease.
//! 4. A key is used only after it was read back from the table: if two were made for one slot, only one is stored.

use super::key_versions::{key_versions, next_key_is_due};
use super::remote::KMS_ALGORITHMS;
use super::root::KEY_LEN;
use super::signing::{ALGORITHMS, generate};
use super::{KeyError, KeyVault, rotation};
use crate::context::Random;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::tenant::Signer;
use crate::domain::time::{Span, Timestamp};
use crate::purpose::Purpose;
use crate::store::TenantStore;
use crate::store::key::KeySlot;
use crate::store::keyring::{KeyMaterial, StoredKey, StoredKeyState};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long the holder of a slot has to make its key. An RSA pair takes one or two seconds on the smallest function.
const LEASE_DURATION: Span = Span::seconds(10);
/// How long a rotation may take: a request waits for it, and still has the previous key.
const ROTATION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for another instance's key before it fails.
const MAX_WAIT: Duration = Duration::from_secs(12);
/// The pause between two reads. It doubles from the first to the last, and half of each is random.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(320);

/// The first version of every key.
const FIRST_VERSION: u32 = 1;

/// Makes keys for tenants, under one holder name.
pub(super) struct Provisioner {
    vault: KeyVault,
    /// Random: the name under which this instance claims slots.
    holder: String,
}

impl Provisioner {
    pub(super) fn new(vault: KeyVault) -> Self {
        Self { vault, holder: data_encoding::BASE64URL_NOPAD.encode(&Random.bytes::<12>()) }
    }
    /// All keys of the tenant, complete for these purposes: missing ones are made now. `seen`: the slots, if they were read a moment
    /// ago.
    pub(super) async fn complete(
        &self,
        store: &TenantStore,
        purposes: &[Purpose],
        signer: Signer,
        now: Timestamp,
        mut seen: Option<Vec<StoredKey>>,
    ) -> Result<Vec<StoredKey>, KeyError> {
        let began = Instant::now();
        let mut pause = MIN_PAUSE;
        loop {
            let stored = match seen.take() {
                Some(seen) => seen,
                None => store.find_keys().await?,
            };
            let missing: Vec<_> = first_slots(purposes, signer).into_iter().filter(|slot| !is_made(&stored, *slot)).collect();
            if missing.is_empty() {
                return Ok(stored);
            }
            // The caller's time, plus the time spent here.
            let at = now + Span::millis(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
            let mut made = false;
            for slot in missing {
                made |= can_be_claimed(&stored, slot, at) && self.make(store, &stored, slot, signer, at).await?;
            }
            if !made {
                if began.elapsed() >= MAX_WAIT {
                    return Err(KeyError::VaultUnavailable(
                        "another instance holds the lease of a key and does not make it".into(),
                    ));
                }
                tokio::time::sleep(with_jitter(pause)).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
    /// Makes the version after the newest one of the identifier key. `false` if another process does so.
    pub(super) async fn next_identifier(&self, store: &TenantStore, newest: u32, now: Timestamp) -> Result<bool, KeyError> {
        let slot = KeySlot::Keyring { purpose: Purpose::Identifier, version: newest + 1 };
        self.make(store, &[], slot, Signer::Local, now).await
    }
    /// Publishes the next signing keys that are due. Returns whether it made one. A failure is logged, and retried at the next
    /// reload.
    pub(super) async fn rotate(&self, store: &TenantStore, stored: &[StoredKey], signer: Signer, now: Timestamp) -> bool {
        let mut made = false;
        for algorithm in algorithms(signer) {
            match tokio::time::timeout(ROTATION_TIMEOUT, self.rotate_algorithm(store, stored, *algorithm, signer, now)).await {
                Ok(Ok(is_made)) => made |= is_made,
                Ok(Err(error)) => {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::error!(tenant = %store.tenant(), ?algorithm, error, "a signing key that is due could not be rotated");
                }
                Err(_) => {
                    tracing::error!(tenant = %store.tenant(), ?algorithm, "a signing key that is due was not rotated in time");
                }
            }
        }
        made
    }
    async fn rotate_algorithm(
        &self,
        store: &TenantStore,
        stored: &[StoredKey],
        algorithm: SigningAlgorithm,
        signer: Signer,
        now: Timestamp,
    ) -> Result<bool, KeyError> {
        let key_versions = key_versions(stored, algorithm, now);
        let Some(newest) = key_versions.last() else { return Ok(false) };
        if !next_key_is_due(&key_versions, self.kms_key(signer, algorithm)?.as_deref(), now) {
            return Ok(false);
        }
        let slot = KeySlot::Signing { algorithm, version: newest.version + 1 };
        Ok(can_be_claimed(stored, slot, now) && self.make(store, stored, slot, signer, now).await?)
    }
    /// The KMS key of this signer; `None` if keys sign in process.
    fn kms_key(&self, signer: Signer, algorithm: SigningAlgorithm) -> Result<Option<String>, KeyError> {
        match signer {
            Signer::Local => Ok(None),
            Signer::Kms => self.vault.kms_signing_keys().key(algorithm).map(|key| Some(key.to_owned())),
        }
    }
    /// Claims the slot and fills it. `false` if another instance holds it.
    async fn make(
        &self,
        store: &TenantStore,
        stored: &[StoredKey],
        slot: KeySlot,
        signer: Signer,
        now: Timestamp,
    ) -> Result<bool, KeyError> {
        if !store.claim_key(slot, &self.holder, now, LEASE_DURATION).await? {
            return Ok(false);
        }
        let tenant = store.tenant();
        let material = match slot {
            KeySlot::Keyring { purpose, .. } => {
                let root = Zeroizing::new(Random.bytes::<KEY_LEN>());
                let wrapped = self.vault.wrap(tenant, purpose, root.as_slice()).await?;
                let (created_at, active_from) = (now, now);
                KeyMaterial {
                    wrapped,
                    public_jwk: None,
                    created_at,
                    active_from,
                    kms_key: None,
                    successor_ordered_at: None,
                    dropped_at: None,
                }
            }
            KeySlot::Signing { algorithm, version } => {
                let kms_key = self.kms_key(signer, algorithm)?;
                let (wrapped, public) = match &kms_key {
                    None => self.make_pair(store, algorithm).await?,
                    Some(key) => (Vec::new(), self.fetch_public_key(key, algorithm, stored, now).await?),
                };
                let active_from = rotation::active_from(version == FIRST_VERSION && !is_known(stored, now), now);
                let public_jwk = Some(public);
                let (created_at, successor_ordered_at, dropped_at) = (now, None, None);
                KeyMaterial { wrapped, public_jwk, created_at, active_from, kms_key, successor_ordered_at, dropped_at }
            }
        };
        let completed = store.complete_key(slot, &self.holder, material).await?;
        if completed {
            tracing::info!(tenant = %tenant, ?slot, "made a key");
        }
        Ok(completed)
    }
    /// A new pair: the wrapped private half, and the public half as a JWK.
    async fn make_pair(&self, store: &TenantStore, algorithm: SigningAlgorithm) -> Result<(Vec<u8>, String), KeyError> {
        let (pkcs8, public) = tokio::task::spawn_blocking(move || generate(algorithm))
            .await
            .map_err(|_| KeyError::Failed("the thread that made a key pair ended"))??;
        Ok((self.vault.wrap(store.tenant(), Purpose::Signing, &pkcs8).await?, public))
    }
    /// The public half of a KMS key, as a JWK.
    async fn fetch_public_key(
        &self,
        key: &str,
        algorithm: SigningAlgorithm,
        stored: &[StoredKey],
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let public = self.vault.public_key(key, algorithm).await?;
        let public = serde_json::to_string(&public).map_err(|_| KeyError::Failed("writing a public key"))?;
        let retired = key_versions(stored, algorithm, now)
            .into_iter()
            .any(|key_version| key_version.material.is_none() && key_version.public_jwk == Some(&*public));
        if retired {
            return Err(KeyError::VaultRefused(
                format!("the KMS key {key} was retired: deploy another, or set signer = \"local\"").into(),
            ));
        }
        Ok(public)
    }
}

/// The algorithms of a tenant's keys with this signer.
pub(super) fn algorithms(signer: Signer) -> &'static [SigningAlgorithm] {
    match signer {
        Signer::Local => &ALGORITHMS,
        Signer::Kms => &KMS_ALGORITHMS,
    }
}

/// Whether a tenant has every keyring for these purposes. Signing keys do not count: their signer is not known yet.
pub(super) fn has_keyrings(stored: &[StoredKey], purposes: &[Purpose]) -> bool {
    let mut slots = first_slots(purposes, Signer::Local).into_iter();
    slots.all(|slot| matches!(slot, KeySlot::Signing { .. }) || is_made(stored, slot))
}

/// The slots that a tenant must have for these purposes.
fn first_slots(purposes: &[Purpose], signer: Signer) -> Vec<KeySlot> {
    let mut slots = Vec::new();
    for purpose in purposes {
        match purpose {
            Purpose::Data | Purpose::Identifier | Purpose::Proof | Purpose::Locator | Purpose::Refresh => {
                slots.push(KeySlot::Keyring { purpose: *purpose, version: FIRST_VERSION });
            }
            Purpose::Signing => {
                slots.extend(
                    algorithms(signer)
                        .iter()
                        .map(|algorithm| KeySlot::Signing { algorithm: *algorithm, version: FIRST_VERSION }),
                );
            }
        }
    }
    slots
}

/// Whether clients may already have a key set of the tenant: it has existed for longer than a first start takes.
fn is_known(stored: &[StoredKey], now: Timestamp) -> bool {
    let of = |algorithm| key_versions(stored, algorithm, now);
    ALGORITHMS.into_iter().flat_map(of).any(|key_version| key_version.created_at + rotation::LOOK_AGAIN <= now)
}

fn is_made(stored: &[StoredKey], slot: KeySlot) -> bool {
    stored.iter().any(|key| key.slot == slot && !matches!(key.state, StoredKeyState::Claimed { .. }))
}

/// Avoids a write that would be refused. The condition of the write is what decides.
fn can_be_claimed(stored: &[StoredKey], slot: KeySlot, now: Timestamp) -> bool {
    stored.iter().find(|key| key.slot == slot).is_none_or(|key| match key.state {
        StoredKeyState::Claimed { lease_until } => lease_until <= now,
        StoredKeyState::Ready(_) | StoredKeyState::Retired(_) => false,
    })
}

fn with_jitter(pause: Duration) -> Duration {
    let [random] = Random.bytes::<1>();
    pause / 2 + pause * u32::from(random) / 512
}

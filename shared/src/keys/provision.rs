//! Makes the keys that a tenant does not have yet, and the successors of signing keys that are due: once, however many
//! instances start at the same time.
//!
//! 1. Look at every slot of the tenant (one Query).
//! 2. A slot that is missing is claimed by conditional put with a lease; only its holder asks the vault, then completes the
//!    slot. The others look again, and take a slot over when its lease has run out.
//! 3. Where KMS signs, nothing is made: its key is taken up, with its public half, under the same lease.
//! 4. Nobody uses a key that was not read back from the table: of two that were made for one slot, one is stored.

use super::lineage::{generations, successor_is_due};
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

/// How long the holder of a slot has to make its key; an RSA pair on the smallest function takes a second or two.
const LEASE: Span = Span::seconds(10);
/// How long a successor may take: a request waits for it, and has its own key still.
const ROTATION: Duration = Duration::from_secs(5);
/// How long to wait for another instance's key before the request is given up.
const PATIENCE: Duration = Duration::from_secs(12);
/// Between two looks: doubled from the first to the last, each by half at random.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LAST_LOOK: Duration = Duration::from_millis(320);

/// The version that every key begins with.
const FIRST: u32 = 1;

/// Makes keys for tenants, under one name.
pub(super) struct Provisioner {
    vault: KeyVault,
    /// Random: whose claim a slot is.
    holder: String,
}

impl Provisioner {
    pub(super) fn new(vault: KeyVault) -> Self {
        Self { vault, holder: data_encoding::BASE64URL_NOPAD.encode(&Random.bytes::<12>()) }
    }
    /// Every key of the tenant, those of these purposes complete: made now where they were missing. `seen`: what the table held just
    /// now, if that was read already.
    pub(super) async fn complete(
        &self,
        store: &TenantStore,
        purposes: &[Purpose],
        signer: Signer,
        now: Timestamp,
        mut seen: Option<Vec<StoredKey>>,
    ) -> Result<Vec<StoredKey>, KeyError> {
        let began = Instant::now();
        let mut pause = FIRST_LOOK;
        loop {
            let stored = match seen.take() {
                Some(seen) => seen,
                None => store.find_keys().await?,
            };
            let missing: Vec<_> = first_slots(purposes, signer).into_iter().filter(|slot| !is_made(&stored, *slot)).collect();
            if missing.is_empty() {
                return Ok(stored);
            }
            // The moment is the caller's, moved on by the time that passed in here.
            let at = now + Span::millis(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
            let mut made = false;
            for slot in missing {
                made |= can_be_claimed(&stored, slot, at) && self.make(store, &stored, slot, signer, at).await?;
            }
            if !made {
                if began.elapsed() >= PATIENCE {
                    return Err(KeyError::VaultUnavailable(
                        "another instance holds the lease of a key and does not make it".into(),
                    ));
                }
                tokio::time::sleep(with_jitter(pause)).await;
                pause = (pause * 2).min(LAST_LOOK);
            }
        }
    }
    /// Publishes successors of the signing keys that are due. Whether any was made here; what fails is logged, and tried again at
    /// the next look.
    pub(super) async fn rotate(&self, store: &TenantStore, stored: &[StoredKey], signer: Signer, now: Timestamp) -> bool {
        let mut made = false;
        for algorithm in algorithms(signer) {
            match tokio::time::timeout(ROTATION, self.succeed(store, stored, *algorithm, signer, now)).await {
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
    async fn succeed(
        &self,
        store: &TenantStore,
        stored: &[StoredKey],
        algorithm: SigningAlgorithm,
        signer: Signer,
        now: Timestamp,
    ) -> Result<bool, KeyError> {
        let generations = generations(stored, algorithm, now);
        let Some(newest) = generations.last() else { return Ok(false) };
        if !successor_is_due(&generations, self.kms_key(signer, algorithm)?.as_deref(), now) {
            return Ok(false);
        }
        let slot = KeySlot::Signing { algorithm, version: newest.version + 1 };
        Ok(can_be_claimed(stored, slot, now) && self.make(store, stored, slot, signer, now).await?)
    }
    /// The key of KMS that signs for this signer; `None` when keys sign in process.
    fn kms_key(&self, signer: Signer, algorithm: SigningAlgorithm) -> Result<Option<String>, KeyError> {
        match signer {
            Signer::Local => Ok(None),
            Signer::Kms => self.vault.kms_signing_keys().key(algorithm).map(|key| Some(key.to_owned())),
        }
    }
    /// Claims the slot and fills it. `false` when it is another's.
    async fn make(
        &self,
        store: &TenantStore,
        stored: &[StoredKey],
        slot: KeySlot,
        signer: Signer,
        now: Timestamp,
    ) -> Result<bool, KeyError> {
        if !store.claim_key(slot, &self.holder, now, LEASE).await? {
            return Ok(false);
        }
        let tenant = store.tenant();
        let material = match slot {
            KeySlot::Keyring { purpose, .. } => {
                let root = Zeroizing::new(Random.bytes::<KEY_LEN>());
                let wrapped = self.vault.wrap(tenant, purpose, root.as_slice()).await?;
                let (created_at, active_from) = (now, now);
                KeyMaterial { wrapped, public_jwk: None, created_at, active_from, kms_key: None, successor_ordered_at: None }
            }
            KeySlot::Signing { algorithm, version } => {
                let kms_key = self.kms_key(signer, algorithm)?;
                let (wrapped, public) = match &kms_key {
                    None => self.make_pair(store, algorithm).await?,
                    Some(key) => (Vec::new(), self.take_up(key, algorithm, stored, now).await?),
                };
                let active_from = rotation::active_from(version == FIRST && !is_known(stored, now), now);
                let public_jwk = Some(public);
                KeyMaterial { wrapped, public_jwk, created_at: now, active_from, kms_key, successor_ordered_at: None }
            }
        };
        let completed = store.complete_key(slot, &self.holder, material).await?;
        if completed {
            tracing::info!(tenant = %tenant, ?slot, "made a key");
        }
        Ok(completed)
    }
    /// A new pair: the private half wrapped, the public one as a JWK.
    async fn make_pair(&self, store: &TenantStore, algorithm: SigningAlgorithm) -> Result<(Vec<u8>, String), KeyError> {
        let (pkcs8, public) = tokio::task::spawn_blocking(move || generate(algorithm))
            .await
            .map_err(|_| KeyError::Failed("the thread that made a key pair ended"))??;
        Ok((self.vault.wrap(store.tenant(), Purpose::Signing, &pkcs8).await?, public))
    }
    /// The public half of a key of KMS, as a JWK.
    async fn take_up(
        &self,
        key: &str,
        algorithm: SigningAlgorithm,
        stored: &[StoredKey],
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let public = self.vault.public_key(key, algorithm).await?;
        let public = serde_json::to_string(&public).map_err(|_| KeyError::Failed("writing a public key"))?;
        let retired = generations(stored, algorithm, now)
            .into_iter()
            .any(|generation| generation.material.is_none() && generation.public_jwk == Some(&*public));
        if retired {
            return Err(KeyError::VaultRefused(
                format!("the KMS key {key} was retired: deploy another, or set signer = \"local\"").into(),
            ));
        }
        Ok(public)
    }
}

/// The algorithms that a tenant with this signer has keys of.
pub(super) fn algorithms(signer: Signer) -> &'static [SigningAlgorithm] {
    match signer {
        Signer::Local => &ALGORITHMS,
        Signer::Kms => &KMS_ALGORITHMS,
    }
}

/// Whether a tenant has every keyring for these purposes; keys that sign apart, whose signer is not known.
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
                slots.push(KeySlot::Keyring { purpose: *purpose, version: FIRST });
            }
            Purpose::Signing => {
                slots.extend(
                    algorithms(signer).iter().map(|algorithm| KeySlot::Signing { algorithm: *algorithm, version: FIRST }),
                );
            }
        }
    }
    slots
}

/// Whether somebody may have a key set of the tenant already: it was there longer than a first start takes.
fn is_known(stored: &[StoredKey], now: Timestamp) -> bool {
    let of = |algorithm| generations(stored, algorithm, now);
    ALGORITHMS.into_iter().flat_map(of).any(|generation| generation.created_at + rotation::LOOK_AGAIN <= now)
}

fn is_made(stored: &[StoredKey], slot: KeySlot) -> bool {
    stored.iter().any(|key| key.slot == slot && !matches!(key.state, StoredKeyState::Claimed { .. }))
}

/// Spares a write that would be refused; the condition of the write is what decides.
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

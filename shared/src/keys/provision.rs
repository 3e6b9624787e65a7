//! Makes the keys that a tenant does not have yet, and the successors of signing keys that are due: once, however many
//! instances start at the same time.
//!
//! 1. Look at every slot of the tenant (one Query).
//! 2. A slot that is missing is claimed by conditional put with a lease; only its holder asks the vault, then completes the
//!    slot. The others look again, and take a slot over when its lease has run out.
//! 3. Nobody uses a key that was not read back from the table: of two that were made for one slot, one is stored.

use super::root::KEY_LEN;
use super::signing::{ALGORITHMS, generate};
use super::{KeyError, KeyVault, Purpose, rotation};
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::time::{Span, Timestamp};
use crate::services::Random;
use crate::store::TenantStore;
use crate::store::keyring::{KeyMaterial, KeySlot, StoredKey, StoredKeyState};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long the holder of a slot has to make its key; an RSA pair on the smallest function takes a second or two.
const LEASE: Span = Span::seconds(10);
/// How long to wait for another instance's key before the request is given up.
const PATIENCE: Duration = Duration::from_secs(12);
/// Between two looks: doubled from the first to the last, each by half at random.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LAST_LOOK: Duration = Duration::from_millis(320);

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
    /// Every key of the tenant, those of these purposes complete: made now where they were missing.
    pub(super) async fn complete(
        &self,
        store: &TenantStore,
        purposes: &[Purpose],
        now: Timestamp,
    ) -> Result<Vec<StoredKey>, KeyError> {
        let began = Instant::now();
        let mut pause = FIRST_LOOK;
        loop {
            let stored = store.find_keys().await?;
            let missing: Vec<_> = first_slots(purposes).into_iter().filter(|slot| !is_ready(&stored, *slot)).collect();
            if missing.is_empty() {
                return Ok(stored);
            }
            // The moment is the caller's, moved on by the time that passed in here.
            let at = now + Span::millis(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
            let mut made = false;
            for slot in missing {
                made |= can_be_claimed(&stored, slot, at) && self.make(store, slot, at, true).await?;
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
    /// Publishes successors of the signing keys that are due (of all, when `early`). Whether any was made here.
    pub(super) async fn rotate(
        &self,
        store: &TenantStore,
        stored: &[StoredKey],
        now: Timestamp,
        early: bool,
    ) -> Result<bool, KeyError> {
        let mut made = false;
        for algorithm in ALGORITHMS {
            let Some((newest, active_from)) = newest_signing_key(stored, algorithm) else { continue };
            let pending = active_from > now;
            if rotation::is_due(active_from, now) || (early && !pending) {
                let slot = KeySlot::Signing { algorithm, version: newest + 1 };
                made |= can_be_claimed(stored, slot, now) && self.make(store, slot, now, false).await?;
            }
        }
        Ok(made)
    }
    /// Claims the slot and fills it. `false` when it is another's.
    async fn make(&self, store: &TenantStore, slot: KeySlot, now: Timestamp, first: bool) -> Result<bool, KeyError> {
        if !store.claim_key(slot, &self.holder, now, LEASE).await? {
            return Ok(false);
        }
        let tenant = store.tenant();
        let material = match slot {
            KeySlot::Keyring { purpose, .. } => {
                let root = Zeroizing::new(Random.bytes::<KEY_LEN>());
                let wrapped = self.vault.wrap(tenant, purpose, root.as_slice()).await?;
                KeyMaterial { wrapped, public_jwk: None, created_at: now, active_from: now }
            }
            KeySlot::Signing { algorithm, .. } => {
                let (pkcs8, public) = tokio::task::spawn_blocking(move || generate(algorithm))
                    .await
                    .map_err(|_| KeyError::Failed("the thread that made a key pair ended"))??;
                let wrapped = self.vault.wrap(tenant, Purpose::Signing, &pkcs8).await?;
                let active_from = rotation::active_from(first, now);
                KeyMaterial { wrapped, public_jwk: Some(public), created_at: now, active_from }
            }
        };
        let completed = store.complete_key(slot, &self.holder, material).await?;
        if completed {
            tracing::info!(tenant = %tenant, ?slot, "made a key");
        }
        Ok(completed)
    }
}

/// The slots that a tenant must have for these purposes.
fn first_slots(purposes: &[Purpose]) -> Vec<KeySlot> {
    let mut slots = Vec::new();
    for purpose in purposes {
        match purpose {
            Purpose::Data | Purpose::Identifier | Purpose::Proof | Purpose::Locator | Purpose::Refresh => {
                slots.push(KeySlot::Keyring { purpose: *purpose, version: 1 });
            }
            Purpose::Signing => slots.extend(ALGORITHMS.map(|algorithm| KeySlot::Signing { algorithm, version: 1 })),
        }
    }
    slots
}

fn is_ready(stored: &[StoredKey], slot: KeySlot) -> bool {
    stored.iter().any(|key| key.slot == slot && matches!(key.state, StoredKeyState::Ready(_)))
}

/// Spares a write that would be refused; the condition of the write is what decides.
fn can_be_claimed(stored: &[StoredKey], slot: KeySlot, now: Timestamp) -> bool {
    stored.iter().find(|key| key.slot == slot).is_none_or(|key| match key.state {
        StoredKeyState::Claimed { lease_until } => lease_until <= now,
        StoredKeyState::Ready(_) => false,
    })
}

fn newest_signing_key(stored: &[StoredKey], of: SigningAlgorithm) -> Option<(u32, Timestamp)> {
    stored
        .iter()
        .filter_map(|key| match (&key.slot, &key.state) {
            (KeySlot::Signing { algorithm, version }, StoredKeyState::Ready(material)) if *algorithm == of => {
                Some((*version, material.active_from))
            }
            (KeySlot::Signing { .. } | KeySlot::Keyring { .. }, StoredKeyState::Ready(_) | StoredKeyState::Claimed { .. }) => {
                None
            }
        })
        .max()
}

fn with_jitter(pause: Duration) -> Duration {
    let [random] = Random.bytes::<1>();
    pause / 2 + pause * u32::from(random) / 512
}

//! The signing keys of one algorithm as stored in the table, oldest first, each with its current state.

use super::rotation::{KeyState, KeyStatus, KeyTimes, is_due, key_statuses};
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::time::Timestamp;
use crate::store::key::KeySlot;
use crate::store::keyring::{KeyMaterial, StoredKey, StoredKeyState};

/// One version of an algorithm's signing key.
pub(super) struct KeyVersion<'a> {
    pub(super) version: u32,
    pub(super) stored: &'a StoredKey,
    /// The stored key; `None` after its retirement.
    pub(super) material: Option<&'a KeyMaterial>,
    /// Its public half, as a JWK.
    pub(super) public_jwk: Option<&'a str>,
    pub(super) created_at: Timestamp,
    pub(super) status: KeyStatus,
}

impl KeyVersion<'_> {
    pub(super) fn is(&self, state: KeyState) -> bool {
        self.status.state == state
    }
}

/// Every version with a key, retired ones included. A slot that is only claimed has no key.
pub(super) fn key_versions(stored: &[StoredKey], of: SigningAlgorithm, now: Timestamp) -> Vec<KeyVersion<'_>> {
    let mut made: Vec<(u32, &StoredKey, KeyTimes)> = Vec::new();
    for key in stored {
        let KeySlot::Signing { algorithm, version } = key.slot else { continue };
        let times = match &key.state {
            StoredKeyState::Claimed { .. } => continue,
            StoredKeyState::Ready(key) => {
                KeyTimes { created_at: key.created_at, active_from: key.active_from, retired_at: None }
            }
            StoredKeyState::Retired(key) => {
                KeyTimes { created_at: key.created_at, active_from: key.active_from, retired_at: Some(key.retired_at) }
            }
        };
        if algorithm == of {
            made.push((version, key, times));
        }
    }
    made.sort_by_key(|(version, ..)| *version);
    let times: Vec<_> = made.iter().map(|(.., times)| *times).collect();
    let key_version = |((version, stored, times), status): ((u32, _, KeyTimes), _)| {
        let (material, public_jwk) = parts(stored);
        KeyVersion { version, stored, material, public_jwk, created_at: times.created_at, status }
    };
    made.into_iter().zip(key_statuses(&times, now)).map(key_version).collect()
}

/// Whether to make the next key now, in process or with this KMS key (`kms_key`).
pub(super) fn next_key_is_due(key_versions: &[KeyVersion<'_>], kms_key: Option<&str>, now: Timestamp) -> bool {
    let key_statuses: Vec<_> = key_versions.iter().map(|key_version| key_version.status).collect();
    match key_versions.iter().find(|key_version| key_version.is(KeyState::Active)).and_then(|active| active.material) {
        // KMS makes no second key on its own: another one follows when the stack or the tenant document names another.
        Some(active) if active.kms_key.is_some() && active.kms_key.as_deref() == kms_key => false,
        Some(active) => {
            let ordered = active.successor_ordered_at.is_some() || active.kms_key.as_deref() != kms_key;
            is_due(&key_statuses, ordered, now)
        }
        None => is_due(&key_statuses, false, now),
    }
}

fn parts(key: &StoredKey) -> (Option<&KeyMaterial>, Option<&str>) {
    match &key.state {
        StoredKeyState::Claimed { .. } => (None, None),
        StoredKeyState::Ready(key) => (Some(key), key.public_jwk.as_deref()),
        StoredKeyState::Retired(key) => (None, key.public_jwk.as_deref()),
    }
}

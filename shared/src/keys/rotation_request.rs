//! The operator's view of signing keys, and two requests: an early rotation, and the retirement of a key in an emergency.
//!
//! Nothing here calls the vault, so the operator needs no permission to use it. A request is stored in the slot of the key. The next
//! function that reads the slot carries it out, within one minute.

use super::jwk::{PublicJwk, algorithm_name};
use super::key_versions::{KeyVersion, key_versions};
use super::rotation::{KeyState, TAKE_OVER};
use super::signing::ALGORITHMS;
use crate::domain::id::KeyId;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::time::Timestamp;
use crate::store::keyring::{StoredKey, StoredKeyState};
use crate::store::{StoreError, TenantStore};

/// A signing key, as shown to an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Its `kid`: the RFC 7638 thumbprint.
    pub kid: KeyId,
    /// `ES256`, `RS256` or `EdDSA`.
    pub algorithm: &'static str,
    /// The version, from 1 for each algorithm.
    pub version: u32,
    /// Its current state.
    pub state: KeyState,
    /// The KMS key that signs; `None` for a key that is wrapped in the table.
    pub kms_key: Option<String>,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// When it starts to sign, or started.
    pub signs_from: Timestamp,
    /// When it expires, once there is a next key.
    pub expires_at: Option<Timestamp>,
    /// When an operator retired it.
    pub retired_at: Option<Timestamp>,
    /// When an operator requested the next key.
    pub successor_ordered_at: Option<Timestamp>,
}

/// The result of a rotation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationRequest {
    /// Requested: the next reload makes the key, within one minute. It signs twenty minutes later.
    Ordered {
        /// The key that signs until then.
        kid: KeyId,
    },
    /// The next key exists already, and signs from then on.
    Pending {
        /// The next key.
        kid: KeyId,
        /// When it starts to sign.
        signs_from: Timestamp,
    },
    /// No key signs: the next reload makes one in any case.
    Awaited,
    /// The key belongs to KMS: another follows when the stack or the tenant document names another.
    HeldByKms {
        /// The KMS key's `kid`.
        kid: KeyId,
    },
}

/// The effect of a retirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// The key before its retirement.
    pub key: ListedKey,
    /// Which key signs afterwards.
    pub next_key: NextKey,
}

/// Which key signs after a retirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextKey {
    /// No change: the retired key did not sign.
    Unchanged,
    /// A key that is already published.
    TakesOver {
        /// The next key.
        kid: KeyId,
        /// When it starts to sign.
        signs_from: Timestamp,
    },
    /// None yet: the next reload makes one, which signs 75 seconds later. Until then no tokens are issued (503).
    ToBeMade,
}

/// Why a key cannot be retired.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// No signing key of the tenant has this `kid`.
    #[error("no signing key of this tenant has the kid {0}: `latchkey keys list` shows them")]
    Unknown(String),
    /// The key was retired before.
    #[error("the key {0} was retired already")]
    AlreadyRetired(KeyId),
    /// Latchkey cannot make the next key of a key that KMS holds.
    #[error(
        "the key {0} is held by KMS, and nothing could sign after it: set keys.signer = \"local\" in the tenant document, and retire \
         this one as soon as `latchkey keys list` shows its successor (a minute)"
    )]
    NoNextKey(KeyId),
    /// The table failed.
    #[error("the keys could not be read or written")]
    Store(#[from] StoreError),
}

/// Every signing key of the tenant, by algorithm, oldest first.
///
/// # Errors
/// If the store fails.
pub async fn list(store: &TenantStore, now: Timestamp) -> Result<Vec<ListedKey>, StoreError> {
    Ok(list_with_slots(&store.find_keys().await?, now).into_iter().map(|(key, _)| key).collect())
}

/// Requests the next key of the key that signs with this algorithm (`None`: of each algorithm), ahead of schedule. Like any other
/// key, it is published before it signs.
///
/// # Errors
/// If the store fails.
pub async fn request_rotations(
    store: &TenantStore,
    algorithm: Option<SigningAlgorithm>,
    now: Timestamp,
) -> Result<Vec<(&'static str, RotationRequest)>, StoreError> {
    let stored = store.find_keys().await?;
    let mut requests = Vec::new();
    for each in ALGORITHMS.into_iter().filter(|each| algorithm.is_none_or(|algorithm| algorithm == *each)) {
        let keys: Vec<_> =
            list_with_slots(&stored, now).into_iter().filter(|(key, _)| key.algorithm == algorithm_name(each)).collect();
        if keys.is_empty() {
            continue;
        }
        let find = |state| keys.iter().find(|(key, _)| key.state == state);
        let order = match (find(KeyState::Pending), find(KeyState::Active)) {
            (Some((pending, _)), _) => RotationRequest::Pending { kid: pending.kid.clone(), signs_from: pending.signs_from },
            (None, Some((active, _))) if active.kms_key.is_some() => RotationRequest::HeldByKms { kid: active.kid.clone() },
            (None, Some((active, stored))) => {
                if active.successor_ordered_at.is_some() || store.request_rotation(stored, now).await? {
                    RotationRequest::Ordered { kid: active.kid.clone() }
                } else {
                    RotationRequest::Awaited
                }
            }
            (None, None) => RotationRequest::Awaited,
        };
        requests.push((algorithm_name(each), order));
    }
    Ok(requests)
}

/// The effect that the retirement of a key would have. Writes nothing.
///
/// # Errors
/// Why it cannot be retired.
pub async fn plan_retirement(store: &TenantStore, kid: &str, now: Timestamp) -> Result<Retirement, RetireError> {
    plan(&store.find_keys().await?, kid, now)
}

/// Retires a key. Within one minute it signs nothing, verifies nothing here, and leaves the JWK Set. Other verifiers drop it with
/// their cached copy of the JWK Set. Its private half is deleted, so there is no undo.
///
/// # Errors
/// Why it cannot be retired.
pub async fn retire(store: &TenantStore, kid: &str, now: Timestamp) -> Result<Retirement, RetireError> {
    let stored = store.find_keys().await?;
    let retirement = plan(&stored, kid, now)?;
    // A KMS key that was registered twice is stored in two slots.
    for (_, slot) in list_with_slots(&stored, now).into_iter().filter(|(key, _)| key.kid.as_str() == kid) {
        if matches!(slot.state, StoredKeyState::Ready(_)) && !store.retire_key(slot, now).await? {
            return Err(RetireError::AlreadyRetired(retirement.key.kid));
        }
    }
    Ok(retirement)
}

fn plan(stored: &[StoredKey], kid: &str, now: Timestamp) -> Result<Retirement, RetireError> {
    let keys: Vec<_> = list_with_slots(stored, now).into_iter().map(|(key, _)| key).collect();
    let of_kid = || keys.iter().filter(|key| key.kid.as_str() == kid);
    let key = of_kid().next_back().cloned().ok_or_else(|| RetireError::Unknown(kid.to_owned()))?;
    if of_kid().all(|key| key.retired_at.is_some()) {
        return Err(RetireError::AlreadyRetired(key.kid));
    }
    let signs = of_kid().any(|key| key.state == KeyState::Active);
    let next =
        keys.iter().find(|other| other.algorithm == key.algorithm && other.kid != key.kid && other.state == KeyState::Pending);
    let next_key = match next {
        _ if !signs => NextKey::Unchanged,
        Some(next) => {
            NextKey::TakesOver { kid: next.kid.clone(), signs_from: next.signs_from.min(next.created_at + TAKE_OVER).max(now) }
        }
        None if key.kms_key.is_some() => return Err(RetireError::NoNextKey(key.kid)),
        None => NextKey::ToBeMade,
    };
    Ok(Retirement { key, next_key })
}

/// Each key with its slot.
fn list_with_slots(stored: &[StoredKey], now: Timestamp) -> Vec<(ListedKey, &StoredKey)> {
    let mut keys = Vec::new();
    for algorithm in ALGORITHMS {
        for key_version in key_versions(stored, algorithm, now) {
            if let Some(key) = listed_key(&key_version, algorithm) {
                keys.push((key, key_version.stored));
            }
        }
    }
    keys
}

fn listed_key(key_version: &KeyVersion<'_>, algorithm: SigningAlgorithm) -> Option<ListedKey> {
    let jwk: PublicJwk = serde_json::from_str(key_version.public_jwk?).ok()?;
    let (kms_key, created_at, retired_at, successor_ordered_at) = match &key_version.stored.state {
        StoredKeyState::Claimed { .. } => return None,
        StoredKeyState::Ready(key) => (key.kms_key.clone(), key.created_at, None, key.successor_ordered_at),
        StoredKeyState::Retired(key) => (key.kms_key.clone(), key.created_at, Some(key.retired_at), None),
    };
    Some(ListedKey {
        kid: jwk.thumbprint().parse().ok()?,
        algorithm: algorithm_name(algorithm),
        version: key_version.version,
        state: key_version.status.state,
        kms_key,
        created_at,
        signs_from: key_version.status.signs_from,
        expires_at: key_version.status.expires_at,
        retired_at,
        successor_ordered_at,
    })
}

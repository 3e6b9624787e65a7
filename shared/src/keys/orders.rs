//! What an operator sees of signing keys, and orders: a successor ahead of time, or a retirement in an emergency.
//!
//! Nothing here asks the vault, so an operator needs no permission to use it: an order is a mark in the key's own slot, and the
//! function that looks next acts on it, within a minute.

use super::jwk::{PublicJwk, algorithm_name};
use super::lineage::{Generation, generations};
use super::rotation::{KeyState, TAKE_OVER};
use super::signing::ALGORITHMS;
use crate::domain::id::KeyId;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::time::Timestamp;
use crate::store::keyring::{StoredKey, StoredKeyState};
use crate::store::{StoreError, TenantStore};

/// A signing key, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Its `kid`: the RFC 7638 thumbprint.
    pub kid: KeyId,
    /// `ES256`, `RS256` or `EdDSA`.
    pub algorithm: &'static str,
    /// From 1, for each algorithm.
    pub version: u32,
    /// What it is good for now.
    pub state: KeyState,
    /// The key of KMS that signs; `None` for one that is wrapped in the table.
    pub kms_key: Option<String>,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// From when it signs, or signed.
    pub signs_from: Timestamp,
    /// When it is gone, once there is a successor.
    pub gone_at: Option<Timestamp>,
    /// When an operator retired it.
    pub retired_at: Option<Timestamp>,
    /// When an operator ordered its successor.
    pub successor_ordered_at: Option<Timestamp>,
}

/// What became of the order of a successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationOrder {
    /// Ordered: it is made at the next look, within a minute, and signs twenty minutes after.
    Ordered {
        /// The key that signs until then.
        kid: KeyId,
    },
    /// There is one already; it signs from then on.
    Pending {
        /// Which.
        kid: KeyId,
        /// From when.
        signs_from: Timestamp,
    },
    /// No key signs: a successor is made at the next look in any case.
    Awaited,
    /// The key is KMS's own: another takes its place when the stack, or the tenant's document, names another.
    HeldByKms {
        /// Which.
        kid: KeyId,
    },
}

/// What a retirement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// The key as it stood before.
    pub key: ListedKey,
    /// Who signs then.
    pub successor: Successor,
}

/// Who signs once a key is retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Successor {
    /// As before: the retired key did not sign.
    Unchanged,
    /// A key that is published already.
    TakesOver {
        /// Which.
        kid: KeyId,
        /// From when.
        signs_from: Timestamp,
    },
    /// None yet: one is made at the next look, and signs 75 seconds after. Until then tokens are not issued (503).
    ToBeMade,
}

/// Why a key is not retired.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// No signing key of the tenant has this `kid`.
    #[error("no signing key of this tenant has the kid {0}: `latchkey keys list` shows them")]
    Unknown(String),
    /// It was.
    #[error("the key {0} was retired already")]
    AlreadyRetired(KeyId),
    /// Latchkey can't make the successor of a key that KMS holds.
    #[error(
        "the key {0} is held by KMS, and nothing could sign after it: set keys.signer = \"local\" in the tenant document, and retire \
         this one as soon as `latchkey keys list` shows its successor (a minute)"
    )]
    NoSuccessor(KeyId),
    /// The table.
    #[error("the keys could not be read or written")]
    Store(#[from] StoreError),
}

/// Every signing key of the tenant, by algorithm, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &TenantStore, now: Timestamp) -> Result<Vec<ListedKey>, StoreError> {
    Ok(listed(&store.find_keys().await?, now).into_iter().map(|(key, _)| key).collect())
}

/// Orders a successor for the key that signs with this algorithm (`None`: with each), ahead of its time. It is published first, as
/// any other.
///
/// # Errors
/// When the store fails.
pub async fn rotate_now(
    store: &TenantStore,
    algorithm: Option<SigningAlgorithm>,
    now: Timestamp,
) -> Result<Vec<(&'static str, RotationOrder)>, StoreError> {
    let stored = store.find_keys().await?;
    let mut orders = Vec::new();
    for each in ALGORITHMS.into_iter().filter(|each| algorithm.is_none_or(|algorithm| algorithm == *each)) {
        let keys: Vec<_> = listed(&stored, now).into_iter().filter(|(key, _)| key.algorithm == algorithm_name(each)).collect();
        if keys.is_empty() {
            continue;
        }
        let find = |state| keys.iter().find(|(key, _)| key.state == state);
        let order = match (find(KeyState::Pending), find(KeyState::Active)) {
            (Some((pending, _)), _) => RotationOrder::Pending { kid: pending.kid.clone(), signs_from: pending.signs_from },
            (None, Some((active, _))) if active.kms_key.is_some() => RotationOrder::HeldByKms { kid: active.kid.clone() },
            (None, Some((active, stored))) => {
                if active.successor_ordered_at.is_some() || store.order_successor(stored, now).await? {
                    RotationOrder::Ordered { kid: active.kid.clone() }
                } else {
                    RotationOrder::Awaited
                }
            }
            (None, None) => RotationOrder::Awaited,
        };
        orders.push((algorithm_name(each), order));
    }
    Ok(orders)
}

/// What the retirement of a key would do; writes nothing.
///
/// # Errors
/// Why it can't be retired.
pub async fn plan_retirement(store: &TenantStore, kid: &str, now: Timestamp) -> Result<Retirement, RetireError> {
    planned(&store.find_keys().await?, kid, now)
}

/// Retires a key: within a minute it signs nothing, verifies nothing here and is listed nowhere; whoever verifies elsewhere drops it
/// with its copy of the JWK Set. Its private half is removed, so there is no way back.
///
/// # Errors
/// Why it can't be retired.
pub async fn retire(store: &TenantStore, kid: &str, now: Timestamp) -> Result<Retirement, RetireError> {
    let stored = store.find_keys().await?;
    let retirement = planned(&stored, kid, now)?;
    // A key of KMS that was taken up twice stands in two slots.
    for (_, slot) in listed(&stored, now).into_iter().filter(|(key, _)| key.kid.as_str() == kid) {
        if matches!(slot.state, StoredKeyState::Ready(_)) && !store.retire_key(slot, now).await? {
            return Err(RetireError::AlreadyRetired(retirement.key.kid));
        }
    }
    Ok(retirement)
}

fn planned(stored: &[StoredKey], kid: &str, now: Timestamp) -> Result<Retirement, RetireError> {
    let keys: Vec<_> = listed(stored, now).into_iter().map(|(key, _)| key).collect();
    let of_kid = || keys.iter().filter(|key| key.kid.as_str() == kid);
    let key = of_kid().next_back().cloned().ok_or_else(|| RetireError::Unknown(kid.to_owned()))?;
    if of_kid().all(|key| key.retired_at.is_some()) {
        return Err(RetireError::AlreadyRetired(key.kid));
    }
    let signs = of_kid().any(|key| key.state == KeyState::Active);
    let next =
        keys.iter().find(|other| other.algorithm == key.algorithm && other.kid != key.kid && other.state == KeyState::Pending);
    let successor = match next {
        _ if !signs => Successor::Unchanged,
        Some(next) => Successor::TakesOver {
            kid: next.kid.clone(),
            signs_from: next.signs_from.min(next.created_at + TAKE_OVER).max(now),
        },
        None if key.kms_key.is_some() => return Err(RetireError::NoSuccessor(key.kid)),
        None => Successor::ToBeMade,
    };
    Ok(Retirement { key, successor })
}

/// Each key with its slot.
fn listed(stored: &[StoredKey], now: Timestamp) -> Vec<(ListedKey, &StoredKey)> {
    let mut keys = Vec::new();
    for algorithm in ALGORITHMS {
        for generation in generations(stored, algorithm, now) {
            if let Some(key) = listed_key(&generation, algorithm) {
                keys.push((key, generation.stored));
            }
        }
    }
    keys
}

fn listed_key(generation: &Generation<'_>, algorithm: SigningAlgorithm) -> Option<ListedKey> {
    let jwk: PublicJwk = serde_json::from_str(generation.public_jwk?).ok()?;
    let (kms_key, created_at, retired_at, successor_ordered_at) = match &generation.stored.state {
        StoredKeyState::Claimed { .. } => return None,
        StoredKeyState::Ready(key) => (key.kms_key.clone(), key.created_at, None, key.successor_ordered_at),
        StoredKeyState::Retired(key) => (key.kms_key.clone(), key.created_at, Some(key.retired_at), None),
    };
    Some(ListedKey {
        kid: jwk.thumbprint().parse().ok()?,
        algorithm: algorithm_name(algorithm),
        version: generation.version,
        state: generation.standing.state,
        kms_key,
        created_at,
        signs_from: generation.standing.signs_from,
        gone_at: generation.standing.gone_at,
        retired_at,
        successor_ordered_at,
    })
}

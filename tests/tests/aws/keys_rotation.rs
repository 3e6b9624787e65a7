//! Rotation of signing keys with a virtual clock (security 52, 138; T22): no live token is refused, for any signing instance and
//! any allowed age of a verifier's key set. During a vault outage the current keys stay (T8, security 137).
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::rotation_request::{self, RotationRequest};
use latchkey::keys::{KeyError, KeyVault, Keys};
use latchkey::purpose::Purpose;
use latchkey::store::key::KeySlot;
use latchkey::store::keyring::StoredKeyState;
use serde_json::json;
use std::collections::BTreeSet;
use tests::jwks::PublishedKeys as _;
use tests::jwks::{kid_of, kids_in};
use tests::kms::{FakeKms, Mode};
use tests::store::*;

const ALGORITHM: SigningAlgorithm = SigningAlgorithm::ES256;
/// The lifetime of a token, and how long verifiers cache a key set.
const TOKEN_LIFE: Span = Span::minutes(10);
const JWKS_MAX_AGE: Span = latchkey::keys::JWKS_MAX_AGE;
/// When the first keys are due: a minute late, because their creation took a moment.
const DUE: Timestamp = Timestamp::from_seconds(NOW.seconds() + 90 * 24 * 3600 + 60);

fn keys(vault: &KeyVault) -> Keys {
    Keys::new(vault.clone(), &[Purpose::Signing])
}
async fn sign(keys: &Keys, bench: &Bench, now: Timestamp) -> String {
    let keys = keys.tenant(&bench.store, Signer::Local, now).await.unwrap();
    keys.signing().unwrap().sign(ALGORITHM, "at+jwt", &json!({"at": now.seconds()})).await.unwrap()
}
async fn versions(bench: &Bench, of: SigningAlgorithm) -> Vec<u32> {
    let stored = bench.store.find_keys().await.unwrap();
    let version = |slot: &KeySlot| match slot {
        KeySlot::Signing { algorithm, version } if *algorithm == of => Some(*version),
        KeySlot::Signing { .. } | KeySlot::Keyring { .. } => None,
    };
    stored.iter().filter(|key| matches!(key.state, StoredKeyState::Ready(_))).filter_map(|key| version(&key.slot)).collect()
}

/// An offline verifier with a cached key set.
struct ResourceServer {
    kids: BTreeSet<String>,
    fetched_at: Timestamp,
}

#[tokio::test]
async fn security_52_tokens_verify_during_a_rotation_with_the_oldest_allowed_key_set() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let instances = [keys(&vault), keys(&vault), keys(&vault)];
    let first = sign(&instances[0], &bench, NOW).await;
    let (mut servers, mut alive, mut signed_with) =
        (Vec::<ResourceServer>::new(), Vec::<(Timestamp, String)>::new(), Vec::new());
    let mut now = DUE - Span::minutes(20);
    while now < DUE + Span::minutes(60) {
        for (index, instance) in instances.iter().enumerate() {
            // The clocks of the instances differ by a minute.
            let clock = now + Span::seconds(60 * i64::try_from(index).unwrap());
            let token = sign(instance, &bench, clock).await;
            if signed_with.last() != Some(&kid_of(&token)) {
                signed_with.push(kid_of(&token));
            }
            // One verifier for each minute, with a key set of this instance that it caches as long as allowed.
            let jwks = instance.tenant(&bench.store, Signer::Local, clock).await.unwrap().signing().unwrap().jwks();
            servers.push(ResourceServer { kids: kids_in(&jwks), fetched_at: now });
            alive.push((now, token));
        }
        servers.retain(|server| now.since(server.fetched_at) < JWKS_MAX_AGE);
        alive.retain(|(at, _)| now.since(*at) < TOKEN_LIFE);
        for (signed_at, token) in &alive {
            for server in &servers {
                assert!(server.kids.contains(&kid_of(token)), "a live token is unknown to a key set of {}", server.fetched_at);
            }
            // Our own verification: new tokens, and those in their last minute.
            let extreme = *signed_at == now || now.since(*signed_at) >= Span::minutes(9);
            for instance in instances.iter().filter(|_| extreme) {
                let keys = instance.tenant(&bench.store, Signer::Local, now).await.unwrap();
                assert!(keys.signing().unwrap().verify("at+jwt", token).is_some());
            }
        }
        now = now + Span::minutes(1);
    }
    signed_with.dedup();
    let kinds: BTreeSet<_> = signed_with.iter().collect();
    assert_eq!(kinds.len(), 2, "the key changed once");
    assert_ne!(kid_of(&first), *signed_with.last().unwrap());
    assert_eq!(versions(&bench, ALGORITHM).await, [1, 2]);
}

#[tokio::test]
async fn security_52_a_superseded_key_verifies_for_a_day_and_is_then_removed() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let old = sign(&keys, &bench, NOW).await;
    keys.tenant(&bench.store, Signer::Local, DUE).await.unwrap();
    let superseded = DUE + Span::minutes(20);
    for (now, known) in [
        (DUE, true),
        (superseded, true),
        (superseded + Span::minutes(10), true),
        (superseded + Span::hours(23), true),
        (superseded + Span::hours(24), false),
        (superseded + Span::days(80), false),
    ] {
        let loaded = keys.tenant(&bench.store, Signer::Local, now).await.unwrap();
        assert_eq!(loaded.signing().unwrap().verify("at+jwt", &old).is_some(), known, "at {now}");
        assert!(loaded.signing().unwrap().verify_hint("at+jwt", &old).is_some(), "a hint, at {now}");
        assert_eq!(kids_in(&loaded.signing().unwrap().jwks()).contains(&kid_of(&old)), known, "at {now}");
    }
    // No session lives longer than a year.
    let end = superseded + Span::hours(24) + Span::days(365);
    for (now, known) in [(end - Span::minutes(1), true), (end, false)] {
        let loaded = keys.tenant(&bench.store, Signer::Local, now).await.unwrap();
        assert_eq!(loaded.signing().unwrap().verify_hint("at+jwt", &old).is_some(), known, "at {now}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_instances_create_one_next_key() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let instances: Vec<_> = (0..20).map(|_| keys(&vault)).collect();
    for instance in &instances {
        instance.tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    }
    let mut looks = tokio::task::JoinSet::new();
    for instance in &instances {
        let (instance, store) = (instance.clone(), bench.store.clone());
        looks.spawn(async move { instance.tenant(&store, Signer::Local, NOW + Span::days(91)).await.map(|_| ()) });
    }
    assert!(looks.join_all().await.into_iter().all(|look| look.is_ok()));
    for algorithm in [SigningAlgorithm::ES256, SigningAlgorithm::RS256, SigningAlgorithm::EdDSA] {
        assert_eq!(versions(&bench, algorithm).await, [1, 2], "{algorithm:?}");
    }
    // One wrap for each created key.
    assert_eq!(vault.calls(), 6);
}

#[tokio::test]
async fn security_138_an_early_rotation_publishes_first_and_happens_once() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let old = sign(&keys, &bench, NOW).await;
    let early = NOW + Span::days(1);
    let ordered = RotationRequest::Ordered { kid: kid_of(&old).parse().unwrap() };
    assert_eq!(rotation_request::request_rotations(&bench.store, Some(ALGORITHM), early).await.unwrap(), [("ES256", ordered)]);
    assert_eq!(versions(&bench, ALGORITHM).await, [1], "an operator creates no keys");
    assert_eq!(rotation_request::request_rotations(&bench.store, None, early).await.unwrap().len(), 3);
    keys.tenant(&bench.store, Signer::Local, early).await.unwrap();
    let again = rotation_request::request_rotations(&bench.store, Some(ALGORITHM), early + Span::minutes(1)).await.unwrap();
    assert!(matches!(again[..], [("ES256", RotationRequest::Pending { .. })]), "{again:?}");
    keys.tenant(&bench.store, Signer::Local, early + Span::minutes(1)).await.unwrap();
    assert_eq!(versions(&bench, ALGORITHM).await, [1, 2]);
    let published = keys.tenant(&bench.store, Signer::Local, early + Span::minutes(1)).await.unwrap();
    assert_eq!(kids_in(&published.signing().unwrap().jwks()).len(), 6, "published at once");
    assert_eq!(kid_of(&sign(&keys, &bench, early + Span::minutes(19)).await), kid_of(&old), "not used yet");
    let new = sign(&keys, &bench, early + Span::minutes(21)).await;
    assert_ne!(kid_of(&new), kid_of(&old));
    assert!(published.signing().unwrap().verify("at+jwt", &new).is_some());
}

/// A stack with few visitors meets each of them with a cold start: it must rotate then, and request nothing twice.
#[tokio::test]
async fn security_138_a_cold_start_performs_a_requested_or_due_rotation() {
    let bench = Bench::new().await;
    let kms = FakeKms::up();
    let first = sign(&keys(&kms.vault()), &bench, NOW).await;
    rotation_request::request_rotations(&bench.store, Some(ALGORITHM), NOW + Span::minutes(1)).await.unwrap();
    let cold = |vault: KeyVault| Keys::new(vault, &[Purpose::Data, Purpose::Signing]);
    // The first user of the data keyring creates it.
    cold(kms.vault()).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    for (at, made) in [(NOW + Span::minutes(2), 2), (DUE + Span::days(1), 3)] {
        let keys = cold(kms.vault());
        drop(bench.meter.take());
        let before = kms.answered_to("Decrypt");
        keys.open(&bench.store, at).await.unwrap();
        keys.open(&bench.store, at).await.unwrap();
        keys.tenant(&bench.store, Signer::Local, at + Span::millis(20)).await.unwrap();
        assert_eq!(versions(&bench, ALGORITHM).await.len(), made, "at {at}");
        assert_eq!(kms.answered_to("Decrypt") - before, 1, "the keyring, once");
    }
    assert_ne!(kid_of(&sign(&keys(&kms.vault()), &bench, DUE + Span::days(2)).await), kid_of(&first));
    // Nothing is due: one query for both.
    let keys = cold(kms.vault());
    drop(bench.meter.take());
    let at = DUE + Span::days(2);
    keys.open(&bench.store, at).await.unwrap();
    keys.tenant(&bench.store, Signer::Local, at).await.unwrap();
    assert_eq!(bench.meter.take_cost().requests, 1);
}

#[tokio::test]
async fn a_vault_failure_at_a_due_rotation_keeps_the_current_key() {
    for mode in [Mode::Down, Mode::Throttled, Mode::Disabled] {
        let bench = Bench::new().await;
        let kms = FakeKms::up();
        let keys = keys(&kms.vault());
        let before = sign(&keys, &bench, NOW).await;
        kms.set(mode);
        assert_eq!(kid_of(&sign(&keys, &bench, DUE).await), kid_of(&before), "{mode:?}");
        kms.set(Mode::Up);
        // The lease of the failed try has ended, and the next read is due.
        let later = DUE + Span::minutes(2);
        keys.tenant(&bench.store, Signer::Local, later).await.unwrap();
        assert_eq!(versions(&bench, ALGORITHM).await, [1, 2]);
        assert_ne!(kid_of(&sign(&keys, &bench, later + Span::minutes(20)).await), kid_of(&before));
    }
}

#[tokio::test]
async fn security_137_without_the_vault_a_new_instance_lists_and_verifies_and_does_not_sign() {
    let bench = Bench::new().await;
    let kms = FakeKms::up();
    let token = sign(&keys(&kms.vault()), &bench, NOW).await;
    for (mode, passing) in [(Mode::Down, true), (Mode::Throttled, true), (Mode::Disabled, false)] {
        kms.set(mode);
        let fresh = keys(&kms.vault()).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
        let signing = fresh.signing().unwrap();
        assert!(signing.verify("at+jwt", &token).is_some());
        assert!(kids_in(&signing.jwks()).contains(&kid_of(&token)));
        let refused = signing.sign(ALGORITHM, "at+jwt", &json!({})).await.unwrap_err();
        assert_eq!(matches!(refused, KeyError::VaultUnavailable(_)), passing, "{mode:?}: {refused:?}");
        kms.set(Mode::Up);
        assert!(signing.sign(ALGORITHM, "at+jwt", &json!({})).await.is_ok(), "the same instance signs once the vault is back");
    }
}

#[tokio::test]
async fn kms_is_called_once_for_each_new_key_and_once_for_each_keyring_at_a_cold_start() {
    let bench = Bench::new().await;
    let kms = FakeKms::up();
    let purposes = [Purpose::Locator, Purpose::Refresh, Purpose::Signing];
    let first = Keys::new(kms.vault(), &purposes);
    first.tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    assert_eq!(kms.answered(), 5 + 2, "five keys wrapped, two keyrings unwrapped");
    let cold = Keys::new(kms.vault(), &purposes);
    let loaded = cold.tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    assert_eq!(kms.answered(), 7 + 2);
    for _ in 0..3 {
        loaded.signing().unwrap().sign(ALGORITHM, "at+jwt", &json!({})).await.unwrap();
    }
    assert_eq!(kms.answered(), 9 + 1, "one more for the algorithm that signed");
}

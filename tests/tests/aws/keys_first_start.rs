//! The first start of a tenant: any number of concurrent instances create each key once (T18). Lost replies, crashes and vault
//! failures leave exactly one key.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::id::{AccountId, FlowId};
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::Span;
use latchkey::keys::locator::FlowLocator;
use latchkey::keys::{KeyError, KeyVault, Keys, TenantKeys};
use latchkey::purpose::Purpose;
use latchkey::store::keyring::StoredKeyState;
use latchkey_local::fault::{Calls, Fault, Trigger};
use std::sync::Arc;
use std::time::Duration;
use tests::jwks::PublishedKeys as _;
use tests::store::*;

const ALL: [Purpose; 6] =
    [Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator, Purpose::Refresh, Purpose::Signing];
/// Keyrings, and one signing key for each algorithm.
const KEYRINGS: u64 = 5;
const SIGNING_KEYS: u64 = 3;

/// The values that two instances of one service must share.
fn fingerprint(keys: &TenantKeys) -> (String, String, String, String) {
    let locator = FlowLocator { account: AccountId::from_bytes([1; 16]), flow: FlowId::from_bytes([2; 16]) };
    let secret = latchkey::domain::secret::Secret256::from_bytes([3; 32]);
    let child = keys.refresh().unwrap().child(1, latchkey::domain::id::GrantId::from_bytes([4; 16]), 1, &secret).unwrap();
    (
        keys.signing().unwrap().jwks(),
        keys.locator().unwrap().flow_id(&locator),
        keys.identifier().unwrap().hash_address([192, 0, 2, 1].into()),
        format!("{:?}", child.expose()),
    )
}

async fn made(bench: &Bench) -> usize {
    let stored = bench.store.find_keys().await.unwrap();
    stored.iter().filter(|key| matches!(key.state, StoredKeyState::Ready(_))).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_starts_create_each_key_once() {
    const INSTANCES: u64 = 200;
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..INSTANCES {
        let (keys, store) = (Keys::new(vault.clone(), &ALL), bench.store.clone());
        starts.spawn(async move { keys.tenant(&store, Signer::Local, NOW).await.map(|keys| fingerprint(&keys)) });
    }
    let seen: Vec<_> = starts.join_all().await.into_iter().map(Result::unwrap).collect();
    assert!(seen.iter().all(|one| *one == seen[0]), "every instance has the same keys");
    // One wrap for each key. Each instance unwraps each keyring once, and no signing key before it signs.
    assert_eq!(vault.calls(), KEYRINGS + SIGNING_KEYS + INSTANCES * KEYRINGS);
    assert_eq!(made(&bench).await as u64, KEYRINGS + SIGNING_KEYS);
}

#[tokio::test]
async fn one_instance_loads_its_keys_once_however_many_requests_wait() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let keys = Keys::new(vault.clone(), &ALL);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (keys, store) = (keys.clone(), bench.store.clone());
        requests.spawn(async move { keys.tenant(&store, Signer::Local, NOW).await.map(|_| ()) });
    }
    assert!(requests.join_all().await.into_iter().all(|result| result.is_ok()));
    assert_eq!(vault.calls(), KEYRINGS + SIGNING_KEYS + KEYRINGS);
    drop(bench.meter.take());
    keys.tenant(&bench.store, Signer::Local, NOW + Span::seconds(59)).await.unwrap();
    assert!(bench.meter.take().is_empty(), "cached: no call on the request path");
}

#[tokio::test]
async fn a_function_gets_its_declared_keys_and_creates_no_others() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let keys = Keys::new(vault.clone(), &[Purpose::Locator]).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    assert!(keys.locator().is_ok());
    assert!(matches!(keys.data().err(), Some(KeyError::NotGranted(Purpose::Data))));
    assert!(matches!(keys.identifier().err(), Some(KeyError::NotGranted(Purpose::Identifier))));
    assert!(matches!(keys.proof().err(), Some(KeyError::NotGranted(Purpose::Proof))));
    assert!(matches!(keys.refresh().err(), Some(KeyError::NotGranted(Purpose::Refresh))));
    assert!(matches!(keys.signing().err(), Some(KeyError::NotGranted(Purpose::Signing))));
    assert_eq!((vault.calls(), made(&bench).await), (2, 1));
}

#[tokio::test]
async fn each_tenant_has_its_own_keys() {
    let bench = Bench::new().await;
    let keys = Keys::new(KeyVault::ephemeral(), &ALL);
    let other = bench.all.tenant("other".parse().unwrap());
    let (mine, others) =
        (keys.tenant(&bench.store, Signer::Local, NOW).await.unwrap(), keys.tenant(&other, Signer::Local, NOW).await.unwrap());
    assert_ne!(fingerprint(&mine), fingerprint(&others));
    let token = mine.signing().unwrap().sign(SigningAlgorithm::ES256, "at+jwt", &()).await.unwrap();
    assert!(others.signing().unwrap().verify("at+jwt", &token).is_none());
}

/// security 135: if any write of a first start loses its reply, the instance continues with the key that it made.
#[tokio::test]
async fn a_lost_reply_creates_no_second_key() {
    for lost in 1..=2 * (KEYRINGS + SIGNING_KEYS) {
        let bench = Bench::new().await;
        bench.faults.add(Calls::Writes, Trigger::Nth(lost), Fault::TimeoutAfter);
        let vault = KeyVault::ephemeral();
        let keys = Keys::new(vault.clone(), &ALL).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
        assert_eq!(bench.faults.injected(), 1);
        assert_eq!(vault.calls(), KEYRINGS + SIGNING_KEYS + KEYRINGS, "at write {lost}");
        let again = Keys::new(vault, &ALL).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
        assert_eq!(fingerprint(&keys), fingerprint(&again));
    }
}

/// A dead holder blocks the slot only until its lease ends. Two holders of the lease still create one key.
#[tokio::test]
async fn a_slot_is_claimed_after_the_lease_of_a_dead_holder() {
    for (fault, nth) in [(Fault::CrashAfter, 1), (Fault::CrashBefore, 2), (Fault::CrashAfter, 2)] {
        let bench = Bench::new().await;
        bench.faults.add(Calls::Writes, Trigger::Nth(nth), fault);
        let vault = KeyVault::ephemeral();
        let dying = Keys::new(vault.clone(), &ALL);
        tokio::select! {
            result = dying.tenant(&bench.store, Signer::Local, NOW) => panic!("lived: {:?}", result.err()),
            () = bench.faults.crashed() => {}
        }
        bench.faults.clear();
        let keys = Keys::new(vault.clone(), &ALL).tenant(&bench.store, Signer::Local, NOW + Span::seconds(10)).await.unwrap();
        assert_eq!(made(&bench).await as u64, KEYRINGS + SIGNING_KEYS);
        let again = Keys::new(vault, &ALL).tenant(&bench.store, Signer::Local, NOW + Span::seconds(10)).await.unwrap();
        assert_eq!(fingerprint(&keys), fingerprint(&again));
    }
}

#[tokio::test]
async fn during_a_lease_others_wait_and_use_the_holders_key() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    // The holder's second write (which completes its first slot) is slow. The other instance runs in between.
    bench.faults.add(Calls::Writes, Trigger::Nth(2), Fault::Slow(Duration::from_millis(300)));
    let (holder, other) = (Keys::new(vault.clone(), &ALL), Keys::new(vault.clone(), &ALL));
    let (one, two) = tokio::join!(holder.tenant(&bench.store, Signer::Local, NOW), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.tenant(&bench.store, Signer::Local, NOW).await
    });
    assert_eq!(fingerprint(&one.unwrap()), fingerprint(&two.unwrap()));
    assert_eq!(vault.calls(), KEYRINGS + SIGNING_KEYS + 2 * KEYRINGS);
}

#[tokio::test]
async fn a_table_failure_is_an_error_and_the_next_request_retries() {
    let bench = Bench::new().await;
    let keys = Keys::new(KeyVault::ephemeral(), &ALL);
    bench.faults.add(Calls::Any, Trigger::Always, Fault::Throttle);
    assert!(matches!(keys.tenant(&bench.store, Signer::Local, NOW).await.err(), Some(KeyError::Store(_))));
    bench.faults.clear();
    assert!(keys.tenant(&bench.store, Signer::Local, NOW).await.is_ok());
}

/// T8: loaded keys work during an outage of the table.
#[tokio::test]
async fn loaded_keys_work_during_a_table_outage() {
    let bench = Bench::new().await;
    let keys = Keys::new(KeyVault::ephemeral(), &ALL);
    let loaded: Arc<TenantKeys> = keys.tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    bench.faults.add(Calls::Any, Trigger::Always, Fault::Throttle);
    let later = keys.tenant(&bench.store, Signer::Local, NOW + Span::hours(1)).await.unwrap();
    assert!(bench.faults.injected() > 0, "the table was read again");
    assert_eq!(fingerprint(&loaded), fingerprint(&later));
}

#[tokio::test]
async fn another_vault_refuses_the_keys_and_creates_none() {
    let bench = Bench::new().await;
    Keys::new(KeyVault::ephemeral(), &ALL).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    let stranger = Keys::new(KeyVault::ephemeral(), &ALL).tenant(&bench.store, Signer::Local, NOW).await.unwrap();
    assert!(matches!(stranger.locator().err(), Some(KeyError::VaultRefused(_))));
    assert!(matches!(stranger.data().err(), Some(KeyError::VaultRefused(_))));
    assert!(stranger.signing().unwrap().sign(SigningAlgorithm::ES256, "at+jwt", &()).await.is_err());
    assert_eq!(made(&bench).await as u64, KEYRINGS + SIGNING_KEYS);
}

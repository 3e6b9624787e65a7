//! Emergency retirement of signing keys, and the drill (security 138; T22), with a virtual clock. A retired key is unusable
//! within a minute, a new key is published before it signs, and an operator makes no call to the vault.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::rotation_request::{self, NextKey, RetireError};
use latchkey::keys::{JWKS_MAX_AGE, KeyError, KeyState, KeyVault, Keys};
use latchkey::purpose::Purpose;
use latchkey::store::key::KeySlot;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tests::jwks::PublishedKeys as _;
use tests::jwks::{kid_of, kids_in, verify_with};
use tests::kms::{FakeKms, Mode};
use tests::store::*;

const ALGORITHM: SigningAlgorithm = SigningAlgorithm::ES256;
/// How long an instance uses its keys before it reads them again.
const REFRESH_INTERVAL: Span = Span::seconds(60);
/// From the creation of the next key to its first signature, in an emergency.
const EMERGENCY_DELAY: Span = Span::seconds(75);

fn keys(vault: &KeyVault) -> Keys {
    Keys::new(vault.clone(), &[Purpose::Signing])
}
async fn sign(keys: &Keys, bench: &Bench, now: Timestamp) -> Result<String, KeyError> {
    let keys = keys.tenant(&bench.store, Signer::Local, now).await.unwrap();
    keys.signing().unwrap().sign(ALGORITHM, "at+jwt", &json!({"at": now.seconds()})).await
}
async fn jwks(keys: &Keys, bench: &Bench, now: Timestamp) -> String {
    keys.tenant(&bench.store, Signer::Local, now).await.unwrap().signing().unwrap().jwks()
}
async fn verifies(keys: &Keys, bench: &Bench, token: &str, now: Timestamp) -> bool {
    let keys = keys.tenant(&bench.store, Signer::Local, now).await.unwrap();
    keys.signing().unwrap().verify("at+jwt", token).is_some()
}

/// The drill of docs/keys.md: publish, use, retire the old key. No live token of a good key is refused.
#[tokio::test]
async fn security_138_the_drill_rotates_and_retires_while_tokens_verify_throughout() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let (here, there) = (keys(&vault), keys(&vault));
    let old = sign(&here, &bench, NOW).await.unwrap();
    let calls = vault.calls();
    rotation_request::request_rotations(&bench.store, Some(ALGORITHM), NOW).await.unwrap();
    assert_eq!(vault.calls(), calls, "an operator makes no call to the vault");
    let (mut now, mut new) = (NOW, None);
    while now < NOW + Span::minutes(40) {
        for instance in [&here, &there] {
            let token = sign(instance, &bench, now).await.unwrap();
            // A key set fetched up to fifteen minutes ago contains the key: it was published before its use.
            for verifier in [&here, &there] {
                assert!(verifies(verifier, &bench, &token, now).await);
            }
            if kid_of(&token) != kid_of(&old) {
                new.get_or_insert((now, token));
            }
        }
        assert!(verifies(&there, &bench, &old, now).await, "superseded, not retired");
        now = now + Span::seconds(30);
    }
    let (used_from, new) = new.unwrap();
    assert!(used_from >= NOW + Span::minutes(20), "published first");
    let plan = rotation_request::plan_retirement(&bench.store, &kid_of(&old), now).await.unwrap();
    assert_eq!((plan.key.state, &plan.next_key), (KeyState::Retiring, &NextKey::Unchanged));
    assert_eq!(rotation_request::retire(&bench.store, &kid_of(&old), now).await.unwrap(), plan);
    let later = now + REFRESH_INTERVAL;
    for instance in [&here, &there, &keys(&vault)] {
        assert!(!verifies(instance, &bench, &old, later).await);
        let loaded = instance.tenant(&bench.store, Signer::Local, later).await.unwrap();
        assert!(loaded.signing().unwrap().verify_hint("at+jwt", &old).is_none(), "a stolen key names no user");
        assert!(verifies(instance, &bench, &new, later).await);
        assert!(!kids_in(&jwks(instance, &bench, later).await).contains(&kid_of(&old)));
        assert_eq!(kid_of(&sign(instance, &bench, later).await.unwrap()), kid_of(&new));
    }
}

#[tokio::test]
async fn security_138_the_active_key_is_retired_and_the_next_one_signs_when_every_instance_lists_it() {
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let instances = [keys(&vault), keys(&vault), keys(&vault)];
    let mut stolen = String::new();
    for (index, instance) in instances.iter().enumerate() {
        // The instances read the keys at different seconds.
        let started = NOW + Span::seconds(20 * i64::try_from(index).unwrap());
        stolen = sign(instance, &bench, started).await.unwrap();
    }
    let retired_at = NOW + Span::seconds(45);
    let retirement = rotation_request::retire(&bench.store, &kid_of(&stolen), retired_at).await.unwrap();
    assert_eq!((retirement.key.state, retirement.next_key), (KeyState::Active, NextKey::ToBeMade));
    let (mut listed, mut signs, mut gap) = (BTreeMap::new(), BTreeMap::new(), 0);
    for second in 0..240 {
        let now = retired_at + Span::seconds(second);
        for (index, instance) in instances.iter().enumerate() {
            let set = kids_in(&jwks(instance, &bench, now).await);
            let known = set.contains(&kid_of(&stolen));
            assert_eq!(verifies(instance, &bench, &stolen, now).await, known);
            assert!(!known || second < 60, "within a minute");
            match sign(instance, &bench, now).await {
                Ok(token) if kid_of(&token) == kid_of(&stolen) => assert!(known),
                Ok(token) => {
                    signs.entry(index).or_insert(second);
                    // Every instance lists it. So a verifier that meets it and fetches again finds it.
                    for other in &instances {
                        assert!(kids_in(&jwks(other, &bench, now).await).contains(&kid_of(&token)));
                        assert!(verifies(other, &bench, &token, now).await);
                    }
                }
                Err(error) => {
                    assert!(matches!(error, KeyError::NoActiveKey("ES256")), "{error:?}");
                    gap += 1;
                }
            }
            if set.len() == 3 && !known {
                listed.entry(index).or_insert(second);
            }
        }
    }
    assert!(listed.len() == 3 && listed.values().all(|second| *second < 60), "{listed:?}");
    assert!(signs.len() == 3 && signs.values().all(|second| (75..=140).contains(second)), "{signs:?}");
    assert!(gap > 0, "for a minute no token is signed");
    let stored = rotation_request::list(&bench.store, retired_at + Span::minutes(5)).await.unwrap();
    let es256: Vec<_> = stored.iter().filter(|key| key.algorithm == "ES256").map(|key| (key.version, key.state)).collect();
    assert_eq!(es256, [(1, KeyState::Gone), (2, KeyState::Active)], "one next key");
}

#[tokio::test]
async fn security_138_a_published_next_key_signs_without_delay() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let old = sign(&keys, &bench, NOW).await.unwrap();
    rotation_request::request_rotations(&bench.store, Some(ALGORITHM), NOW).await.unwrap();
    let made = NOW + REFRESH_INTERVAL;
    sign(&keys, &bench, made).await.unwrap();
    let now = made + EMERGENCY_DELAY;
    let retirement = rotation_request::retire(&bench.store, &kid_of(&old), now).await.unwrap();
    let NextKey::TakesOver { kid, signs_from } = retirement.next_key else { panic!("{:?}", retirement.next_key) };
    assert_eq!(signs_from, now);
    let token = sign(&keys, &bench, now + REFRESH_INTERVAL).await.unwrap();
    assert_eq!(kid_of(&token), kid.as_str());
}

#[tokio::test]
async fn a_next_key_retired_before_it_signs_is_replaced() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let first = sign(&keys, &bench, NOW).await.unwrap();
    rotation_request::request_rotations(&bench.store, Some(ALGORITHM), NOW).await.unwrap();
    let now = NOW + REFRESH_INTERVAL;
    sign(&keys, &bench, now).await.unwrap();
    let pending = rotation_request::list(&bench.store, now)
        .await
        .unwrap()
        .into_iter()
        .find(|key| key.state == KeyState::Pending)
        .unwrap();
    let retirement = rotation_request::retire(&bench.store, pending.kid.as_str(), now).await.unwrap();
    assert_eq!((retirement.key.state, retirement.next_key), (KeyState::Pending, NextKey::Unchanged));
    for minute in 1..60 {
        let now = now + Span::minutes(minute);
        let token = sign(&keys, &bench, now).await.unwrap();
        assert_ne!(kid_of(&token), pending.kid.as_str());
        assert_eq!(
            kid_of(&token) == kid_of(&first),
            minute < 21,
            "the request is still open: a third key, published as usual ({minute})"
        );
    }
}

#[tokio::test]
async fn a_vault_outage_does_not_keep_a_retired_key_alive() {
    for mode in [Mode::Down, Mode::Throttled, Mode::Disabled] {
        let bench = Bench::new().await;
        let kms = FakeKms::up();
        let keys = keys(&kms.vault());
        let stolen = sign(&keys, &bench, NOW).await.unwrap();
        kms.set(mode);
        rotation_request::retire(&bench.store, &kid_of(&stolen), NOW).await.unwrap();
        let now = NOW + REFRESH_INTERVAL;
        assert!(matches!(sign(&keys, &bench, now).await, Err(KeyError::NoActiveKey("ES256"))), "{mode:?}");
        assert!(!verifies(&keys, &bench, &stolen, now).await, "{mode:?}");
        assert_eq!(kids_in(&jwks(&keys, &bench, now).await).len(), 2, "{mode:?}: the other algorithms are still listed");
        kms.set(Mode::Up);
        // The lease of the failed try, the next read, and the wait of an emergency.
        let later = now + Span::seconds(15);
        assert!(sign(&keys, &bench, later).await.is_err());
        let token = sign(&keys, &bench, later + EMERGENCY_DELAY).await.unwrap();
        assert!(verifies(&keys, &bench, &token, later + EMERGENCY_DELAY).await, "{mode:?}");
    }
}

#[tokio::test]
async fn a_refused_retirement_has_a_reason_and_a_lost_reply_is_recognized() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let token = sign(&keys, &bench, NOW).await.unwrap();
    let kid = kid_of(&token);
    let unknown = rotation_request::retire(&bench.store, "no-such-key", NOW).await.unwrap_err();
    assert!(matches!(&unknown, RetireError::Unknown(kid) if kid == "no-such-key"));
    let planned = rotation_request::plan_retirement(&bench.store, &kid, NOW).await.unwrap();
    assert!(sign(&keys, &bench, NOW + REFRESH_INTERVAL).await.is_ok(), "a plan writes nothing");
    bench.faults.add(Calls::Writes, Trigger::Nth(1), Fault::TimeoutAfter);
    assert_eq!(rotation_request::retire(&bench.store, &kid, NOW + REFRESH_INTERVAL).await.unwrap().next_key, planned.next_key);
    assert_eq!(bench.faults.injected(), 1);
    bench.faults.clear();
    let again = rotation_request::retire(&bench.store, &kid, NOW + REFRESH_INTERVAL).await.unwrap_err();
    assert!(matches!(&again, RetireError::AlreadyRetired(retired) if retired.as_str() == kid));
    // A rotation request for a key that was retired meanwhile does not revive it.
    let requests = rotation_request::request_rotations(&bench.store, Some(ALGORITHM), NOW + REFRESH_INTERVAL).await.unwrap();
    assert_eq!(requests, [("ES256", rotation_request::RotationRequest::Awaited)]);
}

#[tokio::test]
async fn a_rotation_request_does_not_revive_a_retired_key() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let kid = kid_of(&sign(&keys, &bench, NOW).await.unwrap());
    let read = bench.store.find_keys().await.unwrap();
    rotation_request::retire(&bench.store, &kid, NOW).await.unwrap();
    for key in &read {
        let is_it = matches!(key.slot, KeySlot::Signing { algorithm: ALGORITHM, .. });
        assert_eq!(bench.store.request_rotation(key, NOW + Span::seconds(1)).await.unwrap(), !is_it);
        assert!(!bench.store.claim_key(key.slot, "another", NOW + Span::days(1), Span::seconds(10)).await.unwrap());
    }
    let listed = rotation_request::list(&bench.store, NOW).await.unwrap();
    assert_eq!(listed.iter().find(|key| key.kid.as_str() == kid).unwrap().retired_at, Some(NOW));
}

#[tokio::test]
async fn a_retired_key_has_no_private_key_in_storage() {
    let bench = Bench::new().await;
    let keys = keys(&KeyVault::ephemeral());
    let kid = kid_of(&sign(&keys, &bench, NOW).await.unwrap());
    let item = async || {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let client = latchkey_local::engine::client(bench.engine.connector());
        let request = client.get_item().table_name("identities");
        let request = request.key("pk", key("T#default")).key("sk", key("KEY#signing.ES256#0000000001"));
        format!("{:?}", request.send().await.unwrap().item.unwrap())
    };
    assert!(item().await.contains("\"wrapped\""));
    rotation_request::retire(&bench.store, &kid, NOW).await.unwrap();
    let left = item().await;
    assert!(left.contains("retired") && left.contains("public_jwk") && !left.contains("wrapped"), "{left}");
}

/// An offline verifier: it caches the key set for as long as allowed, and fetches it again when it meets an unknown key
/// (OpenID Connect Core §10.1.1).
struct ResourceServer {
    keys: jsonwebtoken::jwk::JwkSet,
    fetched_at: Timestamp,
}

impl ResourceServer {
    fn fetch(jwks: &str, now: Timestamp) -> Self {
        Self { keys: serde_json::from_str(jwks).unwrap(), fetched_at: now }
    }
    async fn verifies(&mut self, token: &str, from: &Keys, bench: &Bench, now: Timestamp) -> bool {
        let unknown = self.keys.find(&kid_of(token)).is_none();
        if unknown || now.since(self.fetched_at) >= JWKS_MAX_AGE {
            *self = Self::fetch(&jwks(from, bench, now).await, now);
        }
        verify_with(&self.keys, token).is_some()
    }
}

/// T22: an operator requests a rotation every two seconds, and sometimes retires the active key. Instances read their keys at
/// different seconds, sign, and verify, and so do others. `LATCHKEY_T22=full` makes it 100,000 verifications.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a variable sets the size")]
async fn security_138_rotation_under_load_refuses_no_valid_token_and_accepts_no_retired_one() {
    const TOKEN_LIFE: Span = Span::minutes(10);
    let verifications = if std::env::var("LATCHKEY_T22").is_ok_and(|size| size == "full") { 100_000 } else { 20_000 };
    let bench = Bench::new().await;
    let vault = KeyVault::ephemeral();
    let instances: Vec<_> = (0..4).map(|_| keys(&vault)).collect();
    let mut servers = Vec::new();
    for (index, instance) in instances.iter().enumerate() {
        let now = NOW + Span::seconds(15 * i64::try_from(index).unwrap());
        servers.push(ResourceServer::fetch(&jwks(instance, &bench, now).await, now));
    }
    let mut retired: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut alive: Vec<(Timestamp, String)> = Vec::new();
    let (mut seen, mut not_signed) = (BTreeSet::new(), 0);
    let (mut wrong, mut done, mut accepted, mut refused) = (Vec::new(), 0, 0, 0);
    let mut tick: i64 = 0;
    while done < verifications {
        tick += 1;
        let now = NOW + Span::minutes(1) + Span::seconds(2 * tick);
        let turn = usize::try_from(tick).unwrap();
        rotation_request::request_rotations(&bench.store, Some(ALGORITHM), now).await.unwrap();
        if tick % 1_600 == 0 {
            // An emergency every 53 minutes: alternately with a published next key, and with that key retired too.
            let both = tick % 3_200 == 0;
            for key in rotation_request::list(&bench.store, now).await.unwrap() {
                if key.algorithm == "ES256" && (key.state == KeyState::Active || (both && key.state == KeyState::Pending)) {
                    rotation_request::retire(&bench.store, key.kid.as_str(), now).await.unwrap();
                    retired.insert(key.kid.to_string(), now);
                }
            }
        }
        match sign(&instances[turn % 4], &bench, now).await {
            Ok(token) => {
                seen.insert(kid_of(&token));
                alive.push((now, token));
            }
            Err(_) => not_signed += 1,
        }
        alive.retain(|(signed_at, _)| now.since(*signed_at) < Span::minutes(30));
        let pick = if turn % 2 == 0 { alive.len().saturating_sub(1) } else { turn * 31 % alive.len().max(1) };
        if let Some((signed_at, token)) = alive.get(pick) {
            let is_alive = now.since(*signed_at) < TOKEN_LIFE;
            for (index, instance) in instances.iter().enumerate().filter(|(index, _)| index % 2 == turn / 2 % 2) {
                let here = verifies(instance, &bench, token, now).await;
                let there = servers[index].verifies(token, instance, &bench, now).await;
                done += 2;
                accepted += u32::from(here) + u32::from(there);
                match retired.get(&kid_of(token)) {
                    None if is_alive && !(here && there) => wrong.push(format!("a valid token is refused at {now}")),
                    Some(at) if here && now.since(*at) > REFRESH_INTERVAL => {
                        wrong.push(format!("a retired key verifies here at {now}"))
                    }
                    Some(at) if there && now > *at + JWKS_MAX_AGE + REFRESH_INTERVAL => {
                        wrong.push(format!("a retired key verifies at a resource server at {now}"));
                    }
                    Some(_) => refused += u32::from(!here) + u32::from(!there),
                    None => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {done} are wrong: {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    assert!(accepted > 0 && refused > 0 && !retired.is_empty(), "{accepted} accepted, {refused} of retired keys refused");
    assert!(seen.len() > 3, "{} keys signed", seen.len());
    assert!(not_signed * 50 < tick, "{not_signed} of {tick} were not signed: more than emergencies explain");
}

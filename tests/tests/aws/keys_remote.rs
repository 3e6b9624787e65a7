//! `signer = "kms"`: KMS signs each token (security 51, 137). Another library verifies the signatures. A change of the signer makes
//! no token unknown. A stack without such keys refuses, and a KMS failure spends no code or token.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey::domain::id::TenantId;
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::rotation_request::{self, NextKey, RetireError, RotationRequest};
use latchkey::keys::{JWKS_MAX_AGE, KeyError, KeyState, KeyVault, Keys};
use latchkey::purpose::Purpose;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tests::jwks::PublishedKeys as _;
use tests::jwks::{kid_of, kids_in, verify, verify_with};
use tests::kms::{FakeKms, Mode, SIGNING_KEYS};
use tests::store::*;
use tests::{OAuthClient, SignedInUser, World};

const BOTH: [SigningAlgorithm; 2] = [SigningAlgorithm::ES256, SigningAlgorithm::RS256];

fn keys(vault: KeyVault) -> Keys {
    Keys::new(vault, &[Purpose::Signing])
}
async fn sign(
    keys: &Keys,
    bench: &Bench,
    signer: Signer,
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Result<String, KeyError> {
    let keys = keys.tenant(&bench.store, signer, now).await?;
    keys.signing().unwrap().sign(algorithm, "at+jwt", &json!({"at": now.seconds()})).await
}
async fn jwks(keys: &Keys, bench: &Bench, signer: Signer, now: Timestamp) -> String {
    keys.tenant(&bench.store, signer, now).await.unwrap().signing().unwrap().jwks()
}
/// The shipped document with KMS signing.
fn document() -> String {
    format!("{DEFAULT_DOCUMENT}\n[keys]\nsigner = \"kms\"\n")
}
async fn world(kms: &FakeKms) -> World {
    World::builder().vault(kms.signing_vault(SIGNING_KEYS)).tenant("default", &document()).build().await.unwrap()
}

#[tokio::test]
async fn security_51_a_kms_signature_verifies_with_a_second_library_and_with_ours() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let keys = keys(kms.signing_vault(SIGNING_KEYS));
    let loaded = keys.tenant(&bench.store, Signer::Kms, NOW).await.unwrap();
    let signing = loaded.signing().unwrap();
    let set = serde_json::from_str(&signing.jwks()).unwrap();
    for n in 0..400 {
        let algorithm = BOTH[usize::from(n % 10 == 0)];
        let token = signing.sign(algorithm, "at+jwt", &json!({"n": n})).await.unwrap();
        assert_eq!(verify_with(&set, &token), Some(json!({"n": n})));
        assert!(signing.verify("at+jwt", &token).is_some());
    }
    assert_eq!((kms.answered_to("Sign"), kms.answered_to("GetPublicKey")), (400, 2), "one call for each signature");
    assert_eq!((kms.answered_to("Encrypt"), kms.answered_to("Decrypt")), (0, 0), "nothing is wrapped");
    assert_eq!(kids_in(&signing.jwks()).len(), 2);
    let refused = signing.sign(SigningAlgorithm::EdDSA, "at+jwt", &json!({})).await.unwrap_err();
    assert!(matches!(refused, KeyError::NoActiveKey("EdDSA")), "{refused:?}");
    // The JWK Set comes from the table: a new instance lists and verifies without KMS.
    let token = signing.sign(SigningAlgorithm::ES256, "at+jwt", &json!({})).await.unwrap();
    kms.set(Mode::Down);
    let cold = keys_of_stack(&kms).tenant(&bench.store, Signer::Kms, NOW).await.unwrap();
    assert_eq!(cold.signing().unwrap().jwks(), signing.jwks());
    assert!(cold.signing().unwrap().verify("at+jwt", &token).is_some());
}

fn keys_of_stack(kms: &FakeKms) -> Keys {
    keys(kms.signing_vault(SIGNING_KEYS))
}

#[tokio::test]
async fn a_signature_of_an_unpublished_key_is_refused() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let keys = keys_of_stack(&kms);
    assert!(sign(&keys, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.is_ok());
    kms.swap_signing_key("es256-1");
    let refused = sign(&keys, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.unwrap_err();
    assert!(matches!(refused, KeyError::Failed("checking a signature of KMS")), "{refused:?}");
    // A key of the wrong type is not accepted in the first place.
    let other = Bench::new().await;
    let crossed = Keys::new(kms.signing_vault("ES256=rs256-1,RS256=es256-1"), &[Purpose::Signing]);
    let refused = crossed.tenant(&other.store, Signer::Kms, NOW).await.err().unwrap();
    assert!(matches!(refused, KeyError::VaultRefused(_)), "{refused:?}");
}

#[tokio::test]
async fn a_stack_without_kms_keys_refuses_to_sign_locally() {
    let kms = FakeKms::up();
    for vault in [kms.vault(), KeyVault::ephemeral(), kms.signing_vault("ES256=es256-1")] {
        let bench = Bench::new().await;
        let fresh = keys(vault.clone());
        assert!(matches!(fresh.tenant(&bench.store, Signer::Kms, NOW).await.err(), Some(KeyError::NoKmsKey(_))));
        // The same holds if other signing keys are loaded.
        let loaded = keys(vault);
        assert!(sign(&loaded, &bench, Signer::Local, SigningAlgorithm::ES256, NOW).await.is_ok());
        let refused = sign(&loaded, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.unwrap_err();
        assert!(refused.to_string().contains("signer = \"local\""), "the error names the setting: {refused}");
        // A function that signs nothing is not affected.
        assert!(Keys::new(KeyVault::ephemeral(), &[]).tenant(&bench.store, Signer::Kms, NOW).await.is_ok());
    }
    let refused = World::builder().tenant("default", &document()).build().await.err().unwrap();
    assert!(refused.to_string().contains("signing keys in KMS"), "the local gateway refuses to start: {refused}");
}

/// security 52: a switch to KMS and back. The oldest allowed key set and every instance know the key of each token.
#[tokio::test]
async fn a_change_of_signer_publishes_first_and_keeps_the_old_keys() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let instances = [keys_of_stack(&kms), keys_of_stack(&kms)];
    let signer_at = |minute| if (60..180).contains(&minute) { Signer::Kms } else { Signer::Local };
    let mut sets: Vec<(Timestamp, BTreeSet<String>)> = Vec::new();
    let mut signed: Vec<String> = Vec::new();
    for minute in 0..300 {
        let now = NOW + Span::minutes(minute);
        for instance in &instances {
            for algorithm in BOTH {
                let token = sign(instance, &bench, signer_at(minute), algorithm, now).await.unwrap();
                for (fetched_at, set) in &sets {
                    assert!(set.contains(&kid_of(&token)), "minute {minute}: unknown to a key set of {fetched_at}");
                }
                if algorithm == SigningAlgorithm::ES256 && signed.last() != Some(&kid_of(&token)) {
                    signed.push(kid_of(&token));
                }
                for other in &instances {
                    let keys = other.tenant(&bench.store, signer_at(minute), now).await.unwrap();
                    assert!(keys.signing().unwrap().verify("at+jwt", &token).is_some());
                }
            }
            sets.push((now, kids_in(&jwks(instance, &bench, signer_at(minute), now).await)));
        }
        sets.retain(|(fetched_at, _)| now.since(*fetched_at) < JWKS_MAX_AGE);
    }
    signed.dedup();
    let listed = rotation_request::list(&bench.store, NOW + Span::minutes(300)).await.unwrap();
    let es256: Vec<_> = listed.iter().filter(|key| key.algorithm == "ES256").collect();
    let versions: Vec<_> = es256.iter().map(|key| (key.version, key.state, key.kms_key.as_deref())).collect();
    use KeyState::{Active, Retiring};
    assert_eq!(versions, [(1, Retiring, None), (2, Retiring, Some("es256-1")), (3, Active, None)]);
    assert_eq!(signed, es256.iter().map(|key| key.kid.to_string()).collect::<Vec<_>>());
    // The document is switched away from KMS and back: its key is used again, and listed once.
    let later = NOW + Span::minutes(330);
    sign(&instances[0], &bench, Signer::Kms, SigningAlgorithm::ES256, later).await.unwrap();
    let set: serde_json::Value = serde_json::from_str(&jwks(&instances[0], &bench, Signer::Kms, later).await).unwrap();
    let kids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string()).collect();
    assert_eq!(kids.len(), kids.iter().collect::<BTreeSet<_>>().len(), "{kids:?}");
}

/// security 52: a tenant that started with KMS has no EdDSA key. Its first one is published before it signs.
#[tokio::test]
async fn the_first_key_of_an_algorithm_is_published_before_it_signs() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let instance = keys_of_stack(&kms);
    let known = sign(&instance, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.unwrap();
    let now = NOW + Span::days(1);
    let refused = sign(&instance, &bench, Signer::Local, SigningAlgorithm::EdDSA, now).await.unwrap_err();
    assert!(matches!(refused, KeyError::NoActiveKey("EdDSA")), "{refused:?}");
    assert_eq!(kids_in(&jwks(&instance, &bench, Signer::Local, now).await).len(), 5, "three local keys and two KMS keys");
    assert!(sign(&instance, &bench, Signer::Local, SigningAlgorithm::EdDSA, now + Span::minutes(19)).await.is_err());
    // The time of a first key is the caller's time plus the time of its creation.
    let later = now + Span::minutes(20) + Span::seconds(12);
    sign(&instance, &bench, Signer::Local, SigningAlgorithm::EdDSA, later).await.unwrap();
    assert_ne!(kid_of(&sign(&instance, &bench, Signer::Local, SigningAlgorithm::ES256, later).await.unwrap()), kid_of(&known));
}

#[tokio::test]
async fn a_new_kms_key_replaces_the_current_one_and_time_alone_does_not() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let before = keys_of_stack(&kms);
    let old = sign(&before, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.unwrap();
    let now = NOW + Span::days(200);
    assert_eq!(kid_of(&sign(&before, &bench, Signer::Kms, SigningAlgorithm::ES256, now).await.unwrap()), kid_of(&old));
    let requests = rotation_request::request_rotations(&bench.store, Some(SigningAlgorithm::ES256), now).await.unwrap();
    assert_eq!(requests, [("ES256", RotationRequest::HeldByKms { kid: kid_of(&old).parse().unwrap() })]);
    // The stack is deployed with another key.
    let after = keys(kms.signing_vault("ES256=es256-2,RS256=rs256-1"));
    assert_eq!(kid_of(&sign(&after, &bench, Signer::Kms, SigningAlgorithm::ES256, now).await.unwrap()), kid_of(&old));
    let later = now + Span::minutes(21);
    let new = sign(&after, &bench, Signer::Kms, SigningAlgorithm::ES256, later).await.unwrap();
    assert_ne!(kid_of(&new), kid_of(&old));
    assert!(kids_in(&jwks(&after, &bench, Signer::Kms, later).await).contains(&kid_of(&old)));
}

#[tokio::test]
async fn security_138_a_kms_key_is_retired_after_a_next_key_exists_and_is_never_used_again() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let instance = keys_of_stack(&kms);
    let old = sign(&instance, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.unwrap();
    let refused = rotation_request::retire(&bench.store, &kid_of(&old), NOW).await.unwrap_err();
    assert!(matches!(refused, RetireError::NoNextKey(_)), "{refused}");
    // The operator sets signer = "local". Within a minute the next key is listed, and the retirement succeeds.
    let now = NOW + Span::seconds(60);
    sign(&instance, &bench, Signer::Local, SigningAlgorithm::ES256, now).await.unwrap();
    let retirement = rotation_request::retire(&bench.store, &kid_of(&old), now).await.unwrap();
    assert!(matches!(retirement.next_key, NextKey::TakesOver { signs_from, .. } if signs_from == now + Span::seconds(75)));
    let later = now + Span::seconds(136);
    let new = sign(&instance, &bench, Signer::Local, SigningAlgorithm::ES256, later).await.unwrap();
    assert_ne!(kid_of(&new), kid_of(&old));
    // Back to KMS with the same key: it stays retired, and the local one is used.
    for minute in 0..60 {
        let now = later + Span::minutes(minute);
        let token = sign(&instance, &bench, Signer::Kms, SigningAlgorithm::ES256, now).await.unwrap();
        assert_eq!(kid_of(&token), kid_of(&new));
    }
}

#[tokio::test]
async fn security_137_a_kms_failure_spends_neither_code_nor_refresh_token() {
    let kms = FakeKms::up();
    let world = world(&kms).await;
    let client = OAuthClient::demo_app(&world);
    let tokens = client.redeem(&SignedInUser::new(&world).await.code(&client).await).await.tokens();
    assert_eq!(verify(&client.api, tokens.access()).await["client_id"], "demo-app");
    assert_eq!(verify(&client.api, tokens.json["id_token"].as_str().unwrap()).await["aud"], "demo-app");
    let mut refresh = tokens.refresh().to_owned();
    for outage in [Mode::Down, Mode::Throttled, Mode::Disabled, Mode::Slow(Duration::from_secs(3600))] {
        let code = SignedInUser::new(&world).await.code(&client).await;
        kms.set(outage);
        for answer in [client.redeem(&code).await, client.refresh(&refresh).await] {
            assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()), "{outage:?}");
            assert!(answer.header("retry-after").is_some(), "{outage:?}");
        }
        assert_eq!(client.userinfo(tokens.access()).await.status(), 200, "{outage:?}: signed tokens stay valid");
        assert_eq!(client.api.get("/.well-known/jwks.json").await.status(), 200, "{outage:?}");
        kms.set(Mode::Up);
        assert_eq!(client.redeem(&code).await.status(), 200, "{outage:?}: not spent");
        refresh = client.refresh(&refresh).await.tokens().refresh().to_owned();
    }
}

/// A slow KMS call times out long before the request does.
#[tokio::test]
async fn a_slow_signature_times_out() {
    let (bench, kms) = (Bench::new().await, FakeKms::up());
    let keys = keys_of_stack(&kms);
    assert!(sign(&keys, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.is_ok());
    kms.set(Mode::Slow(Duration::from_millis(300)));
    assert!(sign(&keys, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.is_ok());
    kms.set(Mode::Slow(Duration::from_secs(60)));
    let began = Instant::now();
    let refused = sign(&keys, &bench, Signer::Kms, SigningAlgorithm::ES256, NOW).await.unwrap_err();
    assert!(matches!(refused, KeyError::VaultUnavailable(_)), "{refused:?}");
    assert!((Duration::from_millis(2_900)..Duration::from_secs(10)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn security_53_the_metadata_lists_the_algorithms_of_kms() {
    let world = world(&FakeKms::up()).await;
    let client = OAuthClient::demo_app(&world);
    let metadata = client.api.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256", "ES256"]));
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.unwrap();
    assert_eq!(kids_in(&tenant.keys.signing().unwrap().jwks()).len(), 2, "no other key is listed");
}

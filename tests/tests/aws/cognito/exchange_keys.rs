//! The public keys of the pool that a token exchange verifies with: when they are fetched, cached and refused.

use crate::cognito::exchange::ExchangeFixture;
use latchkey::domain::time::Span;
use serde_json::{Value, json};
use tests::pool_key::PoolKey;
use tests::user_pool::{Mode, POOL_ID};

/// The keys are fetched once an hour. No token causes a fetch more often than every ten seconds.
#[tokio::test]
async fn pool_keys_are_cached_refreshed_on_a_new_key_and_kept_through_an_outage() {
    let fixture = ExchangeFixture::new().await;
    for _ in 0..5 {
        assert_eq!(fixture.exchange(&fixture.token()).await.status(), 200);
    }
    assert_eq!(fixture.pool.take_call_count("jwks"), 1);
    let next = PoolKey::new("two");
    for _ in 0..5 {
        assert_eq!(fixture.exchange(&next.sign(&fixture.claims())).await.status(), 400);
    }
    assert_eq!(fixture.pool.take_call_count("jwks"), 0, "within ten seconds of the last fetch");
    fixture.pool.publish(&[&next]);
    fixture.world.services.clock.advance(Span::seconds(10));
    assert_eq!(fixture.exchange(&next.sign(&fixture.claims())).await.status(), 200, "an unknown key causes a fetch");
    assert_eq!(fixture.exchange(&fixture.token()).await.status(), 400, "a removed key verifies nothing");
    fixture.pool.set(Mode::Down);
    fixture.world.services.clock.advance(Span::hours(23));
    assert_eq!(fixture.exchange(&next.sign(&fixture.claims())).await.status(), 200, "kept for a day while the pool is silent");
    drop(fixture.pool.take_call_times("jwks"));
    let unknown = fixture.exchange(&PoolKey::new("three").sign(&fixture.claims())).await;
    assert_eq!(unknown.refusal(), (503, "temporarily_unavailable".to_owned()), "the key may be new");
    assert_eq!(fixture.pool.take_call_count("jwks"), 0, "no second fetch within ten seconds");
    fixture.world.services.clock.advance(Span::hours(1));
    let answer = fixture.exchange(&next.sign(&fixture.claims())).await;
    assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
    assert!(answer.header("retry-after").is_some());
    fixture.pool.set(Mode::Up);
    fixture.world.services.clock.advance(Span::seconds(10));
    assert_eq!(fixture.exchange(&next.sign(&fixture.claims())).await.status(), 200);
    fixture.pool.publish_raw(200, r#"{"keys":[]}"#);
    fixture.world.services.clock.advance(Span::hours(2));
    assert_eq!(fixture.exchange(&next.sign(&fixture.claims())).await.status(), 200, "a set without keys is ignored");
}

#[tokio::test]
async fn an_invalid_jwk_set_verifies_nothing() {
    let fixture = ExchangeFixture::new().await;
    let (jwk, other) = (fixture.key.jwk(), PoolKey::new("two"));
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        json!({ "keys": [jwk, other.jwk()] }).to_string()
    };
    let long = format!("{}{}", json!({ "keys": [jwk] }), " ".repeat(64 * 1024));
    let unavailable: [(u16, &str); 7] =
        [(200, ""), (200, "[]"), (200, r#"{"keys":[]}"#), (200, r#"{"keys":[1,{}]}"#), (302, ""), (500, ""), (200, &long)];
    for (status, body) in unavailable {
        fixture.pool.publish_raw(status, body);
        let keys = fixture.pool.legacy_keys();
        let pool = POOL_ID.parse().expect("a pool");
        let verified = keys.verify(&pool, &fixture.token(), fixture.world.services.clock.now()).await;
        assert!(matches!(verified, Err(latchkey::keys::LegacyTokenError::KeysUnavailable(_))), "{status}: {verified:?}");
    }
    let unfit = [with("use", json!("enc")), with("alg", json!("RS512")), with("kty", json!("EC")), with("n", json!("AQAB"))];
    for body in &unfit {
        fixture.pool.publish_raw(200, body);
        let keys = fixture.pool.legacy_keys();
        let pool = POOL_ID.parse().expect("a pool");
        let verified = keys.verify(&pool, &fixture.token(), fixture.world.services.clock.now()).await;
        assert_eq!(verified, Err(latchkey::keys::LegacyTokenError::NotGenuine), "{body}");
    }
}

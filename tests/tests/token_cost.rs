//! What each operation of the token function costs: requests and request units, exactly (performance targets).

use tests::{Anonymous, OAuthClient, Person, World};

#[tokio::test]
async fn every_operation_costs_what_it_may() {
    let world = World::new().await.unwrap();
    let online = OAuthClient { scope: "openid email".to_owned(), ..OAuthClient::demo_web(&world) };
    let offline = OAuthClient::demo_app(&world);
    let person = Person::new(&world).await;
    let (code, offline_code) = (person.code(&online).await, person.code(&offline).await);
    let api = Anonymous::new(&world);
    drop(world.meter.take());
    let cost = |what: &str, requests: usize, read: f64, write: f64| {
        let cost = world.meter.take_cost();
        assert_eq!(cost.requests, requests, "{what}: requests");
        for units in [cost.engine, cost.own] {
            assert_eq!((units.read, units.write), (read, write), "{what}: read and write units");
        }
    };

    let tokens = online.redeem(&code).await.tokens();
    cost("code → tokens", 2, 3.0, 1.0);
    let offline_tokens = offline.redeem(&offline_code).await.tokens();
    cost("code → tokens, offline", 2, 3.0, 1.0);
    assert_eq!(offline.refresh(offline_tokens.refresh()).await.status(), 200);
    cost("refresh", 2, 2.0, 1.0);
    assert_eq!(offline.refresh(offline_tokens.refresh()).await.status(), 200);
    cost("refresh, retried", 1, 2.0, 0.0);
    let tokens = online.refresh(tokens.refresh()).await.tokens();
    cost("refresh without offline_access", 2, 3.0, 1.0);
    assert_eq!(online.introspect(tokens.access()).await.json()["active"], true);
    cost("introspect, of a grant with a session", 1, 3.0, 0.0);
    assert_eq!(offline.userinfo(offline_tokens.access()).await.status(), 200);
    cost("userinfo", 1, 4.0, 0.0);
    assert_eq!(OAuthClient::demo_service(&world).client_credentials().await.status(), 200);
    cost("client_credentials", 0, 0.0, 0.0);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(api.get(path).await.status(), 200);
        cost(path, 0, 0.0, 0.0);
    }
    assert_eq!(online.revoke(tokens.access()).await.status(), 200);
    cost("revoke an access token", 2, 2.0, 1.0);
    assert_eq!(online.revoke(tokens.refresh()).await.status(), 200);
    cost("revoke a grant", 2, 2.0, 1.0);
}

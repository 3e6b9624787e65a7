//! The main flow from beginning to end, checked against the raw contents of every table.

use tests::{Anonymous, Browser, Customer, OAuthClient, World, invariants};

#[tokio::test]
async fn a_user_signs_in_and_a_client_gets_refreshes_and_revokes_tokens() {
    let world = World::new().await.unwrap();
    // A long name: three letters could be in a key by chance. With a phone number, which the actor's default registration omits.
    let ada = Customer::new("Adalheidis");
    let (api, mut registration) = (Anonymous::new(&world), ada.registration());
    registration["profile"]["phone_number"] = "+4930901820".into();
    let started = api.post_json("/v1/registrations", &registration).await;
    assert_eq!(started.status(), 202, "{}", started.text());
    let code = world.mails_to(&ada.email).await.unwrap()[0].codes[0].clone();
    let id = started.json()["registration_id"].as_str().unwrap().to_owned();
    let proof = serde_json::json!({ "code": code });
    assert_eq!(api.post_json(&format!("/v1/registrations/{id}/verification"), &proof).await.status(), 201);
    let app = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    let callback = app.sign_in(&mut browser, &ada).await;
    assert_eq!(callback.query("state").as_deref(), Some("state-of-the-test"));
    assert_eq!(callback.query("iss").as_deref(), Some(world.origin()));
    let tokens = app.redeem(&callback.query("code").unwrap()).await.tokens();
    let userinfo = app.userinfo(tokens.access()).await.json();
    assert_eq!(userinfo["email"], ada.email);
    assert_eq!(userinfo["sub"], tokens.id_claims()["sub"]);
    let refreshed = app.refresh(tokens.refresh()).await.tokens();
    assert_ne!(refreshed.refresh(), tokens.refresh());
    assert_eq!(app.revoke(refreshed.refresh()).await.status(), 200);
    assert_eq!(app.refresh(refreshed.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    world.pump().await.unwrap();
    invariants::assert_hold(&world.engine);
    let raw = invariants::read(&world.engine);
    let words = [
        &*ada.email,
        &*ada.given_name,
        &*ada.family_name,
        "4930901820",
        &*ada.password,
        "192.0.2.1",
        tokens.access(),
        tokens.refresh(),
    ];
    assert_eq!(invariants::find_plaintext(&raw, &words), Vec::<String>::new());
}

#[tokio::test]
async fn the_demo_storefront_signs_in_refreshes_and_signs_out_without_javascript() {
    let gateway = tests::Gateway::ephemeral(&[]);
    let ada = Customer::registered(&gateway, "Ada").await;
    let mut browser = Browser::new(&gateway);
    browser.visits_demo = true;
    let shop = browser.open("/demo/").await;
    let sign_in = browser.submit(&shop, "#sign-in", &[]).await;
    let mut shop = ada.sign_in(&mut browser, &sign_in).await;
    if shop.has_button("#allow") {
        shop = browser.submit(&shop, "#allow", &[]).await;
    }
    assert_eq!((shop.path().as_str(), shop.status()), ("/demo/", 200));
    assert!(shop.text().contains(&ada.email) && shop.text().contains("Hello, Ada"), "{}", shop.text());
    let refreshed = browser.submit(&shop, "#refresh", &[]).await;
    assert!(refreshed.text().contains("refreshed once"), "{}", refreshed.text());
    let out = browser.submit(&refreshed, "#sign-out", &[]).await;
    assert_eq!(out.path(), "/demo/", "{}", out.text());
    assert!(out.has_button("#sign-in"));
    // The session at Latchkey has ended too.
    let again = browser.submit(&out, "#sign-in", &[]).await;
    assert_eq!(again.path(), "/login");
}

#[tokio::test]
async fn the_demo_storefront_refuses_a_code_that_it_did_not_request() {
    let gateway = tests::Gateway::ephemeral(&[]);
    let ada = Customer::registered(&gateway, "Ada").await;
    let app = OAuthClient::demo_app(&gateway);
    let callback = app.sign_in(&mut Browser::new(&gateway), &ada).await;
    // Login CSRF: the attacker's own callback, opened in the victim's browser.
    let mut victim = Browser::new(&gateway);
    victim.visits_demo = true;
    let shop = victim.open("/demo/").await;
    victim.submit(&shop, "#sign-in", &[]).await;
    let shop = victim.open(&callback.url).await;
    assert!(shop.has_button("#sign-in") && shop.text().contains("did not start in this browser"), "{}", shop.text());
}

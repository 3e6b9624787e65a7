//! Sessions and consents: listed, ended, withdrawn (security 18, 59).

use crate::self_service::{register_ada, world};
use serde_json::{Value, json};
use tests::{AccountClient, Browser, Customer, OAuthClient};

fn sessions(json: &Value) -> Vec<Value> {
    json["sessions"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn security_59_a_user_lists_sessions_and_ends_the_others() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &customer).await;
    let mut lost_phone = Browser::new(&world);
    let other = AccountClient::signed_in(&mut lost_phone, &world, &customer).await;
    let listed = sessions(&me.get("/v1/me/sessions").await.json());
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[0]["current"], &listed[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&listed[0]["place"], &listed[0]["device"]), (&json!("192.0.2.0/24"), &json!("Unknown browser")));
    let sid = listed[1]["sid"].as_str().expect("a sid");
    assert_eq!(me.delete(&format!("/v1/me/sessions/{sid}")).await.status(), 204);
    assert_eq!(other.is_alive().await, (false, false), "its offline grant ends with it");
    let silent = AccountClient::client(&world).authorize_url(&[("prompt", "none")]);
    assert_eq!(lost_phone.open(&silent).await.query("error").as_deref(), Some("login_required"));
    assert_eq!(sessions(&me.get("/v1/me/sessions").await.json()).len(), 1);
    assert_eq!(me.is_alive().await, (true, true));
    for gone in [sid, "AAAAAAAAAAAAAAAAAAAAAA", "no-such-id"] {
        assert_eq!(me.delete(&format!("/v1/me/sessions/{gone}")).await.status(), 404, "{gone}");
    }
}

#[tokio::test]
async fn sign_out_keeps_offline_grants_and_ending_a_listed_session_does_not() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &customer).await;
    let mut browser = Browser::new(&world);
    let app = AccountClient::signed_in(&mut browser, &world, &customer).await;
    let page = browser.open("/oauth2/logout").await;
    browser.submit(&page, "#confirm", &[]).await;
    assert_eq!(app.is_alive().await, (true, true), "signing out does not");
    assert_eq!(sessions(&me.get("/v1/me/sessions").await.json()).len(), 1);
}

#[tokio::test]
async fn security_18_withdrawing_consent_ends_the_tokens_of_that_client_only() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let web = OAuthClient { scope: "openid email offline_access".to_owned(), ..OAuthClient::demo_web(&world) };
    let mut browser = Browser::new(&world);
    let callback = web.sign_in(&mut browser, &customer).await;
    let tokens = web.redeem(&callback.query("code").expect("a code")).await.tokens();
    let listed = me.get("/v1/me/consents").await.json();
    let of = |id: &str| {
        let found =
            listed["consents"].as_array().and_then(|all| all.iter().find(|consent| consent["client_id"] == id)).cloned();
        found.unwrap_or_default()
    };
    assert_eq!(of("demo-web")["client_name"]["en"], "Demo web application");
    assert!(of("demo-web")["scope"].as_str().is_some_and(|scope| scope.contains("offline_access")), "{listed}");
    assert_eq!((&of("demo-web")["consented"], &of("demo-app")["since"].is_string()), (&json!(true), &true));
    assert_eq!(me.delete("/v1/me/consents/demo-web").await.status(), 204);
    assert_eq!(web.refresh(tokens.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(web.userinfo(tokens.access()).await.status(), 401);
    assert_eq!(me.is_alive().await, (true, true));
    // Consent is asked again, and withdrawn tokens do not become valid again.
    let page = browser.open(&web.authorize_url(&[])).await;
    assert!(page.has_button("#allow"), "{}", page.text());
    for nothing in ["demo-web", "demo-service", "no such client"] {
        let path = format!("/v1/me/consents/{}", nothing.replace(' ', "%20"));
        assert_eq!(me.delete(&path).await.status(), 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_first_party_client_is_listed_by_its_grants_and_can_be_revoked() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let other = AccountClient::new(&world, &customer).await;
    assert_eq!(me.delete("/v1/me/consents/demo-app").await.status(), 204);
    assert_eq!((me.is_alive().await, other.is_alive().await), ((false, false), (false, false)));
}

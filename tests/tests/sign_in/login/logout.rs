//! RP-initiated logout (security 62).

use crate::login::{signed_in, world};
use http::{Method, StatusCode};
use tests::{Browser, Customer, OAuthClient};

fn logout_url(parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/oauth2/logout?{query}")
}

async fn is_signed_in(browser: &Browser) -> bool {
    !browser.clone().open("/login").await.has_field("password")
}

#[tokio::test]
async fn security_62_a_hint_of_the_signed_in_user_ends_the_session_and_returns_with_state() {
    let world = world().await;
    let client = OAuthClient::demo_web(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let code = client.sign_in(&mut browser, &customer).await.query("code").expect("a code");
    let tokens = client.redeem(&code).await.tokens();
    let hint = tokens.json["id_token"].as_str().expect("an ID token");
    // The hint has expired long ago. That does not matter.
    world.advance(latchkey::domain::time::Span::days(1));
    let url =
        logout_url(&[("id_token_hint", hint), ("post_logout_redirect_uri", "http://localhost:3000/"), ("state", "a b&c")]);
    let page = browser.open(&url).await;
    assert_eq!(page.url, "http://localhost:3000/?state=a%20b%26c");
    assert!(!is_signed_in(&browser).await);
    // Again, when already signed out.
    assert_eq!(browser.open(&url).await.url, "http://localhost:3000/?state=a%20b%26c");
}

#[tokio::test]
async fn security_62_without_a_hint_of_this_user_a_page_asks() {
    let world = world().await;
    let client = OAuthClient::demo_web(&world);
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let bobs = client.tokens_for(&bob).await;
    let bobs = bobs.json["id_token"].as_str().expect("an ID token");
    let back = ("post_logout_redirect_uri", "http://localhost:3000/");
    for parameters in
        [vec![], vec![("client_id", "demo-web")], vec![("client_id", "demo-web"), back], vec![("id_token_hint", bobs), back]]
    {
        let mut browser = signed_in(&world, &ada).await;
        let page = browser.open(&logout_url(&parameters)).await.expect(StatusCode::OK);
        assert!(is_signed_in(&browser).await, "{parameters:?}");
        let after = browser.submit(&page, "#confirm", &[]).await;
        assert!(!is_signed_in(&browser).await, "{parameters:?}");
        if parameters.contains(&back) {
            assert_eq!(after.url, "http://localhost:3000/", "{parameters:?}");
        } else {
            assert!(after.text().contains("You are signed out"), "{parameters:?}: {}", after.text());
        }
    }
}

#[tokio::test]
async fn security_62_only_registered_uris_are_redirected_to() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    for uri in [
        "https://evil.example/",
        "http://localhost:3000",
        "http://localhost:3000//",
        "http://localhost:3000/?x",
        "http://localhost:3000/callback",
        "HTTP://localhost:3000/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        for client in [Some(("client_id", "demo-web")), None] {
            let mut browser = signed_in(&world, &ada).await;
            let parameters: Vec<_> = client.into_iter().chain([("post_logout_redirect_uri", uri)]).collect();
            let page = browser.open(&logout_url(&parameters)).await;
            assert_eq!((page.status(), page.header("location")), (400, None), "{uri}");
            assert!(is_signed_in(&browser).await, "{uri}");
            let why = if client.is_some() { "is not registered for this client" } else { "needs client_id or id_token_hint" };
            assert!(page.text().contains(why), "{uri}: {}", page.text());
            // No dead end: the user can sign out, and stays here.
            let after = browser.submit(&page, "#confirm", &[]).await.expect(StatusCode::OK);
            assert!(after.text().contains("You are signed out"), "{uri}: {}", after.text());
            assert!(!is_signed_in(&browser).await, "{uri}");
        }
    }
    let mut browser = Browser::new(&world);
    for parameters in [vec![("client_id", "unknown")], vec![("state", "x"), ("state", "y")]] {
        assert_eq!(browser.open(&logout_url(&parameters)).await.status(), 400, "{parameters:?}");
    }
}

#[tokio::test]
async fn a_cross_site_logout_by_post_is_repeated_with_cookies() {
    let world = world().await;
    let client = OAuthClient::demo_web(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let code = client.sign_in(&mut browser, &customer).await.query("code").expect("a code");
    let tokens = client.redeem(&code).await.tokens();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("id_token_hint", tokens.json["id_token"].as_str().expect("an ID token"))
        .append_pair("post_logout_redirect_uri", "http://localhost:3000/")
        .finish();
    // Lax cookies are not sent with it.
    let mut without = Browser::new(&world);
    let answer = without.request(Method::POST, &format!("{}/oauth2/logout", world.origin()), None, body).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = answer.headers()["location"].to_str().expect("ASCII").to_owned();
    // security 126: addresses end up in logs and histories.
    let token = tokens.json["id_token"].as_str().expect("an ID token");
    for part in token.split('.') {
        assert!(!location.contains(part), "a part of the token is in {location}");
    }
    // It says the same for ten minutes, and only for the parameters of a sign-out.
    assert_eq!(browser.clone().open(&location).await.url, "http://localhost:3000/");
    let mut later = signed_in(&world, &customer).await;
    world.advance(latchkey::domain::time::Span::minutes(11));
    assert_eq!(later.open(&location).await.status(), 400);
    assert!(is_signed_in(&later).await);
    let unreadable = "id_token_hint=forged&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F".to_owned();
    let answer = without.request(Method::POST, &format!("{}/oauth2/logout", world.origin()), None, unreadable).await;
    let page = later.open(answer.headers()["location"].to_str().expect("ASCII")).await;
    assert!(page.text().contains("id_token_hint can not be verified"), "{}", page.text());
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("id_token_hint", token)
        .append_pair("lk_hint", "another")
        .append_pair("post_logout_redirect_uri", "http://localhost:3000/")
        .finish();
    let answer = without.request(Method::POST, &format!("{}/oauth2/logout", world.origin()), None, body).await;
    let page = browser.open(answer.headers()["location"].to_str().expect("ASCII")).await;
    assert_eq!(page.url, "http://localhost:3000/");
    assert!(!is_signed_in(&browser).await);
}

#[tokio::test]
async fn sign_out_ends_session_grants_and_keeps_offline_access() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let offline = OAuthClient::demo_app(&world);
    let online = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let code = offline.sign_in(&mut browser, &customer).await.query("code").expect("a code");
    let offline_tokens = offline.redeem(&code).await.tokens();
    let code = online.sign_in(&mut browser, &customer).await.query("code").expect("a code");
    let online_tokens = online.redeem(&code).await.tokens();
    assert_eq!(online.userinfo(online_tokens.access()).await.status(), 200);

    let page = browser.open("/oauth2/logout").await;
    browser.submit(&page, "#confirm", &[]).await;
    assert_eq!(online.userinfo(online_tokens.access()).await.status(), 401);
    assert_eq!(offline.refresh(offline_tokens.refresh()).await.status(), 200);
}

/// Each flaw is named by its own cause, and the page still asks.
#[tokio::test]
async fn security_62_a_hint_that_can_not_be_used_is_named_and_the_page_still_asks() {
    let world = world().await;
    let client = OAuthClient::demo_web(&world);
    let ada = Customer::registered(&world, "Ada").await;
    let tokens = client.tokens_for(&ada).await;
    let (token, access) = (tokens.json["id_token"].as_str().expect("an ID token"), tokens.access());
    let back = ("post_logout_redirect_uri", "http://localhost:3000/");
    let long = "x".repeat(4097);
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("id_token_hint", "forged"), back], "id_token_hint can not be verified"),
        (&[("id_token_hint", access), ("client_id", "demo-web"), back], "id_token_hint can not be verified"),
        (&[("id_token_hint", "forged")], "id_token_hint can not be verified"),
        (&[("id_token_hint", token), ("client_id", "demo-app"), back], "client_id is not the client of id_token_hint"),
        (&[("client_id", "unknown"), back], "client_id is not known"),
        (&[("client_id", "demo-web"), back, ("state", &long)], "state must not be longer than 4096 bytes"),
    ];
    for (parameters, why) in cases {
        let mut browser = signed_in(&world, &ada).await;
        let page = browser.open(&logout_url(parameters)).await.expect(StatusCode::BAD_REQUEST);
        assert!(page.text().contains(why), "{why}: {}", page.text());
        assert!(is_signed_in(&browser).await, "{why}");
        let after = browser.submit(&page, "#confirm", &[]).await.expect(StatusCode::OK);
        assert!(after.text().contains("You are signed out"), "never a redirect: {}", after.text());
        assert!(!is_signed_in(&browser).await, "{why}");
        let again = browser.open(&logout_url(parameters)).await.expect(StatusCode::BAD_REQUEST);
        assert!(again.text().contains(why) && again.text().contains("You are signed out"), "{}", again.text());
    }
}

/// A key signs for 90 days, and the session of an ID token can live longer than that key is published.
#[tokio::test]
async fn security_52_an_id_token_is_a_hint_after_its_key_was_superseded() {
    use latchkey::domain::time::Span;
    let document = latchkey_local::assemble::DEFAULT_DOCUMENT
        .replace("idle = \"P7D\"", "idle = \"P90D\"")
        .replace("absolute = \"P30D\"", "absolute = \"P365D\"");
    let world = tests::World::builder().tenant("default", &document).build().await.expect("a world");
    let client = OAuthClient::demo_web(&world);
    let ada = Customer::registered(&world, "Ada").await;
    world.advance(Span::days(80));
    let mut browser = Browser::new(&world);
    let code = client.sign_in(&mut browser, &ada).await.query("code").expect("a code");
    let tokens = client.redeem(&code).await.tokens();
    let hint = tokens.json["id_token"].as_str().expect("an ID token");
    let publishes = async |world: &tests::World| {
        let jwks = tests::Anonymous::new(world).get("/.well-known/jwks.json").await.text().to_owned();
        let kid = tests::oauth_client::jose_header(hint)["kid"].as_str().expect("a key").to_owned();
        jwks.contains(&kid)
    };
    assert!(publishes(&world).await);
    // The next key is made, signs, and the former one is no longer published.
    for span in [Span::days(11), Span::minutes(30), Span::days(2)] {
        world.advance(span);
        publishes(&world).await;
    }
    assert!(!publishes(&world).await, "no token that verifiers may accept has this key");
    let silent = [("id_token_hint", hint), ("prompt", "none")];
    assert!(browser.open(&client.authorize_url(&silent)).await.query("code").is_some());
    let url = logout_url(&[("id_token_hint", hint), ("post_logout_redirect_uri", "http://localhost:3000/")]);
    assert_eq!(browser.open(&url).await.url, "http://localhost:3000/");
    assert!(!is_signed_in(&browser).await);
}

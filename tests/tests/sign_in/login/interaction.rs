//! When the user is asked: prompt, max_age, hints, consent (security 10–14, 17, 18).

use crate::login::{client_with, signed_in, world};
use http::{Method, StatusCode};
use latchkey::domain::time::Span;
use tests::{Browser, Customer, OAuthClient};

#[tokio::test]
async fn security_10_prompt_none_shows_nothing() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let silent = client.authorize_url(&[("prompt", "none")]);
    let error = async |browser: &mut Browser| browser.open(&silent).await.query("error");

    let mut browser = Browser::new(&world);
    assert_eq!(error(&mut browser).await.as_deref(), Some("login_required"));
    let mut browser = signed_in(&world, &customer).await;
    assert_eq!(error(&mut browser).await.as_deref(), Some("consent_required"));
    client.sign_in(&mut browser, &customer).await;
    let callback = browser.open(&silent).await;
    assert!(callback.query("code").is_some(), "{}", callback.url);
    for prompt in ["none login", "none consent", "select_account none"] {
        let page = browser.open(&client.authorize_url(&[("prompt", prompt)])).await;
        assert_eq!(page.query("error").as_deref(), Some("invalid_request"), "{prompt}");
    }
}

#[tokio::test]
async fn security_11_prompt_login_and_max_age_force_a_sign_in_and_say_when_it_was() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let auth_time = async |code: Option<String>| {
        client.redeem(&code.expect("a code")).await.tokens().id_claims()["auth_time"].as_i64().expect("auth_time")
    };
    for (more, forced) in [
        (("max_age", "10000"), false),
        (("max_age", "2"), false),
        (("max_age", "1"), true),
        (("max_age", "0"), true),
        (("prompt", "login"), true),
        (("prompt", "select_account"), true),
    ] {
        let mut browser = Browser::new(&world);
        let first = auth_time(client.sign_in(&mut browser, &customer).await.query("code")).await;
        world.advance(Span::seconds(2));
        let mut page = browser.open(&client.authorize_url(&[more])).await;
        assert_eq!(page.has_field("password"), forced, "{more:?}: {}", page.url);
        if forced {
            page = customer.sign_in(&mut browser, &page).await;
        }
        let again = auth_time(page.query("code")).await;
        assert_eq!(again, if forced { first + 2 } else { first }, "{more:?}");
    }
}

#[tokio::test]
async fn security_11_a_sign_in_as_another_user_keeps_nothing_of_the_first_session() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let mut browser = Browser::new(&world);
    let first = client.sign_in(&mut browser, &ada).await.query("code").expect("a code");
    let first = client.redeem(&first).await.tokens().id_claims();
    let adas_cookies = browser.cookies.clone();

    let page = browser.open(&client.authorize_url(&[("prompt", "login")])).await;
    let (_, answer) = {
        let fields = [("identifier", bob.email.as_str()), ("password", bob.password.as_str())];
        browser.press(&page, "#submit", &fields).await
    };
    let marked = answer.headers()["location"].to_str().expect("ASCII").to_owned();
    let mut page = browser.open(&marked).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    let second = client.redeem(&page.query("code").expect("a code")).await.tokens().id_claims();
    assert_ne!((&first["sub"], &first["sid"]), (&second["sub"], &second["sid"]));

    // Ada's session in this browser has ended. The mark of Bob's sign-in is invalid in a session of hers.
    let mut old = Browser::new(&world);
    old.cookies = adas_cookies;
    assert!(old.open(&client.authorize_url(&[])).await.has_field("password"));
    let mut hers = signed_in(&world, &ada).await;
    assert!(hers.open(&marked).await.has_field("password"));
    // It is also invalid for another request of his.
    let other_request = marked.replace("nonce-of-the-test", "another-nonce");
    assert_ne!(other_request, marked);
    assert!(browser.open(&other_request).await.has_field("password"));
    // It is also invalid two minutes later.
    world.advance(Span::minutes(3));
    assert!(browser.open(&marked).await.has_field("password"));
}

/// The hint only fills the form. Were it compared with the signed-in user, an application could test which addresses belong to them.
#[tokio::test]
async fn a_login_hint_of_another_user_fills_the_form_and_changes_nothing_else() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let mut browser = Browser::new(&world);
    let code = client.sign_in(&mut browser, &ada).await.query("code").expect("a code");
    let sub = client.redeem(&code).await.tokens().id_claims()["sub"].clone();
    for prompt in ["none", ""] {
        let page = browser.open(&client.authorize_url(&[("login_hint", &bob.email), ("prompt", prompt)])).await;
        let tokens = client.redeem(&page.query("code").expect("a code")).await.tokens();
        assert_eq!(tokens.id_claims()["sub"], sub);
    }
    let page = browser.open(&client.authorize_url(&[("login_hint", &bob.email), ("prompt", "select_account")])).await;
    assert!(page.html().contains(&format!("value=\"{}\"", bob.email)), "{}", page.html());
}

#[tokio::test]
async fn security_12_an_id_token_hint_names_the_user_at_any_age() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let mut browser = Browser::new(&world);
    let id_token = async |browser: &mut Browser, customer: &Customer| {
        let code = client.sign_in(browser, customer).await.query("code").expect("a code");
        client.redeem(&code).await.tokens().json["id_token"].as_str().expect("an ID token").to_owned()
    };
    let bobs = id_token(&mut Browser::new(&world), &bob).await;
    let adas = id_token(&mut browser, &ada).await;
    let access = client.tokens_for(&ada).await.access().to_owned();
    world.advance(Span::hours(2));
    let with_hint = async |browser: &mut Browser, hint: &str, prompt: &'static str| {
        let page = browser.open(&client.authorize_url(&[("id_token_hint", hint), ("prompt", prompt)])).await;
        (page.query("code").is_some(), page.query("error"))
    };
    for prompt in ["none", ""] {
        assert_eq!(with_hint(&mut browser, &adas, prompt).await, (true, None));
        assert_eq!(with_hint(&mut browser, &bobs, prompt).await, (false, Some("login_required".to_owned())));
    }
    // A changed hint, another kind of token, or a token of another client names no user: without a page the user can not be asked, and with one
    // the request continues as without the hint.
    let mut forged = adas.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    let web = OAuthClient::demo_web(&world).tokens_for(&ada).await.json["id_token"].as_str().expect("an ID token").to_owned();
    for hint in [forged, access, web, "x".to_owned()] {
        assert_eq!(with_hint(&mut browser, &hint, "none").await, (false, Some("login_required".to_owned())), "{hint}");
        assert_eq!(with_hint(&mut browser, &hint, "").await, (true, None), "{hint}");
    }
}

#[tokio::test]
async fn security_18_consent_holds_for_its_scope_and_a_wider_scope_asks_again() {
    let world = world().await;
    let client = |scope: &str| client_with(OAuthClient::demo_web(&world), |client| scope.clone_into(&mut client.scope));
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let page = browser.open(&client("openid email").authorize_url(&[])).await.expect(StatusCode::OK);
    assert!(page.text().contains("Demo web application") && page.text().contains(&customer.email), "{}", page.text());

    // Denied: the client gets the error, and no consent is stored.
    let denied = browser.submit(&page, "#deny", &[]).await;
    assert_eq!(denied.query("error").as_deref(), Some("access_denied"));
    assert_eq!(denied.query("state").as_deref(), Some("state-of-the-test"));
    let page = browser.open(&client("openid email").authorize_url(&[])).await.expect(StatusCode::OK);
    let allowed = browser.submit(&page, "#allow", &[]).await;
    assert!(allowed.query("code").is_some(), "{}", allowed.url);

    // The same or a narrower scope is not asked again. A wider scope, or another user, is.
    for scope in ["openid email", "openid"] {
        assert!(browser.open(&client(scope).authorize_url(&[])).await.query("code").is_some(), "{scope}");
    }
    assert!(browser.open(&client("openid email phone").authorize_url(&[])).await.has_button("#allow"));
    let page = browser.open(&client("openid").authorize_url(&[("prompt", "consent")])).await;
    assert!(page.has_button("#allow"));
    assert!(browser.submit(&page, "#allow", &[]).await.query("code").is_some());
    let other = Customer::registered(&world, "Bob").await;
    let mut browser = signed_in(&world, &other).await;
    assert!(browser.open(&client("openid").authorize_url(&[])).await.has_button("#allow"));
}

#[tokio::test]
async fn security_14_every_successful_post_answers_303() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&client.authorize_url(&[])).await;
    let (_, answer) =
        browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", &customer.password)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = answer.headers()["location"].to_str().expect("ASCII").to_owned();
    let page = browser.open(&location).await;
    let (_, answer) = browser.press(&page, "#allow", &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let page = browser.open("/oauth2/logout").await;
    let (_, answer) = browser.press(&page, "#confirm", &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn security_17_120_a_form_is_accepted_only_from_its_own_browser_page_and_request() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let credentials = [("identifier", ada.email.as_str()), ("password", ada.password.as_str())];

    // Moved to another browser (CVE-2026-7507).
    let page = Browser::new(&world).open(&client.authorize_url(&[])).await;
    let mut victim = Browser::new(&world);
    victim.open("/login").await;
    let (_, answer) = victim.press(&page, "#submit", &credentials).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // Without any cookie.
    let (_, answer) = Browser::new(&world).press(&page, "#submit", &credentials).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    // Sent for another request.
    let mut browser = Browser::new(&world);
    let mut page = browser.open(&client.authorize_url(&[])).await;
    let another = |text: &str| text.replace("nonce-of-the-test", "another-nonce");
    page.url = another(&page.url);
    page.response = page.response.map(|answer| answer.map(|body| another(str::from_utf8(&body).expect("UTF-8")).into()));
    let (_, answer) = browser.press(&page, "#submit", &credentials).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    // From another site, or with an anti-forgery value of another page.
    let page = browser.open("/login").await;
    let anti_forgery = page.form("#submit").fields[0].1.clone();
    let body = format!("anti_forgery={anti_forgery}&identifier=a%40example.com&password=x");
    let url = format!("{}/login", world.origin());
    browser.headers = vec![("sec-fetch-site".to_owned(), "cross-site".to_owned())];
    assert_eq!(browser.request(Method::POST, &url, None, body.clone()).await.status(), StatusCode::FORBIDDEN);
    browser.headers.clear();
    let recover = format!("{}/recover", world.origin());
    assert_eq!(browser.request(Method::POST, &recover, None, body).await.status(), StatusCode::FORBIDDEN);

    // Consent: the form that Ada saw can't be sent with Bob's session.
    let mut browser = signed_in(&world, &ada).await;
    let asked = browser.open(&client.authorize_url(&[])).await;
    let page = browser.open("/oauth2/logout").await;
    browser.submit(&page, "#confirm", &[]).await;
    let page = browser.open("/login").await;
    bob.sign_in(&mut browser, &page).await;
    let (_, answer) = browser.press(&asked, "#allow", &[]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

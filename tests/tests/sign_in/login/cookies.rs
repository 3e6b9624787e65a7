//! Sessions and their cookies (security 55–58, 61, 64).

use crate::login::{authentication, signed_in, try_password, world};
use http::{Method, StatusCode, header};
use latchkey::domain::time::Span;
use latchkey::keys::KeyVault;
use latchkey_local::engine::Engine;
use latchkey_local::world::World;
use tests::{Browser, Customer, OAuthClient};

async fn is_signed_in(browser: &mut Browser) -> bool {
    let page = browser.open("/login").await.expect(StatusCode::OK);
    !page.has_field("password")
}

#[tokio::test]
async fn security_55_cookies_are_pinned_to_the_host_and_hidden_from_scripts() {
    let world = World::builder().origin("https://id.example.com").build().await.expect("a world");
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let mut seen = Vec::new();
    let page = browser.open("/login").await;
    seen.extend(page.response.iter().flat_map(|response| response.headers().get_all(header::SET_COOKIE)).cloned());
    let (_, answer) =
        browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", &customer.password)]).await;
    seen.extend(answer.headers().get_all(header::SET_COOKIE).iter().cloned());
    let mut names: Vec<String> = Vec::new();
    for cookie in &seen {
        let cookie = cookie.to_str().expect("ASCII");
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        for needed in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&needed), "{cookie} lacks {needed}");
        }
        assert!(!cookie.contains("Domain") && cookie.len() <= 4096, "{cookie}");
        names.push(cookie.split('=').next().unwrap_or_default().to_owned());
    }
    names.sort();
    assert_eq!(names, ["__Host-lk-browser", "__Host-lk-device", "__Host-lk-session"]);
}

#[tokio::test]
async fn security_56_every_sign_in_makes_a_new_cookie_and_the_old_one_is_dead() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    // A cookie from before the sign-in is not reused.
    browser.cookies.insert("lk-session".to_owned(), "planted".to_owned());
    try_password(&mut browser, &customer.email, &customer.password).await;
    let first = browser.clone();
    assert_ne!(first.cookies["lk-session"], "planted");

    let client = OAuthClient::demo_app(&world);
    let page = browser.open(&client.authorize_url(&[("prompt", "login")])).await;
    customer.sign_in(&mut browser, &page).await;
    assert_ne!(browser.cookies["lk-session"], first.cookies["lk-session"]);
    assert!(is_signed_in(&mut browser).await);
    assert!(!is_signed_in(&mut first.clone()).await);
}

/// Another application asks the user to confirm the password. The tokens of the first one do not end with it.
#[tokio::test]
async fn security_56_signing_in_again_as_the_same_user_keeps_the_session_and_its_grants() {
    let world = world().await;
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let web = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let code = web.sign_in(&mut browser, &ada).await.query("code").expect("a code");
    let first = web.redeem(&code).await.tokens();
    world.advance(Span::hours(1));
    let app = OAuthClient { scope: "openid profile email".to_owned(), ..OAuthClient::demo_app(&world) };
    let again = async |browser: &mut Browser, customer: &Customer| {
        let page = browser.open(&app.authorize_url(&[("prompt", "login")])).await;
        let mut page = customer.sign_in(browser, &page).await;
        if page.has_button("#allow") {
            page = browser.submit(&page, "#allow", &[]).await;
        }
        app.redeem(&page.query("code").expect("a code")).await.tokens()
    };
    let second = again(&mut browser, &ada).await;
    assert_eq!(second.id_claims()["sid"], first.id_claims()["sid"]);
    assert_eq!(second.id_claims()["auth_time"].as_i64(), first.id_claims()["auth_time"].as_i64().map(|at| at + 3600));
    assert_eq!(web.userinfo(first.access()).await.status(), 401, "it is an hour old");
    let refreshed = web.refresh(first.refresh()).await.tokens();
    assert_eq!(web.userinfo(refreshed.access()).await.status(), 200, "a grant without offline_access");
    assert_eq!(refreshed.id_claims()["auth_time"], first.id_claims()["auth_time"], "of its own sign-in");
    // Another user in this browser ends the session, and with it these grants.
    let third = again(&mut browser, &bob).await;
    assert_ne!(third.id_claims()["sid"], first.id_claims()["sid"]);
    assert_eq!(web.refresh(refreshed.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(app.refresh(second.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    // A session that was signed out is not renewed.
    let page = browser.open("/oauth2/logout").await;
    browser.submit(&page, "#confirm", &[]).await;
    let fourth = again(&mut browser, &bob).await;
    assert_ne!(fourth.id_claims()["sid"], third.id_claims()["sid"]);
}

#[tokio::test]
async fn security_57_a_session_ends_after_its_idle_or_absolute_lifetime() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    client.sign_in(&mut browser, &customer).await;
    // The document says 7 days idle.
    world.advance(Span::days(7) - Span::seconds(1));
    assert!(is_signed_in(&mut browser).await);
    world.advance(Span::seconds(1));
    assert!(!is_signed_in(&mut browser).await);

    // Used every 6 days (an authorization request counts as use), it ends after 30.
    let mut browser = Browser::new(&world);
    client.sign_in(&mut browser, &customer).await;
    for day in [6, 12, 18, 24] {
        world.advance(Span::days(6));
        let page = browser.open(&client.authorize_url(&[])).await;
        assert!(page.query("code").is_some(), "day {day}: {}", page.url);
    }
    world.advance(Span::days(6) - Span::seconds(1));
    assert!(is_signed_in(&mut browser).await);
    world.advance(Span::seconds(1));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn security_58_after_a_sign_out_the_cookie_is_invalid_at_every_instance() {
    let (engine, vault) = (Engine::memory().expect("an engine"), KeyVault::ephemeral());
    let instance = async || World::builder().engine(engine.clone()).vault(vault.clone()).build().await.expect("an instance");
    let (one, other) = (instance().await, instance().await);
    let customer = Customer::registered(&one, "Ada").await;
    let mut browser = signed_in(&one, &customer).await;
    let mut stolen = Browser::new(&other);
    stolen.cookies = browser.cookies.clone();
    assert!(is_signed_in(&mut stolen.clone()).await);

    let page = browser.open("/oauth2/logout").await;
    browser.submit(&page, "#confirm", &[]).await;
    assert!(!browser.cookies.contains_key("lk-session"));
    assert!(!is_signed_in(&mut stolen).await);
    let mut stolen = Browser::new(&one);
    stolen.cookies.insert("lk-session".to_owned(), "x".to_owned());
    assert!(!is_signed_in(&mut stolen).await);
}

#[tokio::test]
async fn security_61_unreadable_cookies_are_ignored() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let browser = signed_in(&world, &customer).await;
    let genuine = &browser.cookies["lk-session"];
    let other = signed_in(&world, &customer).await.cookies["lk-session"].clone();
    let device = browser.cookies["lk-device"].clone();
    let cases: Vec<Vec<u8>> = vec![
        b"lk-session=".to_vec(),
        b"lk-session".to_vec(),
        b"=".to_vec(),
        b";;;;".to_vec(),
        format!("lk-session={genuine}x").into_bytes(),
        format!("lk-session={}", &genuine[1..]).into_bytes(),
        format!("lk-session={}", &genuine[..genuine.len() - 1]).into_bytes(),
        format!("lk-session={}", genuine.to_ascii_uppercase()).into_bytes(),
        format!("lk-session=\"{genuine}\"").into_bytes(),
        format!("lk-session={genuine}; lk-session={genuine}").into_bytes(),
        format!("lk-session={genuine}; lk-session={other}").into_bytes(),
        format!("lk-session={device}").into_bytes(),
        format!("lk-session={}", "A".repeat(8000)).into_bytes(),
        b"lk-session=\xff\xfe\x80".to_vec(),
        "lk-session=äöü".as_bytes().to_vec(),
    ];
    for cookie in cases {
        for (method, path) in
            [(Method::GET, "/login"), (Method::GET, "/oauth2/logout"), (Method::GET, "/consent"), (Method::POST, "/login")]
        {
            let mut request = http::Request::builder().method(method.clone()).uri(path);
            if let Ok(value) = http::HeaderValue::from_bytes(&cookie) {
                request = request.header(header::COOKIE, value);
            }
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = world.call(request.body(bytes::Bytes::new()).expect("a request")).await;
            assert!(answer.status().as_u16() < 500, "{method} {path} {:?}", String::from_utf8_lossy(&cookie));
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            assert!(!body.contains("You are signed in"), "{:?}", String::from_utf8_lossy(&cookie));
        }
    }
    // Two halves of two sessions do not make a session.
    let mut mixed = Browser::new(&world);
    let halves = format!("{}{}", &genuine[..genuine.len() / 2], &other[other.len() / 2..]);
    mixed.cookies.insert("lk-session".to_owned(), halves);
    assert!(!is_signed_in(&mut mixed).await);
}

#[tokio::test]
async fn security_64_users_of_a_shared_browser_see_no_data_of_each_other() {
    let world = world().await;
    let client = OAuthClient::demo_app(&world);
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let mut browser = Browser::new(&world);
    let mut sids = std::collections::BTreeSet::new();
    for round in 0..3 {
        for customer in [&ada, &bob] {
            // A sign-out without cookies ends nothing. The next user still gets a new session.
            let mut without = browser.clone();
            without.cookies.remove("lk-session");
            without.open("/oauth2/logout").await;
            let page = browser.open(&client.authorize_url(&[("prompt", "login")])).await;
            let mut page = customer.sign_in(&mut browser, &page).await;
            if page.has_button("#allow") {
                page = browser.submit(&page, "#allow", &[]).await;
            }
            let tokens = client.redeem(&page.query("code").expect("a code")).await.tokens();
            let claims = tokens.id_claims();
            assert!(sids.insert(claims["sid"].as_str().expect("a sid").to_owned()), "round {round}");
            let sub = authentication(&world, &customer.email).await.sub.to_string();
            assert_eq!(claims["sub"].as_str(), Some(sub.as_str()));
        }
    }
}

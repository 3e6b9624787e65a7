//! The account pages in a browser without JavaScript: who may open them, who may submit their forms, what mailed links do.
#![expect(clippy::expect_used, reason = "a broken expectation ends the test")]

use http::{Method, StatusCode};
use latchkey::domain::time::Span;
use tests::{AccountClient, Browser, Customer, Page, World};

const PAGES: [&str; 10] = [
    "/account",
    "/account/security",
    "/account/password",
    "/account/email",
    "/account/two-step",
    "/account/two-step/app",
    "/account/sessions",
    "/account/consents",
    "/account/privacy",
    "/account/delete",
];

async fn world() -> World {
    World::new().await.expect("a world")
}

/// Signs a user in on the way to this page.
async fn open_signed_in(world: &World, customer: &Customer, path: &str) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    let page = browser.open(path).await;
    assert!(page.has_field("password"), "{}", page.text());
    let page = customer.sign_in(&mut browser, &page).await;
    (browser, page)
}

async fn link(world: &World, address: &str, part: &str) -> String {
    let mails = world.mails_to(address).await.expect("mails");
    mails.iter().flat_map(|mail| &mail.links).find(|link| link.contains(part)).expect("a link").clone()
}

#[tokio::test]
async fn a_signed_out_user_returns_to_the_requested_page_after_the_sign_in() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    for path in PAGES {
        let (_, page) = open_signed_in(&world, &customer, path).await;
        assert_eq!((page.status(), page.path().as_str()), (200, path), "{}", page.text());
        // security 117, 118
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(page.header("cross-origin-opener-policy"), Some("same-origin"), "{path}");
        assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("form-action 'self'")), "{path}");
    }
    // After a wrong password the user still gets to the page.
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/privacy").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &customer.email), ("password", "wrong")]).await;
    let page = customer.sign_in(&mut browser, &page).await;
    assert_eq!(page.path(), "/account/privacy");
}

#[tokio::test]
async fn an_old_sign_in_is_confirmed_on_pages_that_protect_the_account() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    for (path, guarded) in [
        ("/account", false),
        ("/account/security", false),
        ("/account/sessions", false),
        ("/account/consents", false),
        ("/account/privacy", false),
        ("/account/password", true),
        ("/account/email", true),
        ("/account/two-step", false),
        ("/account/two-step/app", true),
        ("/account/delete", true),
    ] {
        let (mut browser, _) = open_signed_in(&world, &customer, "/account").await;
        world.advance(Span::minutes(6));
        let page = browser.open(path).await;
        assert_eq!(page.has_field("identifier"), guarded, "{path}: {}", page.text());
        if guarded {
            assert!(page.text().contains("Confirm that it is you") && page.html().contains(&customer.email), "{}", page.text());
            let page = customer.sign_in(&mut browser, &page).await;
            assert_eq!((page.status(), page.path().as_str()), (200, path));
        }
    }
}

#[tokio::test]
async fn an_old_form_is_refused_without_a_fresh_sign_in() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, page) = open_signed_in(&world, &customer, "/account/delete").await;
    world.advance(Span::minutes(6));
    let page = browser.submit(&page, "#confirm", &[]).await;
    assert!(page.has_field("password"), "{}", page.text());
    AccountClient::new(&world, &customer).await;
}

/// security 121: the sign-in page redirects only to account pages of its own tenant.
#[tokio::test]
async fn security_121_return_to_accepts_account_pages_only() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    for hostile in [
        "https://evil.example/account",
        "//evil.example/account",
        "/\\evil.example/account",
        "/account/../../evil",
        "/accounts",
        "/account@evil.example",
        "javascript:alert(1)",
        "/account\t//evil",
        "/oauth2/logout",
        "/t/acme/account",
        "account",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", hostile).finish();
        let mut browser = Browser::new(&world);
        let page = browser.open(&format!("/login?{query}")).await;
        let page = customer.sign_in(&mut browser, &page).await;
        let stayed = page.url.starts_with(world.origin()) && matches!(page.path().as_str(), "/login" | "/evil");
        assert!(stayed && !page.url.starts_with("https://evil"), "{hostile}: {}", page.url);
    }
    let (mut browser, _) = open_signed_in(&world, &customer, "/account").await;
    assert_eq!(browser.open("/login?return_to=%2Faccount%2Fsessions").await.path(), "/account/sessions", "already signed in");
}

/// security 120: a form is valid for one browser, one session and one page.
#[tokio::test]
async fn security_120_a_form_of_another_browser_session_or_page_is_refused() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (_, foreign) = open_signed_in(&world, &customer, "/account").await;
    let (mut browser, own) = open_signed_in(&world, &customer, "/account").await;
    let value = |page: &Page| {
        let fields = page.form("#submit").fields;
        fields.into_iter().find(|(name, _)| name == "anti_forgery").expect("an anti-forgery value").1
    };
    let fields = [("given_name", "Eve"), ("family_name", "Eve")];
    for stolen in [value(&foreign), String::new(), "x".repeat(43)] {
        let sent = [fields.as_slice(), &[("anti_forgery", stolen.as_str())]].concat();
        let (_, response) = browser.press(&own, "#submit", &sent).await;
        assert_eq!(response.status(), 403);
    }
    let body = "given_name=Eve&family_name=Eve";
    let target = format!("{}/account", world.origin());
    let response = browser.request(Method::POST, &target, Some("https://evil.example"), body).await;
    assert_eq!(response.status(), 403);
    assert_eq!(AccountClient::new(&world, &customer).await.get("/v1/me").await.json()["given_name"], "Ada");
}

/// security 108, 110
#[tokio::test]
async fn the_profile_page_accepts_its_own_fields_only_and_escapes_values() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, page) = open_signed_in(&world, &customer, "/account").await;
    let saved = browser.submit(&page, "#submit", &[("given_name", "\"><script>alert(1)</script>")]).await;
    assert_eq!(saved.query("done").as_deref(), Some("saved"), "{}", saved.text());
    assert!(!saved.html().contains("<script>alert") && saved.html().contains("&lt;script&gt;"));
    for privileged in ["email", "email_verified", "roles", "sub", "tenant"] {
        let (_, response) = browser.press(&saved, "#submit", &[(privileged, "x")]).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{privileged}");
    }
    // The old page has an older version: it keeps the typed values, and overwrites nothing.
    let stale = browser.submit(&page, "#submit", &[("given_name", "Stale")]).await;
    assert_eq!(stale.status(), 409);
    assert!(stale.html().contains("value=\"Stale\""), "{}", stale.text());
    assert_ne!(AccountClient::new(&world, &customer).await.get("/v1/me").await.json()["given_name"], "Stale");
    assert!(!browser.open("/account?done=%3Cb%3Eyou+won").await.text().contains("won"), "the page shows only our own text");
}

/// security 94: mail scanners open links. Nothing changes until a user presses a button.
#[tokio::test]
async fn security_94_opening_a_mailed_link_changes_nothing() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, page) = open_signed_in(&world, &customer, "/account/email").await;
    let new = "countess@example.org";
    browser.submit(&page, "#submit", &[("email", new)]).await;
    let proof = link(&world, new, "/account/email?token=").await;
    let mut scanner = Browser::new(&world);
    for _ in 0..3 {
        let other_browser_page = scanner.open(&proof).await;
        assert!(
            other_browser_page.has_button("#disown") && !other_browser_page.has_button("#confirm"),
            "{}",
            other_browser_page.text()
        );
    }
    // A scanner that presses every button of a foreign page can at most cancel the change. It can't complete it.
    let here = browser.open(&proof).await;
    assert!(here.has_button("#confirm") && !here.has_button("#disown"), "{}", here.text());
    let changed = browser.submit(&here, "#confirm", &[]).await;
    assert_eq!((changed.path().as_str(), changed.query("done").as_deref()), ("/account/security", Some("email")));
    assert_eq!(browser.open(&proof).await.status(), 410, "already used (security 88)");
}

#[tokio::test]
async fn a_change_of_address_can_be_cancelled_by_the_mailed_link() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, page) = open_signed_in(&world, &customer, "/account/email").await;
    let page = browser.submit(&page, "#submit", &[("email", "bob@example.org")]).await;
    assert!(page.has_field("code"), "{}", page.text());
    let code = world.mails_to("bob@example.org").await.expect("mails").remove(0).codes.remove(0);
    let mut owner = Browser::new(&world);
    let other_browser_page = owner.open(&link(&world, "bob@example.org", "/account/email?token=").await).await;
    let ended = owner.submit(&other_browser_page, "#disown", &[]).await;
    assert!(ended.text().contains("Thank you"), "{}", ended.text());
    // Only the browser that ended the change shows that it has ended.
    for forged in ["/account/email?ended=true".to_owned(), ended.url.clone()] {
        let shown = Browser::new(&world).open(&forged).await;
        assert!(shown.has_field("password") && !shown.text().contains("Thank you"), "{}", shown.text());
    }
    let refused = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert_eq!(refused.status(), 400, "{}", refused.text());
    assert_eq!(AccountClient::new(&world, &customer).await.get("/v1/me").await.json()["email"], customer.email);
}

#[tokio::test]
async fn a_result_is_shown_only_in_the_browser_that_made_it() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, page) = open_signed_in(&world, &customer, "/account").await;
    let saved = browser.submit(&page, "#submit", &[("given_name", "Augusta")]).await;
    assert!(saved.text().contains("Your profile is saved"), "{}", saved.text());
    let (mut other, _) = open_signed_in(&world, &customer, "/account").await;
    let check = saved.query("check").expect("a value");
    for forged in [
        "/account?done=saved".to_owned(),
        saved.url.clone(),
        "/account/security?done=password".to_owned(),
        format!("/account/security?done=password&check={check}"),
        "/account/sessions?done=sessions".to_owned(),
    ] {
        let page = other.open(&forged).await;
        assert!(page.status() == 200 && !page.html().contains("notice good"), "{forged}: {}", page.text());
    }
    for forged in ["/account/restore?done=restored", "/account/email/undo?done=undone"] {
        assert_eq!(other.open(forged).await.status(), 410, "{forged}");
    }
    let page = browser.open("/account/delete").await;
    let closed = browser.submit(&page, "#confirm", &[]).await;
    assert!(closed.text().contains("Your account is closed"), "{}", closed.text());
    let shown = Browser::new(&world).open(&closed.url).await;
    assert!(!shown.text().contains("Your account is closed"), "{}", shown.text());
}

#[tokio::test]
async fn a_user_ends_other_sessions_and_withdraws_consent_by_page() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let app = AccountClient::new(&world, &customer).await;
    let (mut other, _) = open_signed_in(&world, &customer, "/account").await;
    let (mut browser, page) = open_signed_in(&world, &customer, "/account/sessions").await;
    let page = browser.submit(&page, "#submit", &[]).await;
    assert_eq!(page.query("done").as_deref(), Some("sessions"), "{}", page.text());
    assert!(other.open("/account").await.has_field("password"));
    assert_eq!(app.is_alive().await, (false, false));
    let app = AccountClient::signed_in(&mut browser, &world, &customer).await;
    let page = browser.open("/account/consents").await;
    assert!(page.text().contains("Demo storefront"), "{}", page.text());
    let page = browser.submit(&page, "#withdraw-demo-app", &[]).await;
    assert_eq!(page.query("done").as_deref(), Some("consent"), "{}", page.text());
    assert_eq!(app.is_alive().await, (false, false));
    assert!(!page.has_button("#withdraw-demo-app") && page.status() == 200, "the session of the page stays valid");
}

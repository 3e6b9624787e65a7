//! Registration in a browser without JavaScript: the form, the code, the mailed link, and who may use them.
#![expect(clippy::expect_used, reason = "a broken expectation ends the test")]

use http::Method;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use tests::{Anonymous, Browser, Customer, Page, Site, World};

/// The fields of a filled-in form.
fn form_fields<'c>(customer: &'c Customer, more: &[(&'c str, &'c str)]) -> Vec<(&'c str, &'c str)> {
    let mut fields = customer.form_fields().to_vec();
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

/// Registers up to the page with the code field.
async fn begin(browser: &mut Browser, customer: &Customer) -> Page {
    let form = browser.open("/register").await;
    assert_eq!(form.status(), 200, "{}", form.html());
    let page = browser.submit(&form, "#submit", &form_fields(customer, &[])).await;
    assert_eq!((page.status(), page.path().as_str()), (200, "/verify"), "{}", page.text());
    page
}

async fn mail(world: &World, customer: &Customer) -> (String, String) {
    let mail = Site::from(world).mail_to(&customer.email).await;
    let link = mail.links.iter().find(|link| link.contains("/verify?")).expect("a link").clone();
    (mail.codes.first().expect("a code").clone(), link)
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.cookies.keys().any(|name| name.ends_with("lk-session"))
}

const AUTHORIZE: &str = "response_type=code&client_id=demo-app&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fdemo%2Fcallback&scope=openid%20email&state=s%2B1&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

#[tokio::test]
async fn a_user_registers_with_the_code_and_is_signed_in() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let page = begin(&mut browser, &customer).await;
    assert!(page.text().contains(&customer.email), "{}", page.text());
    assert!(!is_signed_in(&browser), "not signed in before the verification");
    let (code, _) = mail(&world, &customer).await;
    let page = browser.submit(&page, "#submit", &[("code", &format!(" {} {} ", &code[..3], &code[3..]))]).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert!(is_signed_in(&browser));
    assert_eq!(page.path(), "/login");
}

#[tokio::test]
async fn after_the_verification_the_authorization_request_continues() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let form = browser.open(&format!("/register?{AUTHORIZE}")).await;
    assert!(form.text().contains("Demo storefront"), "the client is named: {}", form.text());
    let page = browser.submit(&form, "#submit", &form_fields(&customer, &[])).await;
    let (code, _) = mail(&world, &customer).await;
    let (_, answer) = browser.press(&page, "#submit", &[("code", &code)]).await;
    assert_eq!(answer.status(), 303);
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("/oauth2/authorize?lk_stored="), "the request waits in the store (decision 36): {location}");
    assert!(is_signed_in(&browser));
    let mut page = browser.open(location).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    assert_eq!(page.query("state").as_deref(), Some("s+1"), "byte for byte (security 19)");
}

#[tokio::test]
async fn the_link_completes_in_the_browser_that_started() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    begin(&mut browser, &customer).await;
    let (code, link) = mail(&world, &customer).await;
    let page = browser.open(&link).await;
    assert!(!page.html().contains(&code), "no code is needed in this browser");
    let page = browser.submit(&page, "#confirm", &[]).await;
    assert_eq!((page.status(), page.path().as_str()), (200, "/login"), "{}", page.text());
    assert!(is_signed_in(&browser));
    // The link is used: it says so and does nothing else.
    let mut other = Browser::new(&world);
    let again = other.open(&link).await;
    assert!(!again.html().contains("#confirm") && !again.html().contains(&code), "{}", again.text());
    assert!(!is_signed_in(&other));
}

/// security 94: mail scanners open links with HEAD and GET, any number of times.
#[tokio::test]
async fn security_94_opening_a_link_changes_nothing() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let page = begin(&mut browser, &customer).await;
    let (code, link) = mail(&world, &customer).await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let mut scanner = Browser::new(&world);
        drop(world.meter.take());
        let answer = scanner.request(method, &link, None, "").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        assert!(answer.headers()["cache-control"].to_str().unwrap().contains("no-store"), "security 118");
        let writes = world.meter.take().iter().filter(|call| call.engine.write > 0.0).count();
        assert_eq!(writes, 0);
    }
    let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(is_signed_in(&browser), "{}", page.text());
}

/// security 94: in another browser the link shows the code and a button to cancel. It never completes the registration.
#[tokio::test]
async fn security_94_in_another_browser_the_link_shows_the_code_and_can_cancel() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let began = begin(&mut browser, &customer).await;
    let (code, link) = mail(&world, &customer).await;
    let mut phone = Browser::new(&world);
    let page = phone.open(&link).await;
    assert!(page.text().contains(&code), "{}", page.text());
    // The form of the first browser, sent from this one, completes nothing (security 17).
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(page.form("#deny").fields).finish();
    assert!(body.contains("token="));
    let forged = phone.request(Method::POST, &link, None, body).await;
    assert_eq!(forged.status(), 404);
    assert!(!is_signed_in(&phone));
    let ended = phone.submit(&page, "#deny", &[]).await;
    assert_eq!(ended.status(), 200);
    assert!(ended.text().contains("has ended"), "{}", ended.text());
    let refused = browser.submit(&began, "#submit", &[("code", &code)]).await;
    assert!(refused.text().contains("has ended"), "{}", refused.text());
    assert!(!is_signed_in(&browser));
}

/// A registration by the API has no browser: the link always shows the code.
#[tokio::test]
async fn the_link_of_a_registration_by_the_api_shows_the_code() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let started = Anonymous::new(&world).post_json("/v1/registrations", &customer.registration()).await.json();
    let (code, link) = mail(&world, &customer).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&link).await;
    assert!(page.text().contains(&code));
    let ended = browser.submit(&page, "#deny", &[]).await;
    assert_eq!(ended.status(), 200);
    let id = started["registration_id"].as_str().unwrap();
    let path = format!("/v1/registrations/{id}/verification");
    let late = Anonymous::new(&world).post_json(&path, &serde_json::json!({ "code": code })).await;
    assert_eq!(late.refusal(), (400, "invalid_code".to_owned()));
}

/// A registration belongs to the browser that started it (security 17, 79): not to another one, not to the API.
#[tokio::test]
async fn security_17_79_a_registration_moved_to_another_browser_is_refused() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let page = begin(&mut browser, &customer).await;
    let (code, _) = mail(&world, &customer).await;
    let mut thief = Browser::new(&world);
    let seen = thief.open(&page.url).await;
    assert_eq!(seen.status(), 400);
    assert!(!seen.html().contains(&customer.email), "no personal data is shown");
    // The form of the first browser, sent by the second.
    let (_, answer) = {
        thief.open("/register").await;
        thief.press(&page, "#submit", &[("code", &code)]).await
    };
    assert_eq!(answer.status(), 403);
    assert!(!is_signed_in(&thief));
    let id = page.query("flow").unwrap();
    let path = format!("/v1/registrations/{id}/verification");
    let api = Anonymous::new(&world).post_json(&path, &serde_json::json!({ "code": code })).await;
    assert_eq!(api.refusal(), (404, "not_found".to_owned()));
    let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(is_signed_in(&browser), "{}", page.text());
}

#[tokio::test]
async fn errors_are_shown_at_their_fields_and_values_are_kept_except_the_password() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let form = browser.open("/register").await;
    let flawed = [("password", "grace2026"), ("phone_number", "12"), ("customer_type", "business"), ("newsletter", "true")];
    let page = browser.submit(&form, "#submit", &form_fields(&customer, &flawed)).await;
    assert_eq!(page.status(), 400);
    let html = page.html();
    for id in ["password-error", "phone_number-error", "company-error", "errors"] {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(!html.contains("id=\"given_name-error\""));
    assert!(html.contains(&customer.email) && html.contains("value=\"12\""));
    assert!(!html.contains("grace2026"), "the password is not sent back");
    let form = page.form("#submit");
    assert!(form.fields.contains(&("newsletter".to_owned(), "true".to_owned())), "ticked boxes stay ticked");
    assert!(form.fields.contains(&("customer_type".to_owned(), "business".to_owned())));
    let more = [("phone_number", "+49 30 123456"), ("company", "ACME")];
    let page = browser.submit(&page, "#submit", &form_fields(&customer, &more)).await;
    assert_eq!(page.path(), "/verify", "{}", page.text());
}

/// security 66, 110: pasting is allowed, the form has no composition rules, and user text is escaped.
#[tokio::test]
async fn security_66_110_the_form_escapes_text_and_works_with_password_managers() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let form = browser.open("/register").await;
    let html = form.html();
    assert!(html.contains("autocomplete=\"new-password\"") && html.contains("autocomplete=\"username\""));
    assert!(!html.contains("onpaste") && !html.contains("maxlength=\"16\""));
    let customer = Customer::new("Grace");
    let script = "\"><script>alert(1)</script>";
    let flawed = [("given_name", script), ("family_name", "{{ 7*7 }}"), ("password", "x")];
    let page = browser.submit(&form, "#submit", &form_fields(&customer, &flawed)).await;
    assert!(!page.html().contains("<script>alert"), "security 110");
    assert!(page.html().contains("{{ 7*7 }}"), "a value is not run as a template");
}

/// security 108, 120: a forged form is refused as a whole.
#[tokio::test]
async fn security_108_120_a_foreign_form_or_field_is_refused() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let form = browser.open("/register").await;
    for name in ["email_verified", "roles", "sub", "tenant", "email", "terms_x"] {
        let page = browser.submit(&form, "#submit", &form_fields(&customer, &[(name, "true")])).await;
        assert_eq!(page.status(), 400, "{name}");
    }
    for forged in ["", "AAAA", "x"] {
        let page = browser.submit(&form, "#submit", &form_fields(&customer, &[("anti_forgery", forged)])).await;
        assert_eq!(page.status(), 403, "{forged:?}");
    }
    browser.headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
    let page = browser.submit(&form, "#submit", &form_fields(&customer, &[])).await;
    assert_eq!(page.status(), 403);
    assert!(world.mails().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_code_can_be_requested_and_the_page_counts_tries_down() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let mut page = begin(&mut browser, &customer).await;
    let wrong = browser.submit(&page, "#submit", &[("code", "abcdef")]).await;
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().contains("4 tries left"), "{}", wrong.text());
    for _ in 0..3 {
        page = browser.submit(&page, "#resend", &[]).await;
        assert!(page.text().contains("on its way"), "{}", page.text());
    }
    assert!(!page.html().contains("id=\"resend\""), "there is no fourth resend");
    let (code, _) = mail(&world, &customer).await;
    let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(is_signed_in(&browser), "{}", page.text());
}

/// security 107: the pages look the same for an address with an account. Its owner gets a notice instead of a code.
#[tokio::test]
async fn security_107_the_pages_of_a_known_address_look_the_same() {
    let world = World::new().await.unwrap();
    let known = Customer::registered(&world, "Grace").await;
    let unknown = Customer::new("Alice");
    let mut texts = Vec::new();
    for customer in [&known, &unknown] {
        let mut browser = Browser::new(&world);
        let page = begin(&mut browser, customer).await;
        texts.push(page.text().replace(&customer.email, "…"));
        let wrong = browser.submit(&page, "#submit", &[("code", "abcdef")]).await;
        texts.push(wrong.text().replace(&customer.email, "…"));
        let resent = browser.submit(&page, "#resend", &[]).await;
        texts.push(resent.text().replace(&customer.email, "…"));
    }
    assert_eq!(texts[..3], texts[3..]);
    let mails = Site::from(&world).mails_to(&known.email).await;
    assert!(mails[0].codes.is_empty());
}

#[tokio::test]
async fn an_expired_registration_says_so_and_offers_a_restart() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    let customer = Customer::new("Grace");
    let page = begin(&mut browser, &customer).await;
    let (code, link) = mail(&world, &customer).await;
    world.advance(Span::minutes(30));
    let late = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert_eq!(late.status(), 400);
    assert!(late.text().contains("Start again"), "{}", late.text());
    let late = browser.open(&link).await;
    assert_eq!(late.status(), 400);
    assert!(!is_signed_in(&browser));
}

#[tokio::test]
async fn pages_use_the_language_of_the_browser_and_stay_in_their_tenant() {
    let world = World::builder().tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let mut browser = Browser::new(&world);
    browser.language = "de-AT,en;q=0.5".to_owned();
    let form = browser.open("/t/acme/register").await;
    assert!(form.text().contains("Vorname"), "{}", form.text());
    let customer = Customer::new("Grace");
    let page = browser.submit(&form, "#submit", &form_fields(&customer, &[])).await;
    assert_eq!(page.path(), "/t/acme/verify", "{}", page.text());
    let (code, link) = mail(&world, &customer).await;
    assert!(link.starts_with("http://localhost:8080/t/acme/verify?"));
    let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert_eq!(page.path(), "/t/acme/login");
    assert!(browser.cookies.keys().any(|name| name.ends_with("lk-session-acme")), "{:?}", browser.cookies.keys());
}

/// security 53, 89: no request header changes where a page or a link leads.
#[tokio::test]
async fn security_89_hostile_headers_change_no_link() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::new(&world);
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("forwarded", "host=evil.example;proto=gopher"),
        ("x-original-url", "https://evil.example/"),
    ] {
        browser.headers.push((name.to_owned(), value.to_owned()));
    }
    let customer = Customer::new("Grace");
    let page = begin(&mut browser, &customer).await;
    assert!(!page.html().contains("evil.example"));
    let mail = Site::from(&world).mail_to(&customer.email).await;
    assert!(!mail.html.contains("evil.example") && !mail.text.contains("evil.example"));
    assert!(mail.links.iter().filter(|link| link.contains("/verify")).all(|link| link.starts_with("http://localhost:8080/")));
}

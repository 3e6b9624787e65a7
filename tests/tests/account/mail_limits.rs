//! Limits of mails (decision 31): no stranger stops a registration or a recovery, no notice takes the place of the only way back, and
//! what waits or is left out is shown.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::{Method, Request};
use latchkey::domain::mail_limit::{SHORT_CODES_A_DAY, STARTS_A_DAY};
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::net::IpAddr;
use tests::{AccountClient, Anonymous, Browser, Customer, Site};

const STRANGER: [u8; 4] = [203, 0, 113, 9];

async fn world() -> World {
    World::new().await.expect("a world")
}

/// Starts a registration from another network. Returns status and body.
async fn start_from(world: &World, address: impl Into<IpAddr>, customer: &Customer) -> (u16, Value) {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/registrations")
        .header("content-type", "application/json")
        .body(customer.registration().to_string())
        .expect("a request");
    let response = world.call_from(address.into(), request).await;
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

async fn newest_code(world: &World, email: &str) -> String {
    Site::from(world).mail_to(email).await.codes.first().expect("a code").clone()
}

async fn verify(world: &World, started: &Value, code: &str) -> u16 {
    let path = format!("/v1/registrations/{}/verification", started["registration_id"].as_str().expect("an id"));
    Anonymous::new(world).post_json(&path, &json!({ "code": code })).await.status()
}

/// security 79, 116, 145: a stranger who uses up the short codes of an address stops no registration, on page or API.
#[tokio::test]
async fn a_stranger_cannot_stop_a_registration() {
    let world = world().await;
    let ada = Customer::new("Ada");
    let mut short = 0;
    loop {
        let (status, _) = start_from(&world, STRANGER, &ada).await;
        if status == 429 {
            break;
        }
        assert_eq!(status, 202);
        short += u32::from(newest_code(&world, &ada.email).await.len() == 6);
    }
    let mails = world.mails_to(&ada.email).await.expect("mails").len();
    assert_eq!(mails, (SHORT_CODES_A_DAY + STARTS_A_DAY) as usize, "every started registration was mailed");
    // The guesses at codes of 6 digits stay below a hundred in any 24 hours, by whatever trigger.
    assert_eq!(short, SHORT_CODES_A_DAY);

    let started = Anonymous::new(&world).post_json("/v1/registrations", &ada.registration()).await;
    assert_eq!(started.status(), 202, "{}", started.text());
    let code = newest_code(&world, &ada.email).await;
    assert_eq!(code.len(), 10, "a code of 50 bits");
    assert_eq!(verify(&world, &started.json(), "123456").await, 400);
    let typed = format!("{}-{}", &code[..5].to_lowercase(), &code[5..]);
    assert_eq!(verify(&world, &started.json(), &typed).await, 201);

    let bob = Customer::new("Bob");
    for _ in 0..SHORT_CODES_A_DAY {
        start_from(&world, STRANGER, &bob).await;
    }
    let mut browser = Browser::new(&world);
    let page = browser.open("/register").await;
    let page = browser.submit(&page, "#submit", &bob.form_fields()).await;
    assert!(page.has_field("code"), "{}", page.text());
    assert!(!page.html().contains("inputmode=\"numeric\""), "a code with letters can be typed on every keyboard");
    let code = newest_code(&world, &bob.email).await;
    browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(browser.cookies.contains_key("lk-session"));
}

/// security 145: a code is never voided by one that is not mailed: each resend is mailed, whatever strangers did before.
#[tokio::test]
async fn a_resent_code_is_mailed_and_changes_neither_life_nor_tries() {
    let world = world().await;
    let ada = Customer::new("Ada");
    for _ in 0..3 {
        start_from(&world, STRANGER, &ada).await;
    }
    let api = Anonymous::new(&world);
    let started = api.post_json("/v1/registrations", &ada.registration()).await.json();
    assert_eq!(verify(&world, &started, "000000").await, 400);
    let path = format!("/v1/registrations/{}/resend", started["registration_id"].as_str().expect("an id"));
    for _ in 0..3 {
        let before = world.mails_to(&ada.email).await.expect("mails").len();
        world.advance(Span::minutes(1));
        let resent = api.post_json(&path, &json!({})).await;
        assert_eq!((resent.status(), &resent.json()["expires_at"]), (202, &started["expires_at"]));
        assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before + 1, "a new generation is mailed");
    }
    for _ in 0..3 {
        assert_eq!(verify(&world, &started, "000000").await, 400);
    }
    // One try of five is left, and the newest mailed code works.
    let code = newest_code(&world, &ada.email).await;
    assert_eq!(verify(&world, &started, &code).await, 201);
}

/// Posts the recovery form of this browser from another network. Returns status, `Retry-After` and text.
async fn recover_from(world: &World, address: [u8; 4], email: &str) -> (u16, Option<String>, String) {
    let mut browser = Browser::new(world);
    let page = browser.open("/recover").await;
    let anti_forgery = page.form("#submit").fields[0].1.clone();
    let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("anti_forgery", anti_forgery.as_str()), ("identifier", email)])
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/recover")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookies.join("; "))
        .body(body)
        .expect("a request");
    let response = world.call_from(IpAddr::from(address), request).await;
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    (response.status().as_u16(), retry_after, String::from_utf8_lossy(response.body()).into_owned())
}

/// security 93, 116, 145: a stranger's requests and wrong codes cost the owner nothing, and the page says when nothing more is sent, in the
/// same words for every address.
#[tokio::test]
async fn a_stranger_cannot_stop_a_recovery_and_the_page_says_when_nothing_more_is_sent() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    world.advance(Span::minutes(1));
    let mut refusals = Vec::new();
    for email in [ada.email.as_str(), "unknown@example.com"] {
        for _ in 0..STARTS_A_DAY {
            assert_eq!(recover_from(&world, STRANGER, email).await.0, 303);
        }
        let before = world.mails().await.expect("mails").len();
        let (status, retry_after, text) = recover_from(&world, STRANGER, email).await;
        assert_eq!(world.mails().await.expect("mails").len(), before);
        let wait: i64 = retry_after.expect("a Retry-After").parse().expect("seconds");
        assert!(status == 429 && wait > 0 && wait <= 86_400, "{status} {wait}");
        assert!(text.contains("we send no more for 12 hours"), "{text}");
        let start = text.find("we send no more").expect("the words");
        refusals.push((wait, text[start..start + 80].to_owned()));
    }
    assert_eq!(refusals[0], refusals[1]);

    // The owner, in another network, gets a code that works.
    let before = world.mails_to(&ada.email).await.expect("mails").len();
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before + 1);
    let code = newest_code(&world, &ada.email).await;
    let done = browser.submit(&page, "#submit", &[("code", &code), ("password", "a quite different 9 umbrellas")]).await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
}

/// security 116: an owner on a known device shares no limit with strangers, even in the same network.
#[tokio::test]
async fn a_known_device_has_a_limit_of_its_own() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    AccountClient::signed_in(&mut browser, &world, &ada).await;
    // The network of the browser in a world.
    while recover_from(&world, [192, 0, 2, 1], &ada.email).await.0 == 303 {}
    world.advance(Span::minutes(1));
    let before = world.mails_to(&ada.email).await.expect("mails").len();
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    assert!(page.has_field("code"), "{}", page.text());
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before + 1);
}

async fn change_password(me: &AccountClient, current: &str, new: &str) {
    let body = json!({ "current_password": current, "new_password": new });
    let changed = me.post("/v1/me/password", &body).await;
    assert_eq!(changed.status(), 204, "{}", changed.text());
}

/// Changes the password eight times. Returns the last one.
async fn flood_with_notices(me: &AccountClient, customer: &Customer) -> String {
    let mut password = customer.password.clone();
    for n in 0..8 {
        let next = format!("number {n} of 8 orange boats");
        change_password(me, &password, &next).await;
        password = next;
    }
    password
}

/// security 145: the mail that undoes a change of address, and the one that restores an account, never lose their place.
#[tokio::test]
async fn the_only_way_back_is_always_mailed() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    flood_with_notices(&me, &ada).await;
    let begun = me.post("/v1/me/email", &json!({ "email": "thief@example.net", "locale": "en" })).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    let code = newest_code(&world, "thief@example.net").await;
    assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200);
    let mail = world.mails_to(&ada.email).await.expect("mails").remove(0);
    assert!(mail.links.iter().any(|link| link.contains("/account/email/undo?token=")), "{}", mail.subject);

    let bob = Customer::registered(&world, "Bob").await;
    let me = AccountClient::new(&world, &bob).await;
    flood_with_notices(&me, &bob).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let mail = world.mails_to(&bob.email).await.expect("mails").remove(0);
    assert!(mail.links.iter().any(|link| link.contains("/account/restore?token=")), "{}", mail.subject);
}

/// Notices above their limit wait for the next hour and are one mail; the account's history shows those that are merged into it.
#[tokio::test]
async fn notices_are_merged_and_the_history_shows_it() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    let password = flood_with_notices(&me, &ada).await;
    let notices = || async {
        let mails = world.mails_to(&ada.email).await.expect("mails");
        mails.iter().filter(|mail| mail.subject == "Your password at Latchkey Demo was changed").count()
    };
    assert_eq!(notices().await, 5);
    world.advance(Span::hours(1));
    assert_eq!(notices().await, 6, "one mail for the last three");
    world.advance(Span::hours(24));
    assert_eq!(notices().await, 6);
    let ada = Customer { password, ..ada.clone() };
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/security").await;
    let page = ada.sign_in(&mut browser, &page).await;
    let merged = "Several mails of one kind were due, so they were sent as one mail";
    assert_eq!(page.text().matches(merged).count(), 2, "{}", page.text());
}

/// security 95, 116: an account mails codes to at most five new addresses a day, and its owner is told about them.
#[tokio::test]
async fn changes_of_address_are_limited_by_account_and_the_owner_is_told() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    let before = world.mails_to(&ada.email).await.expect("mails").len();
    for n in 0..5 {
        let begun = me.post("/v1/me/email", &json!({ "email": format!("p{n}@example.net"), "locale": "en" })).await;
        assert_eq!(begun.status(), 202, "{}", begun.text());
        assert_eq!(world.mails_to(&format!("p{n}@example.net")).await.expect("mails").len(), 1);
    }
    let refused = me.post("/v1/me/email", &json!({ "email": "p5@example.net", "locale": "en" })).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("86400"));
    assert!(world.mails_to("p5@example.net").await.expect("mails").is_empty());
    let told = world.mails_to(&ada.email).await.expect("mails");
    assert_eq!(told.len(), before + 5);
    assert!(told[0].subject.starts_with("A new e-mail address") && !told[0].text.contains("p4@"), "{}", told[0].text);

    // The page says the same, with the time.
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/email").await;
    let page = ada.sign_in(&mut browser, &page).await;
    let (_, answer) = browser.press(&page, "#submit", &[("code", "0000000000")]).await;
    assert_eq!(answer.status(), 400);
    let page = browser.open("/account/email").await;
    browser.press(&page, "#cancel", &[]).await;
    let page = browser.open("/account/email").await;
    let (_, answer) = browser.press(&page, "#submit", &[("email", "p6@example.net")]).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().ok()), (429, Some("86400")));
    world.advance(Span::days(1));
    let me = AccountClient::new(&world, &ada).await;
    let begun = me.post("/v1/me/email", &json!({ "email": "p5@example.net", "locale": "en" })).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
}

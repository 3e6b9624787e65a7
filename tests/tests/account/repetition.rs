//! security 148: a request that is repeated because its reply was lost gets the same answer for ten minutes, in the same hands.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::Method;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::anonymous::Answer;
use tests::{AccountClient, Anonymous, Browser, Customer, Site};

const NEW: &str = "countess@example.org";

async fn world() -> World {
    World::new().await.expect("a world")
}

async fn newest_code(world: &World, email: &str) -> String {
    Site::from(world).mail_to(email).await.codes.first().expect("a code").clone()
}

async fn verify(world: &World, started: &Value, code: &str, key: Option<&str>) -> Answer {
    let path = format!("/v1/registrations/{}/verification", started["registration_id"].as_str().expect("an id"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    Anonymous::new(world).send(Method::POST, &path, &headers, json!({ "code": code }).to_string()).await
}

#[tokio::test]
async fn security_148_a_verification_by_api_is_repeated_with_its_key() {
    let world = world().await;
    let ada = Customer::new("Ada");
    let started = Anonymous::new(&world).post_json("/v1/registrations", &ada.registration()).await.json();
    let code = newest_code(&world, &ada.email).await;
    let first = verify(&world, &started, &code, Some("key-1")).await;
    assert_eq!(first.status(), 201, "{}", first.text());
    let again = verify(&world, &started, &code, Some("key-1")).await;
    assert_eq!((again.status(), again.json()), (201, first.json()));
    for (key, code) in [(None, code.as_str()), (Some("key-2"), &code), (Some("key-1"), "000000")] {
        let refused = verify(&world, &started, code, key).await;
        assert_eq!(refused.refusal(), (400, "invalid_code".to_owned()), "{key:?}");
    }
    world.advance(Span::minutes(10));
    assert_eq!(verify(&world, &started, &code, Some("key-1")).await.status(), 400);
}

#[tokio::test]
async fn security_148_a_verification_by_page_is_repeated_in_its_browser() {
    let world = world().await;
    let ada = Customer::new("Ada");
    let mut browser = Browser::new(&world);
    let page = browser.open("/register").await;
    let form = browser.submit(&page, "#submit", &ada.form_fields()).await;
    let code = newest_code(&world, &ada.email).await;
    // The reply is lost: the browser keeps what it had before.
    let mut lost = browser.clone();
    let (location, first) = lost.press(&form, "#submit", &[("code", &code)]).await;
    assert_eq!(first.status(), 303);
    let (again_location, again) = browser.press(&form, "#submit", &[("code", &code)]).await;
    assert_eq!((again.status().as_u16(), &again_location), (303, &location));
    assert_eq!(browser.cookies["lk-session"], lost.cookies["lk-session"], "the same session");
    assert_eq!(browser.open("/account").await.status(), 200);
    assert!(
        browser.open("/account").await.text().contains(&ada.email) || browser.open("/account").await.has_field("given_name")
    );

    // In other hands the code is spent.
    let mut other_browser = Browser::new(&world);
    let (_, refused) = other_browser.press(&form, "#submit", &[("code", &code)]).await;
    assert!(refused.status().is_client_error() && !other_browser.cookies.contains_key("lk-session"));

    // After a sign-out the repeated form opens nothing.
    let page = browser.open("/oauth2/logout").await;
    browser.submit(&page, "#confirm", &[]).await;
    browser.press(&form, "#submit", &[("code", &code)]).await;
    assert!(browser.open("/account").await.has_field("password"), "a sign-in page");
    world.advance(Span::minutes(10));
    let (_, late) = browser.press(&form, "#submit", &[("code", &code)]).await;
    assert_ne!(late.status(), 303);
}

#[tokio::test]
async fn security_148_a_change_of_address_is_repeated_by_its_session() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    let other = AccountClient::new(&world, &ada).await;
    let body = json!({ "email": NEW, "locale": "en" });
    assert_eq!(me.post("/v1/me/email", &body).await.status(), 202);
    let code = json!({ "code": newest_code(&world, NEW).await });
    let first = me.post("/v1/me/email/verification", &code).await;
    let again = me.post("/v1/me/email/verification", &code).await;
    assert_eq!((first.status(), again.status(), again.json()), (200, 200, first.json()));
    assert_eq!(other.post("/v1/me/email/verification", &code).await.refusal(), (400, "invalid_code".to_owned()));
    let wrong = me.post("/v1/me/email/verification", &json!({ "code": "0000000000" })).await;
    assert_eq!(wrong.refusal(), (400, "invalid_code".to_owned()));
    assert_eq!(
        world.mails_to(&ada.email).await.expect("mails").iter().filter(|mail| mail.subject.contains("was changed")).count(),
        1
    );
    world.advance(Span::minutes(10));
    let tokens = me.app().refresh(me.tokens.refresh()).await.tokens();
    let me = AccountClient { tokens, ..me };
    assert_eq!(me.post("/v1/me/email/verification", &code).await.status(), 400);
}

#[tokio::test]
async fn security_148_a_password_reset_is_repeated_in_its_browser_with_the_same_password() {
    let world = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await;
    let form = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    let code = newest_code(&world, &ada.email).await;
    let sent = |password| [("code", code.as_str()), ("password", password)];
    let (first, again) = (sent("a quite different 9 umbrellas"), sent("a quite different 9 umbrellas"));
    let mut lost = browser.clone();
    let (location, answer) = lost.press(&form, "#submit", &first).await;
    assert_eq!(answer.status(), 303);
    let (again_location, answer) = browser.press(&form, "#submit", &again).await;
    assert_eq!((answer.status().as_u16(), again_location), (303, location));
    // Another password is another request, and the code is spent.
    let (_, answer) = browser.press(&form, "#submit", &sent("yet another 4 elephants")).await;
    assert_eq!(answer.status(), 400);
    let notices = world.mails_to(&ada.email).await.expect("mails");
    assert_eq!(notices.iter().filter(|mail| mail.subject.contains("was changed")).count(), 1);
    world.advance(Span::minutes(10));
    let (_, late) = browser.press(&form, "#submit", &again).await;
    assert_eq!(late.status(), 400);
}

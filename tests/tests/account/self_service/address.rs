//! `POST /v1/me/email` and its verification (security 88–90, 93, 95).

use crate::self_service::{STALE, assert_step_up, register_ada, world};
use http::Method;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::json;
use tests::anonymous::Answer;
use tests::{AccountClient, Browser, Customer};

const NEW: &str = "countess@example.org";

async fn request_change(me: &AccountClient, email: &str) -> Answer {
    me.post("/v1/me/email", &json!({ "email": email, "locale": "en" })).await
}

async fn verify(me: &AccountClient, code: &str) -> Answer {
    me.post("/v1/me/email/verification", &json!({ "code": code })).await
}

async fn code(world: &World, address: &str) -> String {
    world.mails_to(address).await.expect("mails").remove(0).codes.remove(0)
}

/// Whether this address and password can sign in.
async fn signs_in(world: &World, email: &str, password: &str) -> bool {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    !browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await.has_field("password")
}

#[tokio::test]
async fn security_95_the_old_address_is_valid_until_the_new_one_is_verified_and_is_notified() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let begun = request_change(&me, " Countess@Example.ORG ").await;
    assert_eq!((begun.status(), &begun.json()["status"]), (202, &json!("verification_required")));
    let code = code(&world, NEW).await;
    assert_eq!(code.len(), 10);
    assert_eq!(me.get("/v1/me").await.json()["email"], customer.email);
    assert!(!signs_in(&world, NEW, &customer.password).await, "a pending address can't sign in");
    assert!(signs_in(&world, &customer.email, &customer.password).await);
    let notices_before = world.mails_to(&customer.email).await.expect("mails").len();
    let proven = verify(&me, &format!("{}-{}", &code[..5], code[5..].to_lowercase())).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    let claims = me.get("/v1/me").await.json();
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(NEW), &json!(true)));
    assert!(signs_in(&world, NEW, &customer.password).await);
    assert!(!signs_in(&world, &customer.email, &customer.password).await);
    let notices = world.mails_to(&customer.email).await.expect("mails");
    assert_eq!(notices.len(), notices_before + 1);
    assert!(notices[0].links[0].contains("/account/email/undo?token="), "{:?}", notices[0].links);
    assert!(!notices[0].text.contains(NEW), "the mail to the old address does not name the new one");
    let other = AccountClient::new(&world, &Customer { email: NEW.to_owned(), ..customer }).await;
    assert_eq!(verify(&other, &code).await.refusal(), (400, "invalid_code".to_owned()), "already used (security 88)");
}

#[tokio::test]
async fn a_change_of_address_needs_a_fresh_sign_in_and_a_different_address() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    assert_eq!(request_change(&me, &customer.email).await.json()["errors"][0]["code"], "unchanged");
    for bad in [json!(["a@example.com"]), json!({ "a": 1 }), json!("a@example.com,b@example.com"), json!(""), json!(null)] {
        // security 90
        assert_eq!(me.post("/v1/me/email", &json!({ "email": bad })).await.status(), 400, "{bad}");
    }
    world.advance(STALE);
    assert_step_up(&request_change(&me, NEW).await);
}

#[tokio::test]
async fn security_107_only_the_owner_of_a_known_address_is_notified() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let bob = Customer::registered(&world, "Bob").await;
    let (known, unknown) = (request_change(&me, &bob.email).await, request_change(&me, NEW).await);
    assert_eq!((known.status(), known.json()["status"].clone()), (unknown.status(), unknown.json()["status"].clone()));
    request_change(&me, &bob.email).await;
    let mail = world.mails_to(&bob.email).await.expect("mails").remove(0);
    assert!(mail.codes.is_empty() && mail.subject.contains("already"), "{}", mail.subject);
    assert!(!mail.text.contains("Ada") && mail.text.contains("Bob"), "{}", mail.text);
    assert_eq!(me.get("/v1/me").await.json()["email"], customer.email);
}

#[tokio::test]
async fn five_wrong_codes_or_half_an_hour_end_a_change_of_address() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    request_change(&me, NEW).await;
    let right = code(&world, NEW).await;
    for _ in 0..5 {
        assert_eq!(verify(&me, "0000000000").await.refusal(), (400, "invalid_code".to_owned()));
    }
    assert_eq!(verify(&me, &right).await.status(), 400, "no tries left");
    request_change(&me, NEW).await;
    let second = code(&world, NEW).await;
    assert_ne!(right, second);
    // Long enough for the change to expire. The token is refreshed meanwhile, without a new sign-in.
    world.advance(Span::minutes(31));
    let tokens = me.app().refresh(me.tokens.refresh()).await.tokens();
    let me = AccountClient { tokens, ..me };
    assert_eq!(verify(&me, &second).await.status(), 400, "expired (security 131)");
    assert!(me.get("/v1/me").await.json()["email"] == "ada@example.com");
}

/// What proves a mailbox for a new address dies with the password that was valid when it was requested.
#[tokio::test]
async fn security_146_a_new_password_ends_a_pending_change_of_address() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    request_change(&me, NEW).await;
    let code = code(&world, NEW).await;
    let body = json!({ "current_password": customer.password, "new_password": "another 9 purple bicycles" });
    assert_eq!(me.post("/v1/me/password", &body).await.status(), 204);
    assert_eq!(verify(&me, &code).await.refusal(), (400, "invalid_code".to_owned()));
    assert_eq!(me.get("/v1/me").await.json()["email"], customer.email);
}

/// A registration of the same address dies when the address gets an account.
#[tokio::test]
async fn security_146_an_older_registration_is_dead_once_the_address_has_an_account() {
    let world = world().await;
    let ada = Customer::new("Ada");
    let api = tests::Anonymous::new(&world);
    let squat = Customer { password: "the squatter's 5 lanterns".to_owned(), ..ada.clone() };
    let begun = api.post_json("/v1/registrations", &squat.registration()).await.json();
    let old_code = code(&world, &ada.email).await;
    ada.register(&world).await;
    let path = format!("/v1/registrations/{}/verification", begun["registration_id"].as_str().unwrap_or_default());
    let refused = api.post_json(&path, &json!({ "code": old_code })).await;
    assert_eq!(refused.refusal(), (409, "already_registered".to_owned()), "{}", refused.text());
    assert!(signs_in(&world, &ada.email, &ada.password).await);
    assert!(!signs_in(&world, &ada.email, &squat.password).await);
}

#[tokio::test]
async fn security_105_the_first_to_verify_an_address_gets_it() {
    let world = world().await;
    let (_, me) = register_ada(&world).await;
    let bob = Customer { email: NEW.to_owned(), ..Customer::new("Bob") };
    request_change(&me, NEW).await;
    let code = code(&world, NEW).await;
    bob.register(&world).await;
    let taken = verify(&me, &code).await;
    assert_eq!(taken.refusal(), (409, "already_registered".to_owned()), "{}", taken.text());
    assert!(signs_in(&world, NEW, &bob.password).await);
    assert_eq!(me.get("/v1/me").await.json()["email"], "ada@example.com");
}

#[tokio::test]
async fn security_89_hostile_headers_do_not_change_the_mail() {
    let bodies = |headers: Vec<(&'static str, &'static str)>| async move {
        let world = world().await;
        let (customer, me) = register_ada(&world).await;
        let body = json!({ "email": NEW });
        let begun = me.call(Method::POST, "/v1/me/email", &headers, Some(&body)).await;
        assert_eq!(begun.status(), 202, "{}", begun.text());
        let code = code(&world, NEW).await;
        let proof = json!({ "code": code });
        assert_eq!(me.call(Method::POST, "/v1/me/email/verification", &headers, Some(&proof)).await.status(), 200);
        let mut hosts: Vec<String> = Vec::new();
        for address in [NEW, customer.email.as_str()] {
            let mail = world.mails_to(address).await.expect("mails").remove(0);
            assert!(!mail.text.contains("evil") && !mail.html.contains("evil"));
            hosts.extend(mail.links.iter().map(|link| link.split("?token=").next().unwrap_or_default().to_owned()));
        }
        hosts
    };
    let plain = bodies(vec![]).await;
    let hostile = bodies(vec![
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("forwarded", "host=evil.example"),
    ])
    .await;
    assert_eq!(plain, hostile);
}

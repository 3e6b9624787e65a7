//! `POST /v1/me/email` and its verification (security 88–90, 93, 95).

use crate::self_service::{STALE, ada, assert_step_up, world};
use http::Method;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::json;
use tests::anonymous::Answer;
use tests::{AccountClient, Browser, Customer};

const NEW: &str = "countess@example.org";

async fn wish(me: &AccountClient, email: &str) -> Answer {
    me.post("/v1/me/email", &json!({ "email": email, "locale": "en" })).await
}

async fn verify(me: &AccountClient, code: &str) -> Answer {
    me.post("/v1/me/email/verification", &json!({ "code": code })).await
}

async fn code(world: &World, address: &str) -> String {
    world.mails_to(address).await.expect("mails").remove(0).codes.remove(0)
}

/// Whether address and password sign in.
async fn signs_in(world: &World, email: &str, password: &str) -> bool {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    !browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await.has_field("password")
}

#[tokio::test]
async fn security_95_the_old_address_stays_in_force_until_the_new_one_is_proven_and_is_told() {
    let world = world().await;
    let (customer, me) = ada(&world).await;
    let begun = wish(&me, " Countess@Example.ORG ").await;
    assert_eq!((begun.status(), &begun.json()["status"]), (202, &json!("verification_required")));
    let code = code(&world, NEW).await;
    assert_eq!(code.len(), 10);
    assert_eq!(me.get("/v1/me").await.json()["email"], customer.email);
    assert!(!signs_in(&world, NEW, &customer.password).await, "a pending address signs nobody in");
    assert!(signs_in(&world, &customer.email, &customer.password).await);
    let told_before = world.mails_to(&customer.email).await.expect("mails").len();
    let proven = verify(&me, &format!("{}-{}", &code[..5], code[5..].to_lowercase())).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    let claims = me.get("/v1/me").await.json();
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(NEW), &json!(true)));
    assert!(signs_in(&world, NEW, &customer.password).await);
    assert!(!signs_in(&world, &customer.email, &customer.password).await);
    let told = world.mails_to(&customer.email).await.expect("mails");
    assert_eq!(told.len(), told_before + 1);
    assert!(told[0].links[0].contains("/account/email/undo?token="), "{:?}", told[0].links);
    assert!(!told[0].text.contains(NEW), "the former address is not told the new one");
    assert_eq!(verify(&me, &code).await.refusal(), (400, "invalid_code".to_owned()), "used up (security 88)");
}

#[tokio::test]
async fn it_needs_a_fresh_sign_in_one_text_and_another_address() {
    let world = world().await;
    let (customer, me) = ada(&world).await;
    assert_eq!(wish(&me, &customer.email).await.json()["errors"][0]["code"], "unchanged");
    for bad in [json!(["a@example.com"]), json!({ "a": 1 }), json!("a@example.com,b@example.com"), json!(""), json!(null)] {
        // security 90
        assert_eq!(me.post("/v1/me/email", &json!({ "email": bad })).await.status(), 400, "{bad}");
    }
    world.advance(STALE);
    assert_step_up(&wish(&me, NEW).await);
}

#[tokio::test]
async fn security_107_whoever_has_the_address_is_told_and_the_caller_is_not() {
    let world = world().await;
    let (customer, me) = ada(&world).await;
    let bob = Customer::registered(&world, "Bob").await;
    let (known, unknown) = (wish(&me, &bob.email).await, wish(&me, NEW).await);
    assert_eq!((known.status(), known.json()["status"].clone()), (unknown.status(), unknown.json()["status"].clone()));
    wish(&me, &bob.email).await;
    let mail = world.mails_to(&bob.email).await.expect("mails").remove(0);
    assert!(mail.codes.is_empty() && mail.subject.contains("already"), "{}", mail.subject);
    assert!(!mail.text.contains("Ada") && mail.text.contains("Bob"), "{}", mail.text);
    assert_eq!(me.get("/v1/me").await.json()["email"], customer.email);
}

#[tokio::test]
async fn five_wrong_codes_and_half_an_hour_end_it() {
    let world = world().await;
    let (_, me) = ada(&world).await;
    wish(&me, NEW).await;
    let right = code(&world, NEW).await;
    for _ in 0..5 {
        assert_eq!(verify(&me, "0000000000").await.refusal(), (400, "invalid_code".to_owned()));
    }
    assert_eq!(verify(&me, &right).await.status(), 400, "no tries left");
    wish(&me, NEW).await;
    let second = code(&world, NEW).await;
    assert_ne!(right, second);
    // Long enough for the change to end; the token is renewed meanwhile, without a new sign-in.
    world.advance(Span::minutes(31));
    let tokens = me.app().refresh(me.tokens.refresh()).await.tokens();
    let me = AccountClient { tokens, ..me };
    assert_eq!(verify(&me, &second).await.status(), 400, "its time is over (security 131)");
    assert!(me.get("/v1/me").await.json()["email"] == "ada@example.com");
}

#[tokio::test]
async fn security_105_an_address_that_somebody_proves_first_is_theirs() {
    let world = world().await;
    let (_, me) = ada(&world).await;
    let bob = Customer { email: NEW.to_owned(), ..Customer::new("Bob") };
    wish(&me, NEW).await;
    let code = code(&world, NEW).await;
    bob.register(&world).await;
    let taken = verify(&me, &code).await;
    assert_eq!(taken.refusal(), (409, "already_registered".to_owned()), "{}", taken.text());
    assert!(signs_in(&world, NEW, &bob.password).await);
    assert_eq!(me.get("/v1/me").await.json()["email"], "ada@example.com");
}

#[tokio::test]
async fn security_89_hostile_headers_leave_the_mail_as_it_is() {
    let bodies = |headers: Vec<(&'static str, &'static str)>| async move {
        let world = world().await;
        let (customer, me) = ada(&world).await;
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

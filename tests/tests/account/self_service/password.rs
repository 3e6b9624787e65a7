//! `POST /v1/me/password` (security 59, 70).

use crate::self_service::{STALE, assert_step_up, register_ada, world};
use serde_json::json;
use tests::anonymous::Answer;
use tests::{AccountClient, Browser, Customer};

const NEW: &str = "another 9 purple bicycles";

async fn change(me: &AccountClient, current: &str, new: &str) -> Answer {
    me.post("/v1/me/password", &json!({ "current_password": current, "new_password": new })).await
}

#[tokio::test]
async fn security_59_other_sessions_and_grants_end_and_the_presenting_ones_stay() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let me = AccountClient::signed_in(&mut browser, &world, &customer).await;
    let mut other_browser = Browser::new(&world);
    let other = AccountClient::signed_in(&mut other_browser, &world, &customer).await;
    assert_eq!(me.get("/v1/me/sessions").await.json()["sessions"].as_array().map(Vec::len), Some(2));
    let changed = change(&me, &customer.password, NEW).await;
    assert_eq!((changed.status(), changed.text()), (204, ""));
    assert_eq!(other.is_alive().await, (false, false));
    assert_eq!(me.is_alive().await, (true, true));
    let silent = AccountClient::client(&world).authorize_url(&[("prompt", "none")]);
    assert!(browser.open(&silent).await.query("code").is_some(), "the session of the presented grant");
    assert_eq!(other_browser.open(&silent).await.query("error").as_deref(), Some("login_required"));
    // The new password signs in, the old one does not, and the user gets a notice.
    let new = Customer { password: NEW.to_owned(), ..customer.clone() };
    AccountClient::new(&world, &new).await;
    let mails = world.mails_to(&customer.email).await.expect("mails");
    let mail = mails.iter().find(|mail| mail.subject.contains("password")).expect("a notice");
    assert!(mail.text.contains("other devices"), "{}", mail.text);
}

#[tokio::test]
async fn security_70_a_change_needs_the_current_password_and_a_fresh_sign_in() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let wrong = change(&me, "not this one, surely", NEW).await;
    assert_eq!(wrong.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/current_password");
    world.advance(STALE);
    assert_step_up(&change(&me, &customer.password, NEW).await);
    assert_step_up(&change(&me, "not this one, surely", NEW).await);
    let again = AccountClient::new(&world, &customer).await;
    assert_eq!(change(&again, &customer.password, NEW).await.status(), 204);
}

/// security 112, 113, 114: guesses of the current password count in the window of the session's own device, in every flow. Guesses
/// from other devices count in another window, so neither locks out the other.
#[tokio::test]
async fn security_112_a_change_of_password_has_the_same_limit_of_guesses_on_its_own_device() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let me = AccountClient::signed_in(&mut browser, &world, &customer).await;
    let mut evaluated = 0;
    let blocked = loop {
        let answer = change(&me, &format!("guess number {evaluated}"), NEW).await;
        if answer.status() == 429 {
            break answer;
        }
        evaluated += 1;
    };
    assert_eq!(evaluated, 5);
    assert!(blocked.header("retry-after").is_some());
    assert_eq!(change(&me, &customer.password, NEW).await.status(), 429, "the right password is not evaluated either");
    browser.cookies.remove("lk-session");
    let page = browser.open("/login").await;
    let page = customer.sign_in(&mut browser, &page).await;
    assert_eq!(page.status(), 429, "one device, one counter");
    let mut other_browser = Browser::new(&world);
    let page = other_browser.open("/login").await;
    assert_eq!(customer.sign_in(&mut other_browser, &page).await.status(), 200);
}

#[tokio::test]
async fn security_114_wrong_passwords_of_strangers_do_not_block_a_signed_in_owner() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    let mut stranger = Browser::new(&world);
    let wrong = Customer { password: "not this one, surely".to_owned(), ..customer.clone() };
    let mut blocked = 0;
    for _ in 0..12 {
        let page = stranger.open("/login").await;
        blocked += u32::from(wrong.sign_in(&mut stranger, &page).await.status() == 429);
    }
    assert!(blocked > 0);
    assert_eq!(change(&me, &customer.password, NEW).await.status(), 204);
}

/// security 148: a lost reply. The same change again is no wrong password.
#[tokio::test]
async fn security_148_a_repeated_change_gets_the_same_answer_and_is_no_failed_sign_in() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    for _ in 0..12 {
        assert_eq!(change(&me, &customer.password, NEW).await.status(), 204);
    }
    // Nothing was counted, and no second notice was sent.
    assert_eq!(change(&me, "not this one, surely", "yet another 4 elephants").await.status(), 400);
    let mails = world.mails_to(&customer.email).await.expect("mails");
    assert_eq!(mails.iter().filter(|mail| mail.subject.contains("password")).count(), 1);
    // Five wrong ones block as ever; the repetition above used none of them.
    for _ in 0..4 {
        assert_eq!(change(&me, "not this one, surely", "yet another 4 elephants").await.status(), 400);
    }
    assert_eq!(change(&me, "not this one, surely", "yet another 4 elephants").await.status(), 429);
}

#[tokio::test]
async fn security_148_a_repetition_is_recognized_for_ten_minutes() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    assert_eq!(change(&me, &customer.password, NEW).await.status(), 204);
    world.advance(latchkey::domain::time::Span::minutes(10));
    let new = Customer { password: NEW.to_owned(), ..customer.clone() };
    let again = AccountClient::new(&world, &new).await;
    assert_eq!(change(&again, &customer.password, NEW).await.status(), 400);
}

#[tokio::test]
async fn an_unacceptable_new_password_costs_no_try() {
    let world = world().await;
    let (customer, me) = register_ada(&world).await;
    for weak in ["short", "password1", "Quillfeather1", "ada@example.com"] {
        let refused = change(&me, "wrong anyway", weak).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], "/new_password", "{weak}: {}", refused.text());
    }
    for _ in 0..6 {
        assert_eq!(change(&me, "wrong anyway", "short").await.status(), 400);
    }
    assert_eq!(change(&me, &customer.password, NEW).await.status(), 204);
}

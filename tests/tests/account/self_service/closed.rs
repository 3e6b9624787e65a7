//! A closed or disabled account: a user who proves the address or the password learns it, and any other caller does not (security 71, 107).

use crate::self_service::{register_ada, world};
use latchkey::context::{Deadline, RequestContext};
use latchkey::delivery::Mail;
use latchkey::domain::account::{AccountState, AccountStatus};
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey_local::world::World;
use serde_json::json;
use tests::{AccountClient, Anonymous, Browser, Customer, Page};

async fn sign_in(world: &World, email: &str, password: &str) -> Page {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await
}

async fn recover(world: &World, email: &str) -> Page {
    let mut browser = Browser::new(world);
    let page = browser.open("/recover").await;
    browser.submit(&page, "#submit", &[("identifier", email)]).await
}

async fn mails(world: &World, email: &str) -> Vec<Mail> {
    world.mails_to(email).await.expect("mails")
}

async fn restores(world: &World, mail: &Mail) -> u16 {
    let token = mail.links[0].split_once("/account/restore?token=").expect("a link that restores").1;
    Anonymous::new(world).post_json("/v1/me/restoration", &json!({ "token": token, "code": mail.codes[0] })).await.status()
}

/// An operator disables the account.
async fn disable(world: &World, email: &str) {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let address = EmailAddress::parse(email).expect("an address");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&address);
    let account = tenant.store.find_account(&identifier).await.expect("read").expect("an account");
    let state = tenant.store.find_authentication(account).await.expect("read").expect("a state");
    let now = world.services.clock.now();
    let disabled = AccountState { status: AccountStatus::Disabled { since: now }, ..state.in_next_epoch(now) };
    let request = RequestContext {
        request_id: "disable".parse().expect("an id"),
        now,
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    tenant.store.commit(&Changes::one(Change::change_roles(disabled)), &request).await.expect("disabled");
}

#[tokio::test]
async fn security_71_only_the_right_password_shows_that_an_account_is_closed_and_sends_the_link_again() {
    let world = world().await;
    let (ada, me) = register_ada(&world).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let before = mails(&world, &ada.email).await.len();
    let (wrong, unknown) = (sign_in(&world, &ada.email, "wrong").await, sign_in(&world, "unknown@example.com", "wrong").await);
    assert_eq!(
        (wrong.status(), wrong.text().replace(&ada.email, "")),
        (400, unknown.text().replace("unknown@example.com", ""))
    );
    assert_eq!(mails(&world, &ada.email).await.len(), before, "a guess sends nothing");
    let right = sign_in(&world, &ada.email, &ada.password).await;
    assert_eq!(right.status(), 400);
    assert!(right.text().contains("This account is closed") && right.text().contains("restore"), "{}", right.text());
    let sent = mails(&world, &ada.email).await;
    assert_eq!(sent.len(), before + 1);
    assert_eq!(restores(&world, &sent[0]).await, 204);
    AccountClient::new(&world, &ada).await;
}

#[tokio::test]
async fn security_107_recovery_registration_and_a_change_to_the_address_of_a_closed_account_mail_its_restoration() {
    let world = world().await;
    let (ada, me) = register_ada(&world).await;
    let bob = Customer::registered(&world, "Bob").await;
    let bobs = AccountClient::new(&world, &bob).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let api = Anonymous::new(&world);
    let before = mails(&world, &ada.email).await.len();
    let (known, unknown) = (recover(&world, &ada.email).await, recover(&world, "unknown@example.com").await);
    assert_eq!(known.text(), unknown.text(), "the page is the same for every address");
    assert_eq!(api.post_json("/v1/registrations", &ada.registration()).await.status(), 202);
    assert_eq!(bobs.post("/v1/me/email", &json!({ "email": ada.email })).await.status(), 202);
    let sent = mails(&world, &ada.email).await;
    assert_eq!(sent.len(), before + 3);
    for mail in &sent[..3] {
        assert!(mail.text.contains("is closed") && mail.links[0].contains("/account/restore"), "{}", mail.text);
        assert!(!mail.text.contains("Bob"), "{}", mail.text);
    }
    assert_eq!(restores(&world, &sent[2]).await, 204);
    assert!(mails(&world, "unknown@example.com").await.is_empty());
}

#[tokio::test]
async fn a_disabled_account_is_told_to_ask_the_support() {
    let world = world().await;
    let (ada, me) = register_ada(&world).await;
    disable(&world, &ada.email).await;
    assert_eq!(me.is_alive().await, (false, false));
    assert!(!sign_in(&world, &ada.email, "wrong").await.text().contains("disabled"));
    let right = sign_in(&world, &ada.email, &ada.password).await;
    assert!(right.status() == 400 && right.text().contains("ask our support"), "{}", right.text());
    let before = mails(&world, &ada.email).await.len();
    recover(&world, &ada.email).await;
    Anonymous::new(&world).post_json("/v1/registrations", &ada.registration()).await;
    let sent = mails(&world, &ada.email).await;
    assert_eq!(sent.len(), before + 2);
    for mail in &sent[..2] {
        assert!(mail.text.contains("is disabled") && mail.codes.is_empty() && mail.links.is_empty(), "{}", mail.text);
    }
}

/// "I did not ask for this" ends one registration, and no other.
#[tokio::test]
async fn not_me_of_a_registration_ends_only_that_one() {
    let world = world().await;
    let ada = Customer::new("Ada");
    let api = Anonymous::new(&world);
    let mut flows = Vec::new();
    for _ in 0..2 {
        let started = api.post_json("/v1/registrations", &ada.registration()).await;
        let id = started.json()["registration_id"].as_str().expect("an id").to_owned();
        flows.push((id, mails(&world, &ada.email).await.remove(0)));
    }
    let mut scanner = Browser::new(&world);
    let page = scanner.open(&flows[0].1.links[0]).await;
    scanner.submit(&page, "#deny", &[]).await;
    let verify = async |(id, mail): &(String, Mail)| {
        let body = json!({ "code": mail.codes[0] });
        api.post_json(&format!("/v1/registrations/{id}/verification"), &body).await.status()
    };
    assert_eq!((verify(&flows[0]).await, verify(&flows[1]).await), (400, 201));
    AccountClient::new(&world, &ada).await;
}

//! The mailbox of the local gateway: what it keeps after an erasure, and notices that become due while nothing is written.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use latchkey::delivery::Mail;
use latchkey::domain::mail_limit::NOTICES_AN_HOUR;
use latchkey::domain::time::Span;
use latchkey_local::assemble::TABLES;
use latchkey_local::engine::Engine;
use latchkey_local::gateway::mailbox::Mailbox;
use latchkey_local::gateway::state_table::{EntryKind, StateTable};
use latchkey_local::pump::Pump;
use latchkey_local::stream::StreamReader;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tests::{AccountClient, Customer, World};

const NEW: &str = "countess@example.org";

/// A mailbox beside the world's own.
async fn mailbox(world: &World) -> (Mailbox, StateTable) {
    let pump = Pump::new(StreamReader::new(world.engine.clone(), TABLES[0]), world.services.clone()).unwrap();
    let state = StateTable::open(&Engine::memory().unwrap()).await.unwrap();
    (Mailbox::open(pump, state.clone(), world.engine.clone()).await.unwrap(), state)
}

async fn mails(mailbox: &Mailbox) -> Vec<Mail> {
    mailbox.mails().await.unwrap()
}

fn ids_to(mails: &[Mail], address: &str) -> BTreeSet<String> {
    mails.iter().filter(|mail| mail.to == address).map(|mail| mail.id.clone()).collect()
}

/// Changes the address of a user to [`NEW`].
async fn move_away(world: &World, me: &AccountClient) {
    assert_eq!(me.post("/v1/me/email", &json!({ "email": NEW, "locale": "en" })).await.status(), 202);
    let code = world.mails_to(NEW).await.expect("mails").remove(0).codes.remove(0);
    assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200);
}

/// security 111: an erasure removes every mail that the user caused, also at former addresses, and no mail of the user who has a former
/// address now.
#[tokio::test]
async fn security_111_an_erasure_removes_the_mails_of_the_erased_user_and_no_others() {
    let world = World::new().await.unwrap();
    let (mailbox, _) = mailbox(&world).await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    move_away(&world, &me).await;
    let before = ids_to(&mails(&mailbox).await, &ada.email);
    assert!(!before.is_empty(), "the notice of the change");
    // The former address is free, and another user registers it.
    let ben = Customer { email: ada.email.clone(), ..Customer::new("Ben") };
    ben.register(&world).await;
    let change = json!({ "current_password": ben.password, "new_password": "Ben sails 3 red boats" });
    assert_eq!(AccountClient::new(&world, &ben).await.post("/v1/me/password", &change).await.status(), 204);
    let after = ids_to(&mails(&mailbox).await, &ada.email);
    let of_ben: BTreeSet<String> = after.difference(&before).cloned().collect();
    assert!(!of_ben.is_empty());
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let closed = mails(&mailbox).await;
    assert!(!ids_to(&closed, NEW).is_empty(), "the way back");
    assert!(ids_to(&closed, &ada.email).len() > after.len(), "the former address has a way back, too");
    world.advance(Span::days(31));
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary");
    let left = mails(&mailbox).await;
    assert_eq!(ids_to(&left, NEW), BTreeSet::new());
    assert_eq!(ids_to(&left, &ada.email), of_ben);
}

/// A deferred notice is sent when it is due, also while nothing is written. Its account is known: an erasure removes it.
#[tokio::test]
async fn security_111_a_deferred_notice_comes_without_a_write_and_is_erased_with_its_user() {
    let world = World::new().await.unwrap();
    let (mailbox, state) = mailbox(&world).await;
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    let mut password = ada.password.clone();
    for n in 0..=NOTICES_AN_HOUR {
        let next = format!("{} {n}", ada.password);
        let change = json!({ "current_password": password, "new_password": next });
        assert_eq!(me.post("/v1/me/password", &change).await.status(), 204);
        password = next;
    }
    let before = ids_to(&mails(&mailbox).await, &ada.email);
    let follower = tokio::spawn(mailbox.clone().follow());
    tokio::time::sleep(Duration::from_millis(1200)).await;
    world.advance(Span::hours(1));
    let mut after = before.clone();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = ids_to(&state.all(EntryKind::Mail).await.unwrap(), &ada.email);
        if after.len() > before.len() {
            break;
        }
    }
    follower.abort();
    assert_eq!(after.len(), before.len() + 1, "the deferred notice");
    // The address changes, so that only the cause of the notice names its account.
    let ada = Customer { password, ..ada };
    let me = AccountClient::new(&world, &ada).await;
    move_away(&world, &me).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    mails(&mailbox).await;
    world.advance(Span::days(31));
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary");
    assert_eq!(ids_to(&mails(&mailbox).await, &ada.email), BTreeSet::new());
}

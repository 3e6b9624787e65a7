//! Notices over their limit (decision 31): they wait in the queue, and those after it are merged into one.

#![expect(clippy::expect_used, reason = "this file is test code: a broken expectation ends the test")]

use crate::delivery::DeliveryFixture;
use latchkey::domain::account::{AccountStatus, LinkSeed};
use latchkey::domain::audit::EventKind;
use latchkey::domain::change::Change;
use latchkey::domain::email_change::{NewEmailChange, start};
use latchkey::domain::id::AccountId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::mail_limit::NOTICES_AN_HOUR;
use latchkey::domain::profile::{EmailUndo, Profile};
use latchkey::domain::time::Span;
use latchkey::keys::SealedField;
use std::collections::BTreeSet;

/// security 116: notices of one kind above five an hour wait, one for all of them, until the next hour. Nothing is lost without a
/// record of it.
#[tokio::test]
async fn notices_over_their_limit_are_deferred_and_merged_into_one() {
    let mut fixture = DeliveryFixture::new().await;
    let account = fixture.events.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    fixture.stream().await;
    fixture.drain().await;
    let before = fixture.mail.sent().len();
    for version in 2..10 {
        fixture.events.change_password(200, version).await;
    }
    fixture.stream().await;
    fixture.drain().await;
    assert_eq!(fixture.mail.sent().len() - before, NOTICES_AN_HOUR as usize);
    // One waits, at most 5 minutes at a time. Two are merged into it, and the user's history says so.
    assert_eq!(fixture.events.history(account).await.iter().filter(|kind| **kind == EventKind::NoticeMerged).count(), 2);
    let hour = Span::hours(1).as_millis() - fixture.events.now().millis().rem_euclid(Span::hours(1).as_millis());
    let mut waited = 0;
    loop {
        let delays = fixture.mail.end_delays();
        let [delay] = delays[..] else { panic!("one notice waits, not {delays:?}") };
        assert!((1..=300).contains(&delay), "{delay}: the alarm of waiting mails fires at 600 seconds");
        // A message that comes back before its time is not counted, not sent, and waits on.
        fixture.drain().await;
        assert_eq!(fixture.mail.sent().len() - before, NOTICES_AN_HOUR as usize);
        fixture.events.services.clock.advance(Span::seconds(delay));
        waited += delay * 1000;
        if waited >= hour {
            break;
        }
    }
    fixture.mail.end_delays();
    fixture.drain().await;
    assert_eq!(fixture.mail.sent().len() - before, NOTICES_AN_HOUR as usize + 1);
    assert!(fixture.mail.end_delays().is_empty() && fixture.mail.dead().is_empty());
    // Afterwards another one can wait.
    for version in 10..17 {
        fixture.events.change_password(200, version).await;
    }
    fixture.stream().await;
    fixture.drain().await;
    assert_eq!(fixture.mail.end_delays().len(), 1);
}

/// A duplicate of a deferred notice, or of its event, is sent once.
#[tokio::test]
async fn a_deferred_notice_that_is_delivered_twice_is_sent_once() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.events.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    for version in 2..8 {
        fixture.events.change_password(200, version).await;
    }
    let records = fixture.events.records();
    fixture.stream().await;
    fixture.drain().await;
    let before = fixture.mail.sent().len();
    // The stream repeats everything while the notice waits.
    fixture.events.handle(&records).await;
    fixture.drain().await;
    assert_eq!(fixture.mail.sent().len(), before);
    fixture.events.services.clock.advance(Span::hours(1));
    assert_eq!(fixture.mail.end_delays().len(), 2);
    fixture.drain().await;
    assert_eq!(fixture.mail.sent().len(), before + 1);
}

/// Gives an account these former addresses.
async fn move_from(fixture: &DeliveryFixture, account: AccountId, addresses: &[&str]) {
    let tenant = &fixture.events.tenant;
    let owner = tenant.store.find_profile(account).await.expect("a store").expect("an account");
    let key = tenant.keys.data().expect("data keys").unwrap(&owner.data_key).expect("a data key");
    let undo = |(n, address): (u8, &&str)| EmailUndo {
        identifier: tenant.keys.identifier().expect("keys").hash_email(&EmailAddress::parse(address).expect("an address")),
        address: key.seal(SealedField::FormerEmail, address.as_bytes()).expect("a seal"),
        seed: LinkSeed { key_version: tenant.keys.proof().expect("keys").current_version(), bytes: [n; 16] },
        locale: "en".to_owned(),
        changed_at: fixture.events.now(),
        expires_at: fixture.events.now() + Span::days(7),
        has_code: true,
        used_at: None,
    };
    let email_undos = (1..).zip(addresses).map(undo).collect();
    fixture
        .events
        .commit(Change::end_email_change(Profile { email_undos, version: owner.profile.version + 1, ..owner.profile }))
        .await;
}

/// security 95, 145: each former address gets its way back at once, also for each of two changes away from it. Only the notice to the present
/// address waits, and only that one is sent when it is due.
#[tokio::test]
async fn former_addresses_do_not_wait_for_the_notice_of_the_same_event() {
    let mut fixture = DeliveryFixture::new().await;
    let account = fixture.events.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    move_from(&fixture, account, &["first@example.com", "second@example.com", "first@example.com"]).await;
    let limit = usize::try_from(NOTICES_AN_HOUR).expect("a small number");
    for version in 2..=limit as u64 + 3 {
        fixture.events.change_password(200, version).await;
    }
    let records = fixture.events.records();
    fixture.stream().await;
    fixture.drain().await;
    let count = |fixture: &DeliveryFixture, to: &str| fixture.mail.sent().iter().filter(|sent| sent.to == to).count();
    let counts =
        |fixture: &DeliveryFixture| ["ada", "first", "second"].map(|who| count(fixture, &format!("{who}@example.com")));
    let changes = limit + 2;
    assert_eq!(counts(&fixture), [limit, 2 * changes, changes]);
    let ids: BTreeSet<_> = fixture.mail.sent().into_iter().map(|sent| sent.event_id).collect();
    assert_eq!(ids.len(), limit + 3 * changes, "each mail has an id of its own");
    // The stream repeats everything while the notice waits: nothing is sent twice.
    fixture.events.handle(&records).await;
    fixture.drain().await;
    assert_eq!(counts(&fixture), [limit, 2 * changes, changes]);
    fixture.events.services.clock.advance(Span::hours(1));
    fixture.mail.end_delays();
    fixture.drain().await;
    assert_eq!(counts(&fixture), [limit + 1, 2 * changes, changes]);
    assert!(fixture.mail.end_delays().is_empty() && fixture.mail.dead().is_empty());
}

/// A deferred notice that has no point any more is dropped. The next notice of its kind over the limit waits; it is not merged into one that
/// was never sent.
#[tokio::test]
async fn a_deferred_notice_that_is_dropped_makes_room_for_the_next_one() {
    let mut fixture = DeliveryFixture::new().await;
    let account = fixture.events.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    fixture.stream().await;
    fixture.drain().await;
    let identifier = fixture
        .events
        .tenant
        .keys
        .identifier()
        .expect("keys")
        .hash_email(&EmailAddress::parse("new@example.com").expect("an address"));
    let starts = async |fixture: &mut DeliveryFixture| {
        for _ in 0..=NOTICES_AN_HOUR {
            let tenant = &fixture.events.tenant;
            let owner = tenant.store.find_profile(account).await.expect("a store").expect("an account");
            let key = tenant.keys.data().expect("data keys").unwrap(&owner.data_key).expect("a data key");
            let address = key.seal(SealedField::PendingEmail, b"new@example.com").expect("a seal");
            let seed = LinkSeed { key_version: tenant.keys.proof().expect("keys").current_version(), bytes: [5; 16] };
            let new = NewEmailChange { identifier, is_current: false, address, seed, locale: "en".to_owned() };
            let profile = Profile { email_change_starts: Vec::new(), ..owner.profile };
            let mut started = start(&owner.authentication, &profile, new, fixture.events.now()).changes;
            fixture.events.commit(started.0.remove(0)).await;
            fixture.stream().await;
            fixture.drain().await;
        }
    };
    starts(&mut fixture).await;
    // The change expires while the notice of it waits.
    fixture.events.services.clock.advance(Span::hours(1));
    assert_eq!(fixture.mail.end_delays().len(), 1);
    let before = fixture.mail.sent().len();
    fixture.drain().await;
    assert_eq!((fixture.mail.sent().len(), fixture.mail.end_delays().len()), (before, 0), "dropped");
    starts(&mut fixture).await;
    assert_eq!(fixture.mail.end_delays().len(), 1, "the next one waits");
    assert!(!fixture.events.history(account).await.contains(&EventKind::NoticeMerged));
}

//! Notices over their limit (decision 31): they wait in the queue, and one stands for those after it.

use crate::delivery::DeliveryFixture;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::audit::EventKind;
use latchkey::domain::mail_limit::NOTICES_AN_HOUR;
use latchkey::domain::time::Span;

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
    // One waits, at most 15 minutes at a time. Two are merged into it, and the user's history says so.
    assert_eq!(fixture.events.history(account).await.iter().filter(|kind| **kind == EventKind::NoticeMerged).count(), 2);
    let hour = Span::hours(1).as_millis() - fixture.events.now().millis().rem_euclid(Span::hours(1).as_millis());
    let mut waited = 0;
    loop {
        let delays = fixture.mail.end_delays();
        let [delay] = delays[..] else { panic!("one notice waits, not {delays:?}") };
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

//! Mail in a deployed stack: from the stream into the queue, and from the queue through SES, with failures at every step.
//!
//! `LATCHKEY_BATCHES=20000 cargo test -p tests --test data delivery::t12` is the long run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this file is test code: a broken expectation ends the test")]

use events::{Dispatch, Events};
use latchkey::context::Deadline;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::events_fixture::EventsFixture;
use tests::mail::{FakeMail, MAX_RECEIVES, Message, Mode};

/// The events function of a deployed stack, with its stream and its queue.
pub(crate) struct DeliveryFixture {
    pub(crate) events: EventsFixture,
    pub(crate) mail: FakeMail,
    /// The number of processed records of the stream.
    done: usize,
}

impl DeliveryFixture {
    pub(crate) async fn new() -> Self {
        let (mut events, mail) = (EventsFixture::new().await, FakeMail::default());
        events.events = Events::new(events.services.clone(), Dispatch::Queued(mail.channel())).unwrap();
        Self { events, mail, done: 0 }
    }

    /// Starts registrations of `p1@example.com` and so on.
    async fn begin(&self, numbers: std::ops::RangeInclusive<u8>) {
        for n in numbers {
            self.events.begin_registration(n, &format!("p{n}@example.com")).await;
        }
    }

    /// Delivers the rest of the stream once, as Lambda does. Returns the number of records that are not done.
    pub(crate) async fn stream(&mut self) -> usize {
        let records = self.events.records();
        let (failed, _) = self.events.handle(&records[self.done..]).await;
        let sequence_number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
        self.done = match &failed[..] {
            [] => records.len(),
            [first] => records.iter().position(|record| sequence_number(record) == *first).unwrap(),
            more => panic!("one record is reported, not {more:?}"),
        };
        records.len() - self.done
    }

    /// Delivers one batch of the queue. Returns the reported ids.
    async fn work(&mut self) -> BTreeSet<String> {
        let batch = self.mail.receive(10);
        self.work_on(&batch, batch.iter().map(Message::event).collect()).await
    }

    async fn work_on(&mut self, batch: &[Message], events: Vec<Value>) -> BTreeSet<String> {
        let (reported, _) = self.events.handle(&events).await;
        let reported: BTreeSet<_> = reported.into_iter().collect();
        for message in batch.iter().filter(|message| reported.contains(&message.id)) {
            self.mail.return_message(message.clone());
        }
        reported
    }

    pub(crate) async fn drain(&mut self) {
        while self.mail.waiting() > 0 {
            self.work().await;
        }
    }

    /// The recipients of the sent mails, in alphabetical order.
    fn recipients(&self) -> Vec<String> {
        let mut recipients: Vec<_> = self.mail.sent().into_iter().map(|sent| sent.to).collect();
        recipients.sort();
        recipients
    }
}

fn recipients_of(numbers: std::ops::RangeInclusive<u8>) -> Vec<String> {
    let mut recipients: Vec<_> = numbers.map(|n| format!("p{n}@example.com")).collect();
    recipients.sort();
    recipients
}

#[tokio::test]
async fn a_queued_mail_holds_only_ids_and_ses_gets_html_and_text() {
    let mut fixture = DeliveryFixture::new().await;
    let flow = fixture.events.begin_registration(1, "ada.canary@example.com").await;
    assert_eq!(fixture.stream().await, 0);
    assert_eq!((fixture.mail.waiting(), fixture.mail.sent().len()), (1, 0), "the stream only fills the queue");
    let code = fixture.events.tenant.keys.proof().unwrap().code(&flow).unwrap();
    let link = fixture.events.tenant.keys.proof().unwrap().link(&flow).unwrap();
    let requests = fixture.mail.sqs_requests();
    for canary in ["canary", "example.com", "Mallory", code.expose(), link.expose()] {
        assert!(!requests.contains(canary), "{requests}");
    }

    assert!(fixture.work().await.is_empty());
    let sent = fixture.mail.sent();
    let [mail] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(mail.to, "ada.canary@example.com");
    assert_eq!(mail.request["FromEmailAddress"], "Latchkey Demo <no-reply@example.com>");
    assert_eq!(mail.request["Destination"], json!({ "ToAddresses": ["ada.canary@example.com"] }));
    let simple = &mail.request["Content"]["Simple"];
    assert_eq!(simple["Subject"], json!({ "Charset": "UTF-8", "Data": "Your code for Latchkey Demo" }));
    for body in ["Html", "Text"] {
        let body = &simple["Body"][body];
        assert_eq!(body["Charset"], "UTF-8");
        assert!(body["Data"].as_str().unwrap().contains(code.expose()));
    }
    // Readers of bounces may see a tag. It holds the id of the audit record and no personal data.
    assert_eq!(mail.request["EmailTags"], json!([{ "Name": "event_id", "Value": mail.event_id }]));
    assert_eq!(fixture.events.audit_records().await, 1);
    assert_eq!(fixture.mail.waiting(), 0);
}

/// SQS answers 200 to a batch even if it rejects some entries.
#[tokio::test]
async fn a_delivery_rejected_by_sqs_is_reported_and_queued_again() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.begin(1..=25).await;
    fixture.mail.fail_entries(&[7, 3]);
    assert_eq!(fixture.stream().await, 25 - 3, "all records from the first rejected one");
    assert_eq!(fixture.events.audit_records().await, 25, "audit records do not wait for the queue");
    assert_eq!(fixture.stream().await, 0);
    fixture.drain().await;
    assert_eq!(fixture.recipients(), recipients_of(1..=25), "a mail queued twice is sent once");
    assert_eq!(fixture.events.audit_records().await, 25);
}

/// security 139, T13.
#[tokio::test]
async fn an_outage_of_the_queue_loses_neither_a_mail_nor_an_audit_record() {
    for mode in [Mode::Throttled, Mode::Down, Mode::Silent, Mode::LostReply] {
        let mut fixture = DeliveryFixture::new().await;
        fixture.begin(1..=12).await;
        fixture.mail.sqs(&[Mode::Up, mode, mode], mode);
        assert_eq!(fixture.stream().await, 2, "{mode:?}: the second batch of ten deliveries");
        assert_eq!(fixture.stream().await, 2, "{mode:?}");
        assert_eq!(fixture.events.audit_records().await, 12, "{mode:?}");
        fixture.mail.sqs(&[], Mode::Up);
        assert_eq!(fixture.stream().await, 0, "{mode:?}");
        fixture.drain().await;
        assert_eq!(fixture.recipients(), recipients_of(1..=12), "{mode:?}");
    }
}

#[tokio::test]
async fn a_refused_audit_record_does_not_stop_the_mail() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.begin(1..=3).await;
    // The SDK tries three times. The second record fails all of them.
    for call in [2, 3, 4] {
        fixture.events.faults.add(Calls::Named("PutItem"), Trigger::Nth(call), Fault::Internal);
    }
    assert_eq!(fixture.stream().await, 2);
    assert_eq!(
        (fixture.events.audit_records().await, fixture.mail.waiting()),
        (1, 2),
        "the mail of the failed record is queued"
    );
    // Both fail at once: the earlier record is reported.
    fixture.events.faults.clear();
    fixture.events.faults.add(Calls::Named("PutItem"), Trigger::Always, Fault::Internal);
    fixture.mail.sqs(&[], Mode::Down);
    assert_eq!(fixture.stream().await, 2);
    fixture.events.faults.clear();
    fixture.mail.sqs(&[], Mode::Up);
    assert_eq!(fixture.stream().await, 0);
    fixture.drain().await;
    assert_eq!((fixture.events.audit_records().await, fixture.recipients()), (3, recipients_of(1..=3)));
}

/// T13: after the recovery no mail is lost, and there are at most as many duplicates as lost replies.
#[tokio::test]
async fn t13_an_outage_of_ses_loses_no_mail_and_duplicates_only_lost_replies() {
    const FAULTS: [Mode; 5] = [Mode::Up, Mode::Throttled, Mode::Down, Mode::Silent, Mode::LostReply];
    let mut lost = 0;
    for seed in 0..4 {
        let mut fixture = DeliveryFixture::new().await;
        fixture.mail.seed(seed);
        fixture.begin(1..=30).await;
        assert_eq!(fixture.stream().await, 0, "an unsent mail blocks nothing else");
        let script: Vec<_> = (0..80).map(|_| FAULTS[fixture.mail.below(FAULTS.len())]).collect();
        fixture.mail.ses(&script, Mode::Up);
        fixture.drain().await;
        // Messages that failed too often are in the dead-letter queue.
        fixture.mail.redrive();
        fixture.drain().await;
        let mut recipients = fixture.recipients();
        let duplicates = recipients.len();
        recipients.dedup();
        let duplicates = duplicates - recipients.len();
        assert_eq!(recipients, recipients_of(1..=30), "seed {seed}");
        assert!(duplicates <= fixture.mail.lost_replies(), "seed {seed}: {duplicates} of {}", fixture.mail.lost_replies());
        lost += fixture.mail.lost_replies();
    }
    assert!(lost > 0, "no reply was lost");
}

/// T13: an outage longer than all retries fills the dead-letter queue. A redrive sends the mails.
#[tokio::test]
async fn t13_a_long_outage_moves_mails_to_the_dead_letter_queue() {
    for mode in [Mode::Throttled, Mode::Down, Mode::Silent] {
        let mut fixture = DeliveryFixture::new().await;
        fixture.begin(1..=3).await;
        fixture.stream().await;
        fixture.mail.ses(&[], mode);
        fixture.drain().await;
        assert_eq!((fixture.mail.dead().len(), fixture.mail.sent().len()), (3, 0), "{mode:?}");
        fixture.mail.ses(&[], Mode::Up);
        fixture.mail.redrive();
        fixture.drain().await;
        assert_eq!(fixture.recipients(), recipients_of(1..=3), "{mode:?}");
    }
}

/// The queue treats every refusal of SES alike. The cause may be the sender, the account or the address. In each case an operator
/// must act, and finds the mail in the dead-letter queue.
#[tokio::test]
async fn a_refusal_of_ses_ends_in_the_dead_letter_queue_and_blocks_no_other_mail() {
    for code in ["MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException", "SendingPausedException"] {
        let mut fixture = DeliveryFixture::new().await;
        fixture.begin(1..=4).await;
        fixture.stream().await;
        fixture.mail.refuse("p2@example.com", code);
        assert_eq!(fixture.work().await.len(), 1, "{code}");
        assert_eq!(fixture.recipients(), ["p1@example.com", "p3@example.com", "p4@example.com"], "{code}");
        fixture.drain().await;
        let dead = fixture.mail.dead();
        assert!(dead.len() == 1 && dead[0].receives == MAX_RECEIVES, "{code}: {dead:?}");
        assert_eq!(fixture.mail.sent().len(), 3, "{code}");
    }
}

const POISON: [&str; 8] = [
    "",
    "{",
    "null",
    "[]",
    r#"{"tenant":"default","event_id":"01K","kind":"proof"}"#,
    r#"{"tenant":"default","event_id":"01K","kind":"of_no_kind","account":"AgICAgICAgICAgICAgICAg"}"#,
    r#"{"tenant":"unknown","event_id":"01K","kind":"password_changed","account":"AgICAgICAgICAgICAgICAg","flow":null}"#,
    r#"{"tenant":"de#fault","event_id":"01K","kind":"password_changed","account":"AgICAgICAgICAgICAgICAg","flow":null}"#,
];

/// T12, security 139: batches hold 0 to 10 poison messages, shuffled and duplicated. Exactly the poison is reported. Every good
/// mail is sent once, however often it is delivered.
#[tokio::test]
async fn t12_only_poison_is_reported_and_no_good_mail_is_lost_or_sent_twice() {
    const PEOPLE: u8 = 120;
    let (mut batches, mut by_poison, mut seed) = (0, BTreeSet::new(), 0);
    while batches < minimum_batches() {
        let mut fixture = DeliveryFixture::new().await;
        fixture.mail.seed(seed);
        fixture.begin(1..=PEOPLE).await;
        while fixture.stream().await > 0 {}
        // The stream was repeated too, so the queue holds some deliveries more than once.
        let queued = fixture.mail.receive(usize::MAX);
        for message in queued {
            for _ in 0..=fixture.mail.below(3) {
                fixture.mail.put(&message.body);
            }
        }
        let mut poison = BTreeSet::new();
        for n in 0..PEOPLE {
            poison.insert(fixture.mail.put(POISON[usize::from(n) % POISON.len()]).id);
        }
        while fixture.mail.waiting() > 0 {
            let batch = fixture.mail.receive(10);
            let expected: BTreeSet<_> =
                batch.iter().map(|message| message.id.clone()).filter(|id| poison.contains(id)).collect();
            // SQS may deliver the same message again, in this batch or the next.
            let mut events: Vec<_> = batch.iter().map(Message::event).collect();
            events.push(batch[fixture.mail.below(batch.len())].event());
            let reported = fixture.work_on(&batch, events.clone()).await;
            assert_eq!(reported, expected, "seed {seed}");
            if fixture.mail.below(4) == 0 {
                assert_eq!(fixture.work_on(&[], events).await, expected, "seed {seed}: the same batch again");
            }
            by_poison.insert(expected.len());
            batches += 1;
        }
        let dead: BTreeSet<_> = fixture.mail.dead().into_iter().map(|message| message.id).collect();
        assert_eq!(dead, poison, "seed {seed}");
        assert_eq!(fixture.recipients(), recipients_of(1..=PEOPLE), "seed {seed}: no mail is lost or sent twice");
        seed += 1;
    }
    assert!(by_poison.len() > 8, "{batches} batches, {by_poison:?}");
}

/// The minimum number of batches.
#[expect(clippy::disallowed_methods, reason = "a long run sets the number of batches")]
fn minimum_batches() -> usize {
    std::env::var("LATCHKEY_BATCHES").ok().and_then(|batches| batches.parse().ok()).unwrap_or(150)
}

/// A crash in a batch duplicates at most one mail: the one that it could not mark as sent.
#[tokio::test]
async fn a_crash_duplicates_at_most_one_mail() {
    // For each mail: its count, then its mark as sent.
    for (write, fault, sent_twice) in
        [(7, Fault::CrashBefore, 0), (7, Fault::CrashAfter, 0), (8, Fault::CrashBefore, 1), (8, Fault::CrashAfter, 0)]
    {
        let mut fixture = DeliveryFixture::new().await;
        fixture.begin(1..=10).await;
        fixture.stream().await;
        let batch = fixture.mail.receive(10);
        let events: Vec<_> = batch.iter().map(Message::event).collect();
        let faults = fixture.events.faults.clone();
        faults.add(Calls::Named("UpdateItem"), Trigger::Nth(write), fault);
        tokio::select! {
            _ = fixture.events.handle(&events) => panic!("{fault:?} at {write} did not crash"),
            () = faults.crashed() => {}
        }
        faults.clear();
        assert_eq!(fixture.mail.sent().len(), if write == 7 { 3 } else { 4 });
        let reported = fixture.work_on(&batch, events).await;
        assert!(reported.is_empty(), "{reported:?}");
        let mut recipients = fixture.recipients();
        assert_eq!(recipients.len(), 10 + sent_twice, "{fault:?} at {write}");
        recipients.dedup();
        assert_eq!(recipients, recipients_of(1..=10));
    }
}

/// A failed mark as sent is no reason to send the mail again.
#[tokio::test]
async fn a_sent_mail_is_not_reported_if_the_mark_fails() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.begin(1..=1).await;
    fixture.stream().await;
    for call in [2, 3, 4] {
        fixture.events.faults.add(Calls::Named("UpdateItem"), Trigger::Nth(call), Fault::Internal);
    }
    assert!(fixture.work().await.is_empty());
    assert_eq!(fixture.recipients(), recipients_of(1..=1));
    assert!(fixture.events.faults.injected() >= 3);
}

/// security 116: a password reset is limited where it is requested, and its mail is always sent. Retries of one mail are one mail.
#[tokio::test]
async fn a_retried_mail_is_sent_once_and_a_requested_code_is_never_dropped() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.events.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    fixture.stream().await;
    fixture.drain().await;
    let before = fixture.mail.sent().len();
    fixture.events.services.clock.advance(Span::minutes(1));
    fixture.events.begin_recovery(1, "ada@example.com").await;
    fixture.stream().await;
    fixture.mail.ses(&[], Mode::Down);
    for _ in 1..MAX_RECEIVES {
        assert_eq!(fixture.work().await.len(), 1);
    }
    fixture.mail.ses(&[], Mode::Up);
    assert!(fixture.work().await.is_empty());
    for n in 2..20 {
        fixture.events.begin_recovery(n, "ada@example.com").await;
    }
    fixture.stream().await;
    fixture.drain().await;
    assert_eq!(fixture.mail.sent().len() - before, 19);
}

/// A mail is counted on the day of its event. A retry on the next day is recognized.
#[tokio::test]
async fn a_repetition_on_the_next_day_is_recognized() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.events.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    fixture.stream().await;
    fixture.drain().await;
    // Five minutes before midnight, UTC.
    let midnight = Span::days(1).as_millis() - fixture.events.now().millis().rem_euclid(Span::days(1).as_millis());
    fixture.events.services.clock.advance(Span::millis(midnight) - Span::minutes(5));
    let before = fixture.mail.sent().len();
    fixture.events.begin_recovery(1, "ada@example.com").await;
    fixture.stream().await;
    fixture.mail.ses(&[Mode::Down, Mode::Down], Mode::Up);
    assert_eq!(fixture.work().await.len(), 1);
    fixture.events.services.clock.advance(Span::minutes(6));
    let message = fixture.mail.receive(1).remove(0);
    for _ in 0..2 {
        assert!(fixture.work_on(&[], vec![message.event()]).await.is_empty());
    }
    assert_eq!(fixture.mail.sent().len() - before, 1);
}

/// security 141: without enough time a mail is not started. It is delivered again.
#[tokio::test]
async fn no_mail_is_started_without_enough_time() {
    let mut fixture = DeliveryFixture::new().await;
    fixture.begin(1..=3).await;
    let late = Deadline::after(Duration::from_secs(15));
    let records = fixture.events.records();
    let answer = fixture.events.events.handle(&json!({ "Records": records }), late).await.unwrap();
    let first = &records[0]["dynamodb"]["SequenceNumber"];
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": first }] }));
    assert_eq!((fixture.events.audit_records().await, fixture.mail.waiting()), (0, 0));
    fixture.stream().await;
    let batch = fixture.mail.receive(10);
    let events: Vec<_> = batch.iter().map(Message::event).collect();
    let answer = fixture.events.events.handle(&json!({ "Records": events }), late).await.unwrap();
    assert_eq!((answer["batchItemFailures"].as_array().unwrap().len(), fixture.mail.sent().len()), (3, 0));
    fixture.work_on(&batch, events).await;
    assert_eq!(fixture.recipients(), recipients_of(1..=3));
}

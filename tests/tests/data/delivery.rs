//! How a mail leaves a deployed stack: from the stream into the queue, from the queue through SES, whatever fails on the way.
//!
//! `LATCHKEY_BATCHES=20000 cargo test -p tests --test data t12` is the long run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this file is test code: a broken expectation ends the test")]

use events::{Dispatch, Events};
use latchkey::context::Deadline;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::delivery::MAILS_AN_HOUR;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, When};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::mail::{FakeMail, MAX_RECEIVES, Message, Mode};
use tests::post::Post;

/// The function of a deployed stack, its stream and its queue.
struct Office {
    post: Post,
    mail: FakeMail,
    /// Records of the stream that are done.
    done: usize,
}

impl Office {
    async fn new() -> Self {
        let (mut post, mail) = (Post::new().await, FakeMail::default());
        post.events = Events::new(post.services.clone(), Dispatch::Queued(mail.channel())).unwrap();
        Self { post, mail, done: 0 }
    }

    /// Registrations of `p1@example.com` and so on.
    async fn begin(&self, numbers: std::ops::RangeInclusive<u8>) {
        for n in numbers {
            self.post.begin_registration(n, &format!("p{n}@example.com")).await;
        }
    }

    /// Hands the rest of the stream over once, as Lambda does; how many records of it are not done.
    async fn stream(&mut self) -> usize {
        let records = self.post.records();
        let (failed, _) = self.post.handle(&records[self.done..]).await;
        let sequence_number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
        self.done = match &failed[..] {
            [] => records.len(),
            [first] => records.iter().position(|record| sequence_number(record) == *first).unwrap(),
            more => panic!("one record is named, not {more:?}"),
        };
        records.len() - self.done
    }

    /// Hands one batch of the queue over; the ids that were reported.
    async fn work(&mut self) -> BTreeSet<String> {
        let batch = self.mail.receive(10);
        self.work_on(&batch, batch.iter().map(Message::event).collect()).await
    }

    async fn work_on(&mut self, batch: &[Message], events: Vec<Value>) -> BTreeSet<String> {
        let (reported, _) = self.post.handle(&events).await;
        let reported: BTreeSet<_> = reported.into_iter().collect();
        for message in batch.iter().filter(|message| reported.contains(&message.id)) {
            self.mail.give_back(message.clone());
        }
        reported
    }

    async fn drain(&mut self) {
        while self.mail.waiting() > 0 {
            self.work().await;
        }
    }

    /// To whom mails went, in alphabetical order.
    fn recipients(&self) -> Vec<String> {
        let mut recipients: Vec<_> = self.mail.sent().into_iter().map(|sent| sent.to).collect();
        recipients.sort();
        recipients
    }
}

fn people(numbers: std::ops::RangeInclusive<u8>) -> Vec<String> {
    let mut people: Vec<_> = numbers.map(|n| format!("p{n}@example.com")).collect();
    people.sort();
    people
}

#[tokio::test]
async fn a_mail_waits_in_the_queue_as_ids_and_leaves_through_ses_as_html_and_text() {
    let mut office = Office::new().await;
    let flow = office.post.begin_registration(1, "ada.canary@example.com").await;
    assert_eq!(office.stream().await, 0);
    assert_eq!((office.mail.waiting(), office.mail.sent().len()), (1, 0), "the stream queues only");
    let code = office.post.tenant.keys.proof().unwrap().code(&flow).unwrap();
    let link = office.post.tenant.keys.proof().unwrap().link(&flow).unwrap();
    let said = office.mail.said_to_sqs();
    for canary in ["canary", "example.com", "Mallory", code.expose(), link.expose()] {
        assert!(!said.contains(canary), "{said}");
    }

    assert!(office.work().await.is_empty());
    let sent = office.mail.sent();
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
    // A tag may be seen by whoever reads bounces: the id of the audit record, nothing of the person.
    assert_eq!(mail.request["EmailTags"], json!([{ "Name": "event_id", "Value": mail.event_id }]));
    assert_eq!(office.post.audit_records().await, 1);
    assert_eq!(office.mail.waiting(), 0);
}

/// A batch is answered with 200 although SQS did not take all of it.
#[tokio::test]
async fn a_delivery_that_sqs_did_not_take_is_reported_and_queued_again() {
    let mut office = Office::new().await;
    office.begin(1..=25).await;
    office.mail.fail_entries(&[7, 3]);
    assert_eq!(office.stream().await, 25 - 3, "from the first of them on");
    assert_eq!(office.post.audit_records().await, 25, "audit records do not wait for the queue");
    assert_eq!(office.stream().await, 0);
    office.drain().await;
    assert_eq!(office.recipients(), people(1..=25), "what was queued twice is sent once");
    assert_eq!(office.post.audit_records().await, 25);
}

/// security 139, T13.
#[tokio::test]
async fn an_outage_of_the_queue_loses_neither_a_mail_nor_an_audit_record() {
    for mode in [Mode::Throttled, Mode::Down, Mode::Silent, Mode::LostReply] {
        let mut office = Office::new().await;
        office.begin(1..=12).await;
        office.mail.sqs(&[Mode::Up, mode, mode], mode);
        assert_eq!(office.stream().await, 2, "{mode:?}: the second ten of the deliveries");
        assert_eq!(office.stream().await, 2, "{mode:?}");
        assert_eq!(office.post.audit_records().await, 12, "{mode:?}");
        office.mail.sqs(&[], Mode::Up);
        assert_eq!(office.stream().await, 0, "{mode:?}");
        office.drain().await;
        assert_eq!(office.recipients(), people(1..=12), "{mode:?}");
    }
}

#[tokio::test]
async fn an_audit_record_that_is_refused_keeps_no_mail_out_of_the_queue() {
    let mut office = Office::new().await;
    office.begin(1..=3).await;
    // The SDK tries three times: the second record fails for good.
    for call in [2, 3, 4] {
        office.post.faults.add(Calls::Named("PutItem"), When::Nth(call), Fault::Internal);
    }
    assert_eq!(office.stream().await, 2);
    assert_eq!((office.post.audit_records().await, office.mail.waiting()), (1, 2), "the second one's mail is queued");
    // Both at once: the earlier record is named.
    office.post.faults.clear();
    office.post.faults.add(Calls::Named("PutItem"), When::Always, Fault::Internal);
    office.mail.sqs(&[], Mode::Down);
    assert_eq!(office.stream().await, 2);
    office.post.faults.clear();
    office.mail.sqs(&[], Mode::Up);
    assert_eq!(office.stream().await, 0);
    office.drain().await;
    assert_eq!((office.post.audit_records().await, office.recipients()), (3, people(1..=3)));
}

/// T13: 0 lost after the recovery, no more duplicates than lost replies.
#[tokio::test]
async fn t13_an_outage_of_ses_loses_no_mail_and_doubles_none_whose_answer_came() {
    const FAULTS: [Mode; 5] = [Mode::Up, Mode::Throttled, Mode::Down, Mode::Silent, Mode::LostReply];
    let mut lost = 0;
    for seed in 0..4 {
        let mut office = Office::new().await;
        office.mail.seed(seed);
        office.begin(1..=30).await;
        assert_eq!(office.stream().await, 0, "mail that does not go out blocks nothing else");
        let script: Vec<_> = (0..80).map(|_| FAULTS[office.mail.below(FAULTS.len())]).collect();
        office.mail.ses(&script, Mode::Up);
        office.drain().await;
        // What waited in vain too often was not thrown away.
        office.mail.redrive();
        office.drain().await;
        let mut recipients = office.recipients();
        let duplicates = recipients.len();
        recipients.dedup();
        let duplicates = duplicates - recipients.len();
        assert_eq!(recipients, people(1..=30), "seed {seed}");
        assert!(duplicates <= office.mail.lost_replies(), "seed {seed}: {duplicates} of {}", office.mail.lost_replies());
        lost += office.mail.lost_replies();
    }
    assert!(lost > 0, "no reply was lost");
}

/// T13: an outage that outlasts all attempts ends in the dead letters, and is mended from there.
#[tokio::test]
async fn t13_a_long_outage_ends_in_the_dead_letters_and_not_in_nothing() {
    for mode in [Mode::Throttled, Mode::Down, Mode::Silent] {
        let mut office = Office::new().await;
        office.begin(1..=3).await;
        office.stream().await;
        office.mail.ses(&[], mode);
        office.drain().await;
        assert_eq!((office.mail.dead().len(), office.mail.sent().len()), (3, 0), "{mode:?}");
        office.mail.ses(&[], Mode::Up);
        office.mail.redrive();
        office.drain().await;
        assert_eq!(office.recipients(), people(1..=3), "{mode:?}");
    }
}

/// A refusal of SES is no different for the queue: whether it is the sender, the account or the address that has to be mended, a person
/// has to, and finds the mail in the dead letters.
#[tokio::test]
async fn what_ses_refuses_ends_in_the_dead_letters_and_keeps_nothing_else_up() {
    for code in ["MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException", "SendingPausedException"] {
        let mut office = Office::new().await;
        office.begin(1..=4).await;
        office.stream().await;
        office.mail.refuse("p2@example.com", code);
        assert_eq!(office.work().await.len(), 1, "{code}");
        assert_eq!(office.recipients(), ["p1@example.com", "p3@example.com", "p4@example.com"], "{code}");
        office.drain().await;
        let dead = office.mail.dead();
        assert!(dead.len() == 1 && dead[0].receives == MAX_RECEIVES, "{code}: {dead:?}");
        assert_eq!(office.mail.sent().len(), 3, "{code}");
    }
}

const POISON: [&str; 8] = [
    "",
    "{",
    "null",
    "[]",
    r#"{"tenant":"default","event_id":"01K","kind":"proof"}"#,
    r#"{"tenant":"default","event_id":"01K","kind":"of_no_kind","account":"AgICAgICAgICAgICAgICAg"}"#,
    r#"{"tenant":"nobody","event_id":"01K","kind":"password_changed","account":"AgICAgICAgICAgICAgICAg","flow":null}"#,
    r#"{"tenant":"de#fault","event_id":"01K","kind":"password_changed","account":"AgICAgICAgICAgICAgICAg","flow":null}"#,
];

/// T12, security 139: of batches with 0 to 10 poison messages, shuffled and duplicated, exactly the poison is reported; what is good is
/// sent once, however often it is handed over.
#[tokio::test]
async fn t12_only_poison_is_reported_and_nothing_good_is_lost_or_done_twice() {
    const PEOPLE: u8 = 120;
    let (mut batches, mut by_poison, mut seed) = (0, BTreeSet::new(), 0);
    while batches < campaign() {
        let mut office = Office::new().await;
        office.mail.seed(seed);
        office.begin(1..=PEOPLE).await;
        while office.stream().await > 0 {}
        // The stream was repeated, too: the same delivery stands in the queue more than once.
        let queued = office.mail.receive(usize::MAX);
        for message in queued {
            for _ in 0..=office.mail.below(3) {
                office.mail.put(&message.body);
            }
        }
        let mut poison = BTreeSet::new();
        for n in 0..PEOPLE {
            poison.insert(office.mail.put(POISON[usize::from(n) % POISON.len()]).id);
        }
        while office.mail.waiting() > 0 {
            let batch = office.mail.receive(10);
            let expected: BTreeSet<_> =
                batch.iter().map(|message| message.id.clone()).filter(|id| poison.contains(id)).collect();
            // SQS may hand the same message over again, in this batch or the next.
            let mut events: Vec<_> = batch.iter().map(Message::event).collect();
            events.push(batch[office.mail.below(batch.len())].event());
            let reported = office.work_on(&batch, events.clone()).await;
            assert_eq!(reported, expected, "seed {seed}");
            if office.mail.below(4) == 0 {
                assert_eq!(office.work_on(&[], events).await, expected, "seed {seed}: the same batch once more");
            }
            by_poison.insert(expected.len());
            batches += 1;
        }
        let dead: BTreeSet<_> = office.mail.dead().into_iter().map(|message| message.id).collect();
        assert_eq!(dead, poison, "seed {seed}");
        assert_eq!(office.recipients(), people(1..=PEOPLE), "seed {seed}: none lost, none twice");
        seed += 1;
    }
    assert!(by_poison.len() > 8, "{batches} batches, {by_poison:?}");
}

/// How many batches, at least.
#[expect(clippy::disallowed_methods, reason = "whoever runs the campaign says how long")]
fn campaign() -> usize {
    std::env::var("LATCHKEY_BATCHES").ok().and_then(|batches| batches.parse().ok()).unwrap_or(150)
}

/// A function that dies in a batch does none of its mails twice but the one whose sending it could not note any more.
#[tokio::test]
async fn a_crash_doubles_at_most_the_mail_that_it_struck() {
    // Of each mail: its count, then the note that it is out.
    for (write, fault, sent_twice) in
        [(7, Fault::CrashBefore, 0), (7, Fault::CrashAfter, 0), (8, Fault::CrashBefore, 1), (8, Fault::CrashAfter, 0)]
    {
        let mut office = Office::new().await;
        office.begin(1..=10).await;
        office.stream().await;
        let batch = office.mail.receive(10);
        let events: Vec<_> = batch.iter().map(Message::event).collect();
        let faults = office.post.faults.clone();
        faults.add(Calls::Named("UpdateItem"), When::Nth(write), fault);
        tokio::select! {
            _ = office.post.handle(&events) => panic!("{fault:?} at {write} struck nothing"),
            () = faults.crashed() => {}
        }
        faults.clear();
        assert_eq!(office.mail.sent().len(), if write == 7 { 3 } else { 4 });
        let reported = office.work_on(&batch, events).await;
        assert!(reported.is_empty(), "{reported:?}");
        let mut recipients = office.recipients();
        assert_eq!(recipients.len(), 10 + sent_twice, "{fault:?} at {write}");
        recipients.dedup();
        assert_eq!(recipients, people(1..=10));
    }
}

/// A note that can't be written is no reason to send the mail again.
#[tokio::test]
async fn a_mail_that_is_out_is_not_reported_when_that_can_not_be_noted() {
    let mut office = Office::new().await;
    office.begin(1..=1).await;
    office.stream().await;
    for call in [2, 3, 4] {
        office.post.faults.add(Calls::Named("UpdateItem"), When::Nth(call), Fault::Internal);
    }
    assert!(office.work().await.is_empty());
    assert_eq!(office.recipients(), people(1..=1));
    assert!(office.post.faults.injected() >= 3);
}

/// security 116: an address is sent five mails an hour, however often one of them had to be tried.
#[tokio::test]
async fn a_mail_that_is_tried_again_is_counted_once() {
    let mut office = Office::new().await;
    office.post.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    office.stream().await;
    office.drain().await;
    let before = office.mail.sent().len();
    office.post.begin_recovery(1, "ada@example.com").await;
    office.stream().await;
    office.mail.ses(&[], Mode::Down);
    for _ in 1..MAX_RECEIVES {
        assert_eq!(office.work().await.len(), 1);
    }
    office.mail.ses(&[], Mode::Up);
    assert!(office.work().await.is_empty());
    for n in 2..20 {
        office.post.begin_recovery(n, "ada@example.com").await;
    }
    office.stream().await;
    office.drain().await;
    assert_eq!(office.mail.sent().len() - before, MAILS_AN_HOUR as usize);
    assert!(office.mail.dead().is_empty(), "a mail over its limit is done");
}

/// What is tried again on the next day is counted on the day of its event, and known there.
#[tokio::test]
async fn a_mail_of_yesterday_takes_none_of_todays() {
    let mut office = Office::new().await;
    office.post.register(200, "ada@example.com", "Ada", AccountStatus::Active).await;
    office.stream().await;
    office.drain().await;
    // Five minutes to midnight, UTC.
    let midnight = Span::days(1).as_millis() - office.post.now().millis().rem_euclid(Span::days(1).as_millis());
    office.post.services.clock.advance(Span::millis(midnight) - Span::minutes(5));
    let before = office.mail.sent().len();
    office.post.begin_recovery(1, "ada@example.com").await;
    office.stream().await;
    office.mail.ses(&[Mode::Down, Mode::Down], Mode::Up);
    assert_eq!(office.work().await.len(), 1);
    office.post.services.clock.advance(Span::minutes(6));
    let message = office.mail.receive(1).remove(0);
    for _ in 0..2 {
        assert!(office.work_on(&[], vec![message.event()]).await.is_empty());
    }
    assert_eq!(office.mail.sent().len() - before, 1, "a repetition is noticed, too");
    for n in 2..10 {
        office.post.begin_recovery(n, "ada@example.com").await;
    }
    office.stream().await;
    office.drain().await;
    assert_eq!(office.mail.sent().len() - before, 1 + MAILS_AN_HOUR as usize);
}

/// security 141: what there is no time for is not begun, and comes again.
#[tokio::test]
async fn nothing_is_begun_when_time_runs_out() {
    let mut office = Office::new().await;
    office.begin(1..=3).await;
    let late = Deadline::after(Duration::from_secs(15));
    let records = office.post.records();
    let answer = office.post.events.handle(&json!({ "Records": records }), late).await.unwrap();
    let first = &records[0]["dynamodb"]["SequenceNumber"];
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": first }] }));
    assert_eq!((office.post.audit_records().await, office.mail.waiting()), (0, 0));
    office.stream().await;
    let batch = office.mail.receive(10);
    let events: Vec<_> = batch.iter().map(Message::event).collect();
    let answer = office.post.events.handle(&json!({ "Records": events }), late).await.unwrap();
    assert_eq!((answer["batchItemFailures"].as_array().unwrap().len(), office.mail.sent().len()), (3, 0));
    office.work_on(&batch, events).await;
    assert_eq!(office.recipients(), people(1..=3));
}

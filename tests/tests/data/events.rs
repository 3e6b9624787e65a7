//! The effects of a change: which mails are sent, to which address, how often, and what is retried after a failure.

use latchkey::context::Deadline;
use latchkey::delivery::Mail;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::change::Change;
use latchkey::domain::delivery::Delivery;
use latchkey::domain::flow::{Flow, FlowState};
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::{Value, json};
use tests::events_fixture::{EventsFixture, ISSUER};
use tests::store::{authentication, new_account, session};

const ADA: &str = "ada@example.com";

fn subjects(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.subject.as_str()).collect()
}

fn flow_in_state(flow: &Flow, state: FlowState) -> Change {
    let flow = Flow { state, version: flow.version + 1, ..flow.clone() };
    Change::disown_flow(flow)
}

fn resent(flow: &Flow) -> Flow {
    Flow { generation: flow.generation + 1, version: flow.version + 1, ..flow.clone() }
}

#[tokio::test]
async fn an_unknown_address_gets_a_code_and_a_link() {
    let mut fixture = EventsFixture::new().await;
    let flow = fixture.begin_registration(1, ADA).await;
    let mails = fixture.pump().await;
    assert_eq!(subjects(&mails), ["Your code for Latchkey Demo"]);
    let mail = &mails[0];
    let (proof, locator) = (fixture.tenant.keys.proof().unwrap(), fixture.tenant.keys.locator().unwrap());
    assert_eq!(mail.to, ADA);
    assert_eq!(mail.codes, [proof.code(&flow).unwrap().expose()]);
    let link = mail.links[0].strip_prefix(&format!("{ISSUER}/verify?flow=")).expect("a link of the issuer (security 89)");
    let (id, token) = link.split_once("&token=").unwrap();
    assert_eq!(locator.open_flow_id(id).unwrap().flow, flow.id);
    assert_eq!(token, proof.link(&flow).unwrap().expose());
    // The address is not verified yet: the mail does not repeat a name that a stranger typed (security 110).
    assert!(!mail.text.contains("Mallory") && !mail.html.contains("Mallory"));
    assert_eq!(fixture.audit_records().await, 1);
}

/// security 107: the caller gets the same answer. Only the owner of the address learns that the account exists.
#[tokio::test]
async fn a_known_address_gets_a_notice_and_no_code() {
    let mut fixture = EventsFixture::new().await;
    let to_sign_in = vec![format!("{ISSUER}/login"), format!("{ISSUER}/recover")];
    for (n, status, subject, links) in [
        (1, AccountStatus::Active, "You already have an account at Latchkey Demo", to_sign_in),
        (3, AccountStatus::Disabled { since: fixture.now() }, "Your account at Latchkey Demo is disabled", Vec::new()),
    ] {
        let address = format!("owner-{n}@example.com");
        fixture.register(n, &address, "Ada", status).await;
        let before = fixture.records().len();
        fixture.begin_registration(n + 1, &address.to_uppercase()).await;
        let (failed, mails) = fixture.handle(&fixture.records()[before..]).await;
        assert!(failed.is_empty());
        assert_eq!(subjects(&mails), [subject]);
        assert_eq!(mails[0].to, address, "the stored address, not the typed one (security 90)");
        assert_eq!(mails[0].codes, Vec::<String>::new());
        assert_eq!(mails[0].links, links);
        assert!(mails[0].text.starts_with("Hello Ada,"));
    }
}

#[tokio::test]
async fn only_an_active_account_gets_a_recovery_code() {
    let mut fixture = EventsFixture::new().await;
    fixture.register(1, ADA, "Ada", AccountStatus::Active).await;
    fixture.register(2, "disabled@example.com", "Bob", AccountStatus::Disabled { since: fixture.now() }).await;
    for (n, address, expected) in [
        (3, ADA, vec!["Neues Passwort für Latchkey Demo"]),
        (4, "disabled@example.com", vec!["Ihr Konto bei Latchkey Demo ist gesperrt"]),
        (5, "unknown@example.com", vec![]),
    ] {
        let before = fixture.records().len();
        let flow = fixture.begin_recovery(n, address).await;
        let (failed, mails) = fixture.handle(&fixture.records()[before..]).await;
        assert!(failed.is_empty());
        assert_eq!(subjects(&mails), expected, "{address}");
        for mail in mails {
            assert_eq!(mail.to, address);
            if address != ADA {
                assert!(mail.codes.is_empty() && mail.links.is_empty(), "{}", mail.text);
                continue;
            }
            assert_eq!(mail.codes, [fixture.tenant.keys.proof().unwrap().code(&flow).unwrap().expose()]);
            assert!(mail.codes[0].len() == 10 && mail.links[0].starts_with(&format!("{ISSUER}/recover?flow=")));
        }
    }
}

#[tokio::test]
async fn a_reset_password_is_notified_in_the_language_of_the_recovery() {
    let mut fixture = EventsFixture::new().await;
    fixture.register(1, ADA, "Ada", AccountStatus::Active).await;
    let flow = fixture.begin_recovery(2, ADA).await;
    let sample = new_account(1, 1);
    let reset = Change::reset_password(
        Flow { state: FlowState::Completed, version: 2, ..flow.clone() },
        latchkey::domain::account::AccountState { identifier: flow.identifier, epoch: 2, version: 2, ..authentication(1) },
        latchkey::domain::credential::PasswordCredential { version: 2, ..sample.password.expect("a password") },
    );
    let mails = fixture.mails_of(reset).await;
    assert_eq!(subjects(&mails), ["Ihr Passwort bei Latchkey Demo wurde geändert"]);
    assert_eq!((mails[0].to.as_str(), mails[0].codes.len()), (ADA, 0));
}

/// A late mail is not sent: its code is dead, or a newer one is on its way.
#[tokio::test]
async fn an_expired_or_superseded_code_is_not_sent() {
    let mut fixture = EventsFixture::new().await;
    let first = fixture.begin_registration(1, ADA).await;
    let second = resent(&first);
    fixture.commit(Change::resend_code(second.clone())).await;
    let mails = fixture.pump().await;
    assert_eq!(subjects(&mails), ["Your new code for Latchkey Demo"]);
    assert_eq!(mails[0].codes, [fixture.tenant.keys.proof().unwrap().code(&second).unwrap().expose()]);

    let disowned = fixture.begin_registration(2, "bob@example.com").await;
    fixture.commit(flow_in_state(&disowned, FlowState::Ended)).await;
    let expired = fixture.begin_registration(3, "eve@example.com").await;
    fixture.services.clock.advance(expired.expires_at.since(fixture.now()));
    let (failed, mails) = fixture.handle(&fixture.records()).await;
    assert!(failed.is_empty() && mails.is_empty(), "{:?}", subjects(&mails));
}

/// security 116, 145: a mail that was requested is sent, however many were sent before. Its requests are limited, not its delivery.
#[tokio::test]
async fn a_requested_code_is_always_mailed() {
    let mut fixture = EventsFixture::new().await;
    fixture.register(1, ADA, "Ada", AccountStatus::Active).await;
    fixture.services.clock.advance(Span::minutes(1));
    for n in 10..50 {
        let before = fixture.records().len();
        if n % 2 == 0 {
            fixture.begin_registration(n, ADA).await
        } else {
            fixture.begin_recovery(n, ADA).await
        };
        let (failed, mails) = fixture.handle(&fixture.records()[before..]).await;
        assert_eq!((failed.len(), mails.len()), (0, 1), "{n}");
    }
}

/// Streams and queues deliver at least once (T12): an audit record is written once, and the same mail has the same id.
#[tokio::test]
async fn a_redelivered_record_is_audited_once_and_counted_once() {
    let mut fixture = EventsFixture::new().await;
    let flow = fixture.begin_registration(1, ADA).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        // From the second time on the audit record exists. That does not stop the mail.
        ids.extend(fixture.pump().await.into_iter().map(|mail| mail.id));
    }
    assert_eq!(ids.len(), 6);
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(fixture.audit_records().await, 1);
    let mails = fixture.mails_of(Change::resend_code(resent(&flow))).await;
    assert_eq!(mails.len(), 1, "repetitions do not count against the hour's mails");
}

/// A physically removed item expired long before, and its event was processed then.
#[tokio::test]
async fn removals_and_ttl_deletions_are_not_processed() {
    let mut fixture = EventsFixture::new().await;
    fixture.begin_registration(1, ADA).await;
    let record = fixture.records().remove(0);
    let with = |name: &str, value: Value| {
        let mut record = record.clone();
        record[name] = value;
        record
    };
    let mut without_event = record.clone();
    without_event["dynamodb"]["NewImage"].as_object_mut().unwrap().remove("event");
    let mut without_image = with("eventName", json!("REMOVE"));
    without_image["dynamodb"].as_object_mut().unwrap().remove("NewImage");
    let ttl = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    let records = [
        with("eventName", json!("REMOVE")),
        with("userIdentity", ttl),
        without_image,
        without_event,
        with("eventName", json!("ODD")),
    ];
    let (failed, mails) = fixture.handle(&records).await;
    assert!(failed.is_empty() && mails.is_empty());
    assert_eq!(fixture.audit_records().await, 0);
    assert_eq!(fixture.handle(&[record]).await.1.len(), 1, "the same record, complete, is processed");
}

/// security 139: the stream repeats from the first failure on. An unreadable record must not stop the others.
#[tokio::test]
async fn an_unreadable_record_is_reported_and_does_not_stop_the_others() {
    let mut fixture = EventsFixture::new().await;
    for (n, address) in [(1, "a@example.com"), (2, "b@example.com"), (3, "c@example.com")] {
        fixture.begin_registration(n, address).await;
    }
    let mut records = fixture.records();
    let poisons = [
        ("no event", json!({ "M": { "id": { "S": "x" } } })),
        ("not a map", json!({ "S": "x" })),
        ("unknown kind", {
            let mut event = records[1]["dynamodb"]["NewImage"]["event"].clone();
            let kind = event["M"].as_object_mut().unwrap().values_mut().find(|value| value["S"] == "registration_started");
            *kind.expect("the kind of the event") = json!({ "S": "something_else" });
            event
        }),
    ];
    let (whole, sequence) = (records[1].clone(), records[1]["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned());
    for (name, poison) in poisons {
        records[1]["dynamodb"]["NewImage"]["event"] = poison;
        let (failed, mails) = fixture.handle(&records).await;
        assert_eq!(failed, [sequence.as_str()], "{name}");
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["a@example.com", "c@example.com"], "{name}");
        assert_eq!(fixture.audit_records().await, 2, "{name}");
    }
    // A table that does not answer fails the other records too: they are left for the next delivery.
    fixture.faults.add(Calls::Named("PutItem"), Trigger::Always, Fault::Internal);
    let (failed, _) = fixture.handle(&records).await;
    assert_eq!(failed, [records[0]["dynamodb"]["SequenceNumber"].as_str().unwrap()], "the earlier of the two");
    fixture.faults.clear();
    records[1] = whole;
    let (failed, mails) = fixture.handle(&records[1..]).await;
    assert!(failed.is_empty());
    assert_eq!(mails.len(), 2, "no mail was lost");
}

#[tokio::test]
async fn a_store_failure_is_reported_and_loses_no_mail() {
    let mut fixture = EventsFixture::new().await;
    let flow = fixture.begin_registration(1, ADA).await;
    // Each call fails in turn, longer than the SDK retries: the record is reported, and is delivered again.
    for operation in ["PutItem", "BatchGetItem", "GetItem", "UpdateItem"] {
        fixture.faults.add(Calls::Named(operation), Trigger::Always, Fault::Internal);
        let (failed, mails) = fixture.handle(&fixture.records()).await;
        assert_eq!(failed.len(), 1, "{operation}");
        // A failed audit record does not stop a mail.
        assert_eq!(mails.len(), usize::from(operation == "PutItem"), "{operation}");
        fixture.faults.clear();
    }
    let (failed, mails) = fixture.handle(&fixture.records()).await;
    assert_eq!((failed.len(), mails.len(), fixture.audit_records().await), (0, 1, 1));
    assert_eq!(mails[0].codes, [fixture.tenant.keys.proof().unwrap().code(&flow).unwrap().expose()]);
}

/// security 139: messages of a queue fail one by one. Good messages are not processed again.
#[tokio::test]
async fn a_queue_reports_exactly_the_messages_that_failed() {
    let mut fixture = EventsFixture::new().await;
    let flow = fixture.begin_registration(1, ADA).await;
    let message = |id: &str, body: &str| json!({ "eventSource": "aws:sqs", "messageId": id, "body": body });
    let delivery = |tenant: &str| {
        let order = latchkey::domain::delivery::MailOrder::Proof {
            flow: flow.id,
            account: flow.account,
            generation: flow.generation,
            resent: false,
        };
        let delivery = Delivery { tenant: tenant.parse().unwrap(), event_id: format!("01K-{tenant}"), due: None, order };
        serde_json::to_string(&delivery).unwrap()
    };
    let messages = [
        message("not-json", "{"),
        message("good", &delivery("default")),
        message("of-no-tenant", &delivery("unknown")),
        json!({ "eventSource": "aws:sqs", "messageId": "empty" }),
    ];
    let (failed, mails) = fixture.handle(&messages).await;
    assert_eq!(failed, ["not-json", "of-no-tenant", "empty"]);
    assert_eq!(mails.len(), 1);
}

/// security 143: the function answers or refuses every event. It does not crash.
#[tokio::test]
async fn an_event_that_is_not_a_batch_is_refused() {
    let fixture = EventsFixture::new().await;
    let odd = [
        json!(null),
        json!([]),
        json!({}),
        json!({ "Records": {} }),
        json!({ "Records": [null] }),
        json!({ "Records": [{ "eventSource": "aws:s3" }] }),
        json!({ "Records": [{ "eventSource": "aws:sqs" }, { "eventSource": "aws:dynamodb" }] }),
        json!({ "version": "2.0", "rawPath": "/login", "requestContext": {} }),
    ];
    for event in odd {
        assert!(fixture.events.handle(&event, Deadline::default()).await.is_err(), "{event}");
    }
    let nothing = fixture.events.handle(&json!({ "Records": [] }), Deadline::default()).await.unwrap();
    assert_eq!(nothing, json!({ "batchItemFailures": [] }));
}

/// Each event becomes one audit record. Only events that the user must know about become a mail.
#[tokio::test]
async fn a_sign_in_is_audited_and_sends_no_mail() {
    let mut fixture = EventsFixture::new().await;
    fixture.register(1, ADA, "Ada", AccountStatus::Active).await;
    let before = fixture.audit_records().await;
    let mails = fixture.mails_of(Change::open_session(session(1, 1))).await;
    assert!(mails.is_empty());
    assert_eq!(fixture.audit_records().await, before + 1);
}

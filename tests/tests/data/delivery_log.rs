//! The log lines of a mail that SES refuses.

use events::{Dispatch, Events};
use serde_json::{Value, json};
use tests::LogLines;
use tests::events_fixture::EventsFixture;
use tests::mail::{FakeMail, Message};

/// security 126: SES quotes the refused address. The log holds the refusal code once, and the message id, but not the address.
#[tokio::test]
async fn a_refused_mail_is_one_log_line_without_its_address() {
    let (mut fixture, mail) = (EventsFixture::new().await, FakeMail::default());
    fixture.events = Events::new(fixture.services.clone(), Dispatch::Queued(mail.channel())).unwrap();
    let (lines, _guard) = LogLines::of_this_thread();

    fixture.begin_registration(1, "ada.canary@example.com").await;
    let flow = fixture.begin_registration(2, "bob.canary@example.com").await;
    mail.refuse("ada.canary@example.com", "MessageRejected");
    fixture.pump().await;
    let events: Vec<_> = mail.receive(10).iter().map(Message::event).collect();
    let (failed, _) = fixture.handle(&events).await;
    assert_eq!(failed.len(), 1);

    let log = lines.take();
    let code = fixture.tenant.keys.proof().unwrap().code(&flow).unwrap();
    for canary in ["canary", "example.com", "Mallory", code.expose()] {
        assert!(!log.contains(canary), "{log}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused: Vec<_> = lines.iter().filter(|line| line.to_string().contains("MessageRejected")).collect();
    let [refused] = &refused[..] else { panic!("{log}") };
    assert_eq!((&refused["level"], &refused["message_id"]), (&json!("ERROR"), &json!(failed[0])));
    assert_eq!(lines.iter().filter(|line| line["message"] == "mail sent").count(), 1);
}

//! What a mail that SES refuses leaves in the log. A test of its own: a subscriber is seen by every thread of its process.

use events::{Dispatch, Events};
use serde_json::{Value, json};
use tests::LogLines;
use tests::events_fixture::EventsFixture;
use tests::mail::{FakeMail, Message};

/// security 126: SES quotes the address that it refuses; the log has the code of the refusal, once, and the message's id.
#[tokio::test]
async fn a_refused_mail_is_one_line_without_its_address() {
    let (mut post, mail) = (EventsFixture::new().await, FakeMail::default());
    post.events = Events::new(post.services.clone(), Dispatch::Queued(mail.channel())).unwrap();
    let (lines, _guard) = LogLines::of_this_thread();

    post.begin_registration(1, "ada.canary@example.com").await;
    let flow = post.begin_registration(2, "bob.canary@example.com").await;
    mail.refuse("ada.canary@example.com", "MessageRejected");
    post.pump().await;
    let events: Vec<_> = mail.receive(10).iter().map(Message::event).collect();
    let (failed, _) = post.handle(&events).await;
    assert_eq!(failed.len(), 1);

    let log = lines.take();
    let code = post.tenant.keys.proof().unwrap().code(&flow).unwrap();
    for canary in ["canary", "example.com", "Mallory", code.expose()] {
        assert!(!log.contains(canary), "{log}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused: Vec<_> = lines.iter().filter(|line| line.to_string().contains("MessageRejected")).collect();
    let [refused] = &refused[..] else { panic!("{log}") };
    assert_eq!((&refused["level"], &refused["message_id"]), (&json!("ERROR"), &json!(failed[0])));
    assert_eq!(lines.iter().filter(|line| line["message"] == "mail sent").count(), 1);
}

//! The delivery queue: each message is one delivery, and fails separately.

use crate::outgoing::DeliverError;
use crate::{Events, RESERVE};
use latchkey::context::Deadline;
use latchkey::domain::delivery::Delivery;
use latchkey::web::problem::chain;
use serde_json::Value;

/// Why a message failed. Unreadable content is never quoted.
#[derive(Debug, thiserror::Error)]
enum MessageError {
    #[error("the message is not a valid delivery")]
    Message,
    #[error("the delivery failed")]
    Delivery(#[from] DeliverError),
    #[error("no time was left for it")]
    OutOfTime,
}

/// Processes each message. Returns the ids of those that failed, which the queue delivers again.
pub(crate) async fn handle(events: &Events, messages: &[Value], deadline: Deadline) -> Vec<String> {
    let mut failures = Vec::new();
    for message in messages {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
        let message_id = text("messageId");
        let sent = if deadline.leaves(RESERVE) { send(events, text("body")).await } else { Err(MessageError::OutOfTime) };
        if let Err(error) = sent {
            tracing::error!(message_id, error = chain(&error), "a message of the mail queue failed");
            failures.push(message_id.to_owned());
        }
    }
    failures
}

async fn send(events: &Events, body: &str) -> Result<(), MessageError> {
    let delivery: Delivery = serde_json::from_str(body).map_err(|_| MessageError::Message)?;
    Ok(events.deliver(&delivery).await?)
}

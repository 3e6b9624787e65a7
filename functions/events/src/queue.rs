//! The delivery queue: each message is one delivery, and fails alone.

use crate::Events;
use latchkey::domain::delivery::Delivery;
use serde_json::Value;

/// Handles each message; the ids of those that failed, which the queue gives out again.
pub(crate) async fn handle(events: &Events, messages: &[Value]) -> Vec<String> {
    let mut failures = Vec::new();
    for message in messages {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
        let message_id = text("messageId");
        let sent = match serde_json::from_str::<Delivery>(text("body")) {
            Ok(delivery) => events.deliver(&delivery).await.map_err(|error| Box::new(error) as Box<dyn std::error::Error>),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            tracing::error!(message_id, error = error.as_ref(), "a delivery failed");
            failures.push(message_id.to_owned());
        }
    }
    failures
}

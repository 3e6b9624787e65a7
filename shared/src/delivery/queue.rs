//! The mail queue (SQS). It separates the stream from the sender, so that an outage of the mail service delays mails only.

use super::reason;
use crate::domain::delivery::Delivery;
use crate::domain::time::Timestamp;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

/// The queue of deliveries. A message is a [`Delivery`] as JSON, which contains ids only.
#[derive(Debug, Clone)]
pub struct MailQueue {
    client: Client,
    url: String,
}

/// At least one delivery is not known to be queued.
#[derive(Debug, thiserror::Error)]
#[error("the mail queue did not accept a delivery: {reason}")]
pub struct QueueError {
    /// The index of the first of them.
    pub at: usize,
    reason: String,
}

/// How long the queue hides a deferred message at most. SQS takes 15 minutes, but the alarm of waiting mails fires at 10.
const MAX_DELAY_SECONDS: i64 = 300;
/// The maximum size of an SQS batch.
const BATCH: usize = 10;

impl MailQueue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Queues deliveries in their order, ten at a time.
    ///
    /// # Errors
    /// At the first delivery that was not queued. Up to nine deliveries after it may have been queued.
    pub async fn send(&self, deliveries: &[Delivery]) -> Result<(), QueueError> {
        for (n, batch) in deliveries.chunks(BATCH).enumerate() {
            self.send_batch(batch, 0).await.map_err(|error| QueueError { at: n * BATCH + error.at, ..error })?;
        }
        Ok(())
    }

    /// Queues a deferred delivery again. The queue hides a message for at most 5 minutes, so one that is due later comes back before and
    /// is queued again.
    ///
    /// # Errors
    /// If it is not known to be queued.
    pub async fn send_later(&self, delivery: &Delivery, now: Timestamp) -> Result<(), QueueError> {
        let left = delivery.due.map_or(0, |due| (due.since(now).as_millis() + 999).div_euclid(1000));
        let delay = i32::try_from(left.clamp(0, MAX_DELAY_SECONDS)).unwrap_or_default();
        self.send_batch(std::slice::from_ref(delivery), delay).await
    }

    async fn send_batch(&self, batch: &[Delivery], delay_seconds: i32) -> Result<(), QueueError> {
        let none = |reason: String| QueueError { at: 0, reason };
        let mut entries = Vec::with_capacity(batch.len());
        for (at, delivery) in batch.iter().enumerate() {
            let body = serde_json::to_string(delivery).map_err(|error| none(error.to_string()))?;
            let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body);
            let entry = if delay_seconds > 0 { entry.delay_seconds(delay_seconds) } else { entry }.build();
            entries.push(entry.map_err(|error| none(error.to_string()))?);
        }
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(|error| none(reason(&error)))?;
        // SQS responds with 200 even if every entry failed. An entry that is not in `successful` was not queued.
        let queued = |at: &usize| answer.successful().iter().any(|entry| entry.id() == at.to_string());
        let Some(at) = (0..batch.len()).find(|at| !queued(at)) else { return Ok(()) };
        let failed = answer.failed().iter().find(|entry| entry.id() == at.to_string());
        Err(QueueError { at, reason: failed.map_or("no result for this entry", |entry| entry.code()).to_owned() })
    }
}

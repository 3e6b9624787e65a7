//! The stream pump: passes stream records to `events`, as Lambda's event source mapping does in a deployment.
//!
//! 1. Read a batch after the checkpoint.
//! 2. `events` processes it, and returns the first record that failed.
//! 3. The caller stores the resulting mails, and then the new checkpoint before the failed record. In this order, a crash in between
//!    repeats records but never loses one.

use crate::engine::EngineError;
use crate::stream::StreamReader;
use events::{Dispatch, Events, Unrecognized};
use latchkey::context::Deadline;
use latchkey::delivery::{Mail, Mailer, RenderError};
use latchkey::services::Services;
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::sync::mpsc::UnboundedReceiver;

/// The event of an erased account.
const ERASED: &str = "account_erased";

/// Passes records to `events`.
pub struct Pump {
    reader: StreamReader,
    events: Events,
    mails: UnboundedReceiver<Mail>,
    /// What caused the deferred notices that wait, by the id of the event.
    waiting: HashMap<String, Cause>,
}

/// The result of one batch.
#[derive(Debug, Clone, Default)]
pub struct PumpStep {
    /// The mails to store, each with its cause. The same mail may come twice, with the same id.
    pub mails: Vec<(Mail, Option<Cause>)>,
    /// The new checkpoint, if any record was processed.
    pub checkpoint: Option<String>,
    /// The sequence number of the record that failed. It is retried.
    pub failed: Option<String>,
    /// The accounts that were erased.
    pub erased: Vec<String>,
}

/// What caused a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The account, also of a flow that has none yet.
    pub account: Option<String>,
    /// The kind of the event.
    pub kind: String,
}

impl Cause {
    /// The cause in a stream record, by the id of its event.
    fn read(record: &Value) -> Option<(String, Self)> {
        let image = record.pointer("/dynamodb/NewImage")?;
        let event = image.pointer("/event/M")?;
        let text = |item: &Value, name: &str| item.get(name)?.get("S")?.as_str().map(str::to_owned);
        let account = text(event, "acc").or_else(|| text(image, "acc"));
        Some((text(event, "id")?, Self { account, kind: text(event, "k")? }))
    }
}

/// A whole batch failed.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// The stream could not be read.
    #[error("the stream could not be read")]
    Stream(#[from] EngineError),
    /// `events` cannot parse the batch.
    #[error("the events function refused the batch")]
    Batch(#[from] Unrecognized),
}

impl Pump {
    /// Creates a pump from this stream to `events` with these services.
    ///
    /// # Errors
    /// If a mail template is invalid.
    pub fn new(reader: StreamReader, services: Services) -> Result<Self, RenderError> {
        let (mailer, mails) = Mailer::mailbox();
        Ok(Self { reader, events: Events::new(services, Dispatch::Direct(mailer))?, mails, waiting: HashMap::new() })
    }

    /// Processes the next batch after the checkpoint.
    ///
    /// # Errors
    /// If the stream cannot be read or the batch is refused.
    pub async fn step(&mut self, after: Option<&str>) -> Result<PumpStep, PumpError> {
        let batch = self.reader.read(after)?;
        let failed = if batch.records.is_empty() {
            None
        } else {
            // Boxed: otherwise the function's large future becomes part of every caller's.
            let answer = Box::pin(self.events.handle(&json!({ "Records": batch.records }), Deadline::default())).await?;
            answer.pointer("/batchItemFailures/0/itemIdentifier").and_then(Value::as_str).map(str::to_owned)
        };
        let causes: HashMap<String, Cause> = batch.records.iter().filter_map(Cause::read).collect();
        let erased = causes.values().filter(|cause| cause.kind == ERASED).filter_map(|cause| cause.account.clone()).collect();
        self.waiting.extend(causes);
        let mails = self.deliver_due().await;
        // Sequence numbers have a fixed width, so they sort as strings.
        let done = |sequence: &&String| failed.as_ref().is_none_or(|failed| *sequence < failed);
        let checkpoint = batch.sequence_numbers.iter().rev().find(done).cloned();
        Ok(PumpStep { mails, checkpoint, failed, erased })
    }

    /// Sends the deferred notices that are due. Returns the mails since the last call.
    pub async fn deliver_due(&mut self) -> Vec<(Mail, Option<Cause>)> {
        if let Err(error) = Box::pin(self.events.deliver_due()).await {
            tracing::warn!(%error, "a deferred notice was not sent; it waits on");
        }
        let mut mails = Vec::new();
        while let Ok(mail) = self.mails.try_recv() {
            // The id of a mail begins with the id of its event.
            let event = mail.id.split('-').next().unwrap_or_default();
            let cause = self.waiting.get(event).cloned();
            mails.push((mail, cause));
        }
        let waiting = self.events.waiting_events();
        self.waiting.retain(|event, _| waiting.contains(event));
        mails
    }
}

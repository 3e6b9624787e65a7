//! The stream pump: hands the stream's records to `events`, as Lambda's event source mapping does when deployed.
//!
//! 1. Read a batch after the checkpoint.
//! 2. `events` handles it, and names the first record that failed.
//! 3. The mails that came of it, and the new checkpoint before that record, are the caller's to keep, in this order: a crash in
//!    between repeats records, it never loses one.

use crate::engine::EngineError;
use crate::stream::StreamReader;
use events::{Dispatch, Events, Unrecognized};
use latchkey::context::Deadline;
use latchkey::delivery::{Mail, Mailer, RenderError};
use latchkey::services::Services;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

/// Hands records to `events`.
pub struct Pump {
    reader: StreamReader,
    events: Events,
    mails: UnboundedReceiver<Mail>,
}

/// What one batch came to.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// The mails to keep. The same mail may come twice, with the same id.
    pub mails: Vec<Mail>,
    /// Where to go on, when anything was read and done.
    pub checkpoint: Option<String>,
    /// The sequence number of the record that failed: it comes again.
    pub failed: Option<String>,
}

/// A batch could not be handled at all.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// The stream could not be read.
    #[error("the stream could not be read")]
    Stream(#[from] EngineError),
    /// `events` does not know what it was given.
    #[error("the events function refused the batch")]
    Batch(#[from] Unrecognized),
}

impl Pump {
    /// A pump from this stream to `events` with these services.
    ///
    /// # Errors
    /// When a mail template is broken.
    pub fn new(reader: StreamReader, services: Services) -> Result<Self, RenderError> {
        let (mailer, mails) = Mailer::mailbox();
        Ok(Self { reader, events: Events::new(services, Dispatch::Direct(mailer))?, mails })
    }

    /// Handles the next batch after the checkpoint.
    ///
    /// # Errors
    /// When the stream can't be read or the batch is refused.
    pub async fn step(&mut self, after: Option<&str>) -> Result<Step, PumpError> {
        let batch = self.reader.read(after)?;
        let failed = if batch.records.is_empty() {
            None
        } else {
            // Boxed: everything below the function would be nested in whoever waits for a mail.
            let answer = Box::pin(self.events.handle(&json!({ "Records": batch.records }), Deadline::default())).await?;
            answer.pointer("/batchItemFailures/0/itemIdentifier").and_then(Value::as_str).map(str::to_owned)
        };
        let mut mails = Vec::new();
        while let Ok(mail) = self.mails.try_recv() {
            mails.push(mail);
        }
        // Sequence numbers have one width: as texts they sort as numbers do.
        let done = |sequence: &&String| failed.as_ref().is_none_or(|failed| *sequence < failed);
        let checkpoint = batch.sequence_numbers.iter().rev().find(done).cloned();
        Ok(Step { mails, checkpoint, failed })
    }
}

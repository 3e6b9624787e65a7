//! Reads the stream and keeps the resulting mails in the data folder.

use super::state_table::{EntryKind, StateTable, StateTableError};
use crate::pump::{Pump, PumpError};
use latchkey::delivery::Mail;
use latchkey::web::problem::chain;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// How many mails are listed.
const SHOWN: i32 = 200;
/// After this many failures a record is skipped. A deployed stream moves it to the dead-letter queue.
const MAX_FAILURES: u32 = 8;
const IDLE: Duration = Duration::from_millis(500);

/// The stream reader and the mails. Clones are inexpensive.
#[derive(Clone)]
pub struct Mailbox {
    state_table: StateTable,
    state: Arc<Mutex<State>>,
    wake: Arc<Notify>,
}

struct State {
    pump: Pump,
    checkpoint: Option<String>,
    failures: u32,
}

/// The stream cannot be read, or its results cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The stream.
    #[error(transparent)]
    Pump(#[from] PumpError),
    /// The gateway's own table.
    #[error(transparent)]
    StateTable(#[from] StateTableError),
}

impl Mailbox {
    /// Opens the mailbox. Reading continues at the stored checkpoint.
    ///
    /// # Errors
    /// If the gateway's own table cannot be read.
    pub async fn open(pump: Pump, state_table: StateTable) -> Result<Self, MailboxError> {
        let checkpoint = state_table.find(EntryKind::Checkpoint, "identities").await?;
        let state = State { pump, checkpoint, failures: 0 };
        Ok(Self { state_table, state: Arc::new(Mutex::new(state)), wake: Arc::default() })
    }

    /// The position up to which the stream was read.
    pub async fn checkpoint(&self) -> Option<String> {
        self.state.lock().await.checkpoint.clone()
    }

    /// Wakes the reader: there may be new records.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Every mail so far, newest first, after the stream was read to its end.
    ///
    /// # Errors
    /// If the stream or the gateway's own table fails.
    pub async fn mails(&self) -> Result<Vec<Mail>, MailboxError> {
        self.catch_up().await?;
        Ok(self.state_table.list(EntryKind::Mail, SHOWN).await?)
    }

    /// Reads the stream until the task is dropped.
    pub async fn follow(self) {
        loop {
            let pause = match self.catch_up().await {
                Ok(0) => IDLE,
                Ok(failures) => Duration::from_millis(100 << failures),
                Err(error) => {
                    tracing::error!(error = chain(&error), "the stream can't be followed");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified(), if pause == IDLE => {}
            }
        }
    }

    /// Reads the stream to its end, or to a record that fails. Returns how often that record has failed so far.
    async fn catch_up(&self) -> Result<u32, MailboxError> {
        let mut state = self.state.lock().await;
        loop {
            let State { pump, checkpoint, failures } = &mut *state;
            let step = pump.step(checkpoint.as_deref()).await?;
            // Store mails before the checkpoint: a crash in between repeats records and loses none.
            for mail in &step.mails {
                self.state_table.put(EntryKind::Mail, &mail.id, mail).await?;
            }
            if step.checkpoint.is_some() {
                *failures = 0;
            }
            let passed_over = step.failed.filter(|_| {
                *failures += 1;
                *failures >= MAX_FAILURES
            });
            if let Some(sequence_number) = &passed_over {
                tracing::error!(sequence_number, "a stream record was passed over after {MAX_FAILURES} failures");
                *failures = 0;
            }
            let Some(done) = passed_over.or(step.checkpoint) else { return Ok(*failures) };
            self.state_table.put(EntryKind::Checkpoint, "identities", &done).await?;
            *checkpoint = Some(done);
        }
    }
}

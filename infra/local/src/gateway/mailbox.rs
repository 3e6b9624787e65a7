//! The stream and the mails that come of it, kept in the data folder.

use super::notebook::{Note, Notebook, NotebookError};
use crate::pump::{Pump, PumpError};
use latchkey::delivery::Mail;
use latchkey::web::problem::chain;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// How many mails are shown.
const SHOWN: i32 = 200;
/// How often a record is tried before it is passed over, as a deployed stream hands it to the dead-letter queue.
const MAX_FAILURES: u32 = 8;
const IDLE: Duration = Duration::from_millis(500);

/// The stream's reader and the mails. Cheap to clone.
#[derive(Clone)]
pub struct Mailbox {
    notebook: Notebook,
    state: Arc<Mutex<State>>,
    nudge: Arc<Notify>,
}

struct State {
    pump: Pump,
    checkpoint: Option<String>,
    failures: u32,
}

/// The stream can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The stream.
    #[error(transparent)]
    Pump(#[from] PumpError),
    /// What is kept of it.
    #[error(transparent)]
    Notebook(#[from] NotebookError),
}

impl Mailbox {
    /// The mailbox that goes on where it stopped.
    ///
    /// # Errors
    /// When the notebook can't be read.
    pub async fn open(pump: Pump, notebook: Notebook) -> Result<Self, MailboxError> {
        let checkpoint = notebook.find(Note::Checkpoint, "identities").await?;
        let state = State { pump, checkpoint, failures: 0 };
        Ok(Self { notebook, state: Arc::new(Mutex::new(state)), nudge: Arc::default() })
    }

    /// How far the stream was read.
    pub async fn checkpoint(&self) -> Option<String> {
        self.state.lock().await.checkpoint.clone()
    }

    /// Says that something may have been written.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Every mail that came so far, the newest first, after the stream was read to its end.
    ///
    /// # Errors
    /// When the stream or the notebook fails.
    pub async fn mails(&self) -> Result<Vec<Mail>, MailboxError> {
        self.catch_up().await?;
        Ok(self.notebook.list(Note::Mail, SHOWN).await?)
    }

    /// Follows the stream until the task is dropped.
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
                () = self.nudge.notified(), if pause == IDLE => {}
            }
        }
    }

    /// Reads the stream to its end, or to a record that fails; answers how often that one failed so far.
    async fn catch_up(&self) -> Result<u32, MailboxError> {
        let mut state = self.state.lock().await;
        loop {
            let State { pump, checkpoint, failures } = &mut *state;
            let step = pump.step(checkpoint.as_deref()).await?;
            // Mails before the checkpoint: a crash in between repeats records, it loses none.
            for mail in &step.mails {
                self.notebook.keep(Note::Mail, &mail.id, mail).await?;
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
            self.notebook.keep(Note::Checkpoint, "identities", &done).await?;
            *checkpoint = Some(done);
        }
    }
}

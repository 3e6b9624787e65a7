//! Reads the stream and keeps the resulting mails in the data folder, until their user is erased.

use super::state_table::{EntryKind, StateTable, StateTableError};
use crate::engine::Engine;
use crate::pump::{Cause, Pump, PumpError};
use latchkey::delivery::Mail;
use latchkey::web::problem::chain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// The tables with the stream.
    identities: Engine,
    /// The number of writes when the reader was last woken.
    woken_at: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
    wake: Arc<Notify>,
}

/// A stored mail.
#[derive(Serialize, Deserialize)]
struct StoredMail {
    #[serde(flatten)]
    mail: Mail,
    /// The account that caused it. Mails of earlier versions have none.
    #[serde(default)]
    account: Option<String>,
    /// The kind of the event that caused it.
    #[serde(default)]
    kind: Option<String>,
}

/// The event of a closed account. Its mail goes to the address of the account.
const CLOSED: &str = "deletion_requested";

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
    pub async fn open(pump: Pump, state_table: StateTable, identities: Engine) -> Result<Self, MailboxError> {
        let checkpoint = state_table.find(EntryKind::Checkpoint, "identities").await?;
        let state = State { pump, checkpoint, failures: 0 };
        let state = Arc::new(Mutex::new(state));
        Ok(Self { state_table, identities, woken_at: Arc::default(), state, wake: Arc::default() })
    }

    /// The position up to which the stream was read.
    pub async fn checkpoint(&self) -> Option<String> {
        self.state.lock().await.checkpoint.clone()
    }

    /// Wakes the reader if anything was written since it was last woken. Returns whether it did.
    pub fn wake(&self) -> bool {
        let writes = self.identities.writes();
        let is_new = self.woken_at.swap(writes, Ordering::SeqCst) != writes;
        if is_new {
            self.wake.notify_one();
        }
        is_new
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
        let mut read_at = None;
        loop {
            let writes = self.identities.writes();
            let pause = if read_at == Some(writes) {
                if let Err(error) = self.deliver_due().await {
                    tracing::error!(error = chain(&error), "a deferred notice could not be stored");
                }
                IDLE
            } else {
                match self.catch_up().await {
                    Ok(0) => {
                        read_at = Some(writes);
                        IDLE
                    }
                    Ok(failures) => Duration::from_millis(100 << failures),
                    Err(error) => {
                        tracing::error!(error = chain(&error), "the stream can't be followed");
                        Duration::from_secs(5)
                    }
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
            self.store(step.mails).await?;
            if !step.erased.is_empty() {
                self.forget(&step.erased).await?;
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

    /// Sends the deferred notices that are due while nothing is written.
    async fn deliver_due(&self) -> Result<(), MailboxError> {
        let mut state = self.state.lock().await;
        let mails = state.pump.deliver_due().await;
        self.store(mails).await
    }

    async fn store(&self, mails: Vec<(Mail, Option<Cause>)>) -> Result<(), MailboxError> {
        for (mail, cause) in mails {
            let (account, kind) = cause.map_or((None, None), |cause| (cause.account, Some(cause.kind)));
            let stored = StoredMail { mail, account, kind };
            self.state_table.put(EntryKind::Mail, &stored.mail.id, &stored).await?;
        }
        Ok(())
    }

    /// Removes the mails of erased accounts, and all mails to the addresses that these accounts had when they were closed.
    async fn forget(&self, erased: &[String]) -> Result<(), MailboxError> {
        let mails: Vec<StoredMail> = self.state_table.all(EntryKind::Mail).await?;
        let is_theirs = |mail: &&StoredMail| mail.account.as_ref().is_some_and(|account| erased.contains(account));
        // The other mails of that event go to former addresses, which others may have by now.
        let is_first = |mail: &&StoredMail| !mail.mail.id.contains('-');
        let closed = mails.iter().filter(is_theirs).filter(is_first).filter(|mail| mail.kind.as_deref() == Some(CLOSED));
        let addresses: BTreeSet<&str> = closed.map(|mail| mail.mail.to.as_str()).collect();
        let mut is_removed = false;
        for mail in mails.iter().filter(|mail| is_theirs(mail) || addresses.contains(mail.mail.to.as_str())) {
            self.state_table.remove(EntryKind::Mail, &mail.mail.id).await?;
            is_removed = true;
        }
        if is_removed {
            self.state_table.forget_removed()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::TABLES;
    use crate::engine::client;
    use crate::stream::StreamReader;
    use crate::world::World;
    use aws_sdk_dynamodb::types::AttributeValue;

    #[tokio::test]
    async fn the_stream_is_read_only_after_a_write() {
        let world = World::new().await.unwrap();
        let pump = Pump::new(StreamReader::new(world.engine.clone(), TABLES[0]), world.services.clone()).unwrap();
        let state = StateTable::open(&Engine::memory().unwrap()).await.unwrap();
        let mailbox = Mailbox::open(pump, state, world.engine.clone()).await.unwrap();
        mailbox.wake();
        let client = client(world.engine.connector());
        let item = || [("pk".to_owned(), AttributeValue::S("a".into())), ("sk".to_owned(), AttributeValue::S("b".into()))];
        client.get_item().table_name("keys").set_key(Some(item().into())).send().await.unwrap();
        assert!(!mailbox.wake(), "a read writes nothing");
        let refused = client.put_item().table_name("keys").set_item(Some(item().into()));
        assert!(refused.condition_expression("attribute_exists(pk)").send().await.is_err());
        assert!(!mailbox.wake(), "a failed condition writes nothing");
        client.put_item().table_name("keys").set_item(Some(item().into())).send().await.unwrap();
        assert!(mailbox.wake() && !mailbox.wake(), "once after a write");
    }
}

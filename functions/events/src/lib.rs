//! Follow-up work of a change: its audit record, and its mails.
//!
//! ```text
//! DynamoDB stream ─▶ project ─▶ audit record
//!                          └──▶ deliveries ─▶ mail queue ─▶ deliver ─▶ mail
//! ```
//!
//! 1. A batch of the stream or of the delivery queue arrives as JSON ([`Events::handle`], the same entry for Lambda, the local gateway and
//!    tests).
//! 2. Each record with an `event` becomes exactly one audit record, and its deliveries are queued ([`stream`]).
//! 3. Each delivery is checked against the current state, rate limited, rendered and passed to the mailer ([`sender`]). A notice over
//!    its limit goes back to the queue until it is due.
//! 4. The answer lists the failures (`batchItemFailures`); only these are retried (security 139).

mod account_mail;
mod new_device;
pub mod outgoing;
pub mod queue;
pub mod sender;
pub mod stream;

use crate::outgoing::DeliverError;
use latchkey::context::Deadline;
use latchkey::delivery::{MailChannel, MailRenderer, Mailer, RenderError};
use latchkey::domain::delivery::Delivery;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::RetentionPolicy;
use latchkey::domain::time::Span;
use latchkey::purpose::Purpose;
use latchkey::services::Services;
use latchkey::web::problem::chain;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The keys of this function: it decrypts addresses, derives codes, and seals the ids in links.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator];

/// The most time that one record or message takes. With less time left none is started, so that no invocation ends in the middle of a mail.
const RESERVE: Duration = Duration::from_secs(20);

/// The function and its dependencies. Clones are inexpensive.
#[derive(Clone)]
pub struct Events {
    services: Services,
    renderer: Arc<MailRenderer>,
    dispatch: Dispatch,
    /// Deferred notices that wait here, because there is no queue.
    waiting: Arc<Mutex<Vec<Delivery>>>,
}

/// Where deliveries of the stream go.
#[derive(Debug, Clone)]
pub enum Dispatch {
    /// Sent at once; the local gateway has no queue.
    Direct(Mailer),
    /// Put into the mail queue, which invokes this function to send them.
    Queued(MailChannel),
}

/// An event that is neither a batch of the stream nor of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a batch of DynamoDB stream records or SQS messages")]
pub struct Unrecognized;

impl Events {
    /// The function with these services.
    ///
    /// # Errors
    /// If a mail template or message is invalid.
    pub fn new(services: Services, dispatch: Dispatch) -> Result<Self, RenderError> {
        Ok(Self { services, renderer: Arc::new(MailRenderer::new()?), dispatch, waiting: Arc::default() })
    }

    /// Processes a batch in Lambda's format and answers `{"batchItemFailures":[{"itemIdentifier":…}]}`. Items that ran out of time are
    /// included.
    ///
    /// # Errors
    /// [`Unrecognized`] for any other event; nothing of it was processed.
    pub async fn handle(&self, batch: &Value, deadline: Deadline) -> Result<Value, Unrecognized> {
        let records = batch.get("Records").and_then(Value::as_array).ok_or(Unrecognized)?;
        let from =
            |source: &str| records.iter().all(|record| record.get("eventSource").and_then(Value::as_str) == Some(source));
        if from("aws:dynamodb") {
            Ok(answer(stream::handle(self, records, deadline).await))
        } else if from("aws:sqs") {
            Ok(answer(queue::handle(self, records, deadline).await))
        } else {
            Err(Unrecognized)
        }
    }

    /// How long this tenant's audit records are kept. An invalid document of one tenant must not stop the audit records of the others.
    async fn audit_kept(&self, tenant: &TenantId) -> Span {
        let Services { tenants, store, clock, .. } = &self.services;
        match tenants.find(tenant, store, clock.now()).await {
            Ok(Some(config)) => config.retention.audit,
            Ok(None) => RetentionPolicy::DEFAULT.audit,
            Err(error) => {
                tracing::warn!(%tenant, error = chain(&error), "audit records are kept for the default time");
                RetentionPolicy::DEFAULT.audit
            }
        }
    }

    /// Dispatches deliveries in order. Returns the position and the error of the first failure.
    async fn dispatch(&self, deliveries: &[Delivery]) -> Result<(), (usize, DeliverError)> {
        match &self.dispatch {
            Dispatch::Direct(_) => {
                for (at, delivery) in deliveries.iter().enumerate() {
                    self.deliver(delivery).await.map_err(|error| (at, error))?;
                }
                Ok(())
            }
            Dispatch::Queued(channel) => channel.queue.send(deliveries).await.map_err(|error| (error.at, error.into())),
        }
    }

    /// Sends a delivery. One that must wait goes back to the queue, which hides it for at most 5 minutes at a time.
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliverError> {
        let mailer = match &self.dispatch {
            Dispatch::Direct(mailer) | Dispatch::Queued(MailChannel { mailer, .. }) => mailer,
        };
        let Some(deferred) = sender::deliver(&self.services, &self.renderer, mailer, delivery).await? else { return Ok(()) };
        match &self.dispatch {
            Dispatch::Direct(_) => self.lock_waiting().push(deferred),
            Dispatch::Queued(channel) => channel.queue.send_later(&deferred, self.services.clock.now()).await?,
        }
        Ok(())
    }

    /// Sends the deferred notices that are due, where there is no queue. The local gateway keeps them in memory.
    ///
    /// # Errors
    /// If one of them failed. It waits on.
    pub async fn deliver_due(&self) -> Result<(), DeliverError> {
        let waiting = std::mem::take(&mut *self.lock_waiting());
        let mut failed = Ok(());
        for delivery in waiting {
            if let Err(error) = self.deliver(&delivery).await {
                self.lock_waiting().push(delivery);
                failed = Err(error);
            }
        }
        failed
    }

    /// The events whose deferred notices wait here.
    #[must_use]
    pub fn waiting_events(&self) -> Vec<String> {
        self.lock_waiting().iter().map(|delivery| delivery.event_id.clone()).collect()
    }

    fn lock_waiting(&self) -> std::sync::MutexGuard<'_, Vec<Delivery>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(failures: Vec<String>) -> Value {
    let failures: Vec<Value> = failures.into_iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
    serde_json::json!({ "batchItemFailures": failures })
}

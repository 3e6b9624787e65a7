//! What follows from a change: its audit record, and the mails that somebody must get.
//!
//! ```text
//! DynamoDB stream ─▶ project ─▶ audit record
//!                          └──▶ deliveries ─▶ mail queue ─▶ deliver ─▶ mail
//! ```
//!
//! 1. A batch of the stream, or of the delivery queue, comes in as JSON ([`Events::handle`], the same entry for Lambda, the local
//!    gateway and tests).
//! 2. Each record with an `event` becomes an audit record, once, and its deliveries, which are queued ([`stream`]).
//! 3. Each delivery is read again, counted, written and handed to the mailer ([`sender`]).
//! 4. The answer names what failed (`batchItemFailures`); only that comes again (security 139).

mod account_mail;
pub mod queue;
pub mod sender;
pub mod stream;

use latchkey::context::Deadline;
use latchkey::delivery::{MailChannel, MailRenderer, Mailer, RenderError};
use latchkey::domain::delivery::Delivery;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::RetentionPolicy;
use latchkey::domain::time::Span;
use latchkey::purpose::Purpose;
use latchkey::services::Services;
use latchkey::web::problem::chain;
use sender::DeliverError;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The keys that this function is given: it unseals addresses, derives codes, and seals the ids in links.
pub const PURPOSES: &[Purpose] = &[Purpose::Data, Purpose::Proof, Purpose::Locator];

/// What a record or a message may take, at worst: with less left none is begun, so that no invocation is ended amid a mail.
const RESERVE: Duration = Duration::from_secs(20);

/// The function: everything that it needs. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    services: Services,
    renderer: Arc<MailRenderer>,
    dispatch: Dispatch,
}

/// Where deliveries go from the stream.
#[derive(Debug, Clone)]
pub enum Dispatch {
    /// Sent at once: the local gateway has no queue.
    Direct(Mailer),
    /// To the mail queue, which hands them back to be sent.
    Queued(MailChannel),
}

/// An event that is neither a stream's nor a queue's batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a batch of DynamoDB stream records or SQS messages")]
pub struct Unrecognized;

impl Events {
    /// The function with these services.
    ///
    /// # Errors
    /// When a mail template or message is broken.
    pub fn new(services: Services, dispatch: Dispatch) -> Result<Self, RenderError> {
        Ok(Self { services, renderer: Arc::new(MailRenderer::new()?), dispatch })
    }

    /// Handles a batch, as Lambda hands it over, and answers `{"batchItemFailures":[{"itemIdentifier":…}]}`. What there was no time
    /// for is among them.
    ///
    /// # Errors
    /// [`Unrecognized`] for any other event: nothing of it was handled.
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

    /// How long this tenant's audit records are kept. One tenant's broken document must not keep everybody's records out.
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

    /// Dispatches what the stream asks for, in order; where it failed, and why.
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

    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliverError> {
        let mailer = match &self.dispatch {
            Dispatch::Direct(mailer) | Dispatch::Queued(MailChannel { mailer, .. }) => mailer,
        };
        sender::deliver(&self.services, &self.renderer, mailer, delivery).await
    }
}

fn answer(failures: Vec<String>) -> Value {
    let failures: Vec<Value> = failures.into_iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
    serde_json::json!({ "batchItemFailures": failures })
}

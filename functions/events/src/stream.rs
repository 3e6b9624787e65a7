//! Projects stream records of changed items to audit records and deliveries.
//!
//! 1. Write audit records in stream order. The first failure is reported, and Lambda retries from there. If the table does not answer,
//!    stop. A malformed record does not block the others, because it stays malformed.
//! 2. Dispatch the deliveries of all these records, whether or not their audit records were written.

use crate::outgoing::DeliverError;
use crate::{Events, RESERVE};
use aws_lambda_events::dynamodb::EventRecord;
use latchkey::context::Deadline;
use latchkey::domain::delivery::{Delivery, deliveries};
use latchkey::store::StoreError;
use latchkey::store::delivery::{StreamChange, read_change};
use latchkey::web::problem::chain;
use serde::Deserialize as _;
use serde_json::Value;

/// The follow-up work of a record.
#[derive(Debug, Clone)]
pub struct Projection {
    /// The change, for the audit table.
    pub change: StreamChange,
    /// The deliveries to send.
    pub deliveries: Vec<Delivery>,
}

/// Why a record failed. Unreadable content is never quoted.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("the record is not a valid stream record")]
    Record,
    #[error("the item is malformed")]
    Item(#[source] StoreError),
    #[error("the audit record was not written")]
    Audit(#[source] StoreError),
    #[error("a delivery failed")]
    Delivery(#[source] DeliverError),
    #[error("no time was left for it")]
    OutOfTime,
}

impl RecordError {
    /// Whether a retry may succeed. Such a failure would affect the next records too.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Record | Self::Item(_) => false,
            Self::Audit(_) | Self::Delivery(_) | Self::OutOfTime => true,
        }
    }
}

/// Processes the records. Returns the sequence number of the first failure, if any.
pub(crate) async fn handle(events: &Events, records: &[Value], deadline: Deadline) -> Vec<String> {
    let (mut deliveries, mut asked_by, mut failed) = (Vec::new(), Vec::new(), None);
    for (at, record) in records.iter().enumerate() {
        let projected = if deadline.leaves(RESERVE) { read(record) } else { Err(RecordError::OutOfTime) };
        let audited = match projected {
            Ok(None) => Ok(()),
            Ok(Some(projection)) => {
                asked_by.extend(projection.deliveries.iter().map(|_| at));
                deliveries.extend(projection.deliveries);
                audit(events, &projection.change).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = audited {
            log(records, at, &error);
            failed = failed.or(Some(at));
            if error.may_pass() {
                break;
            }
        }
    }
    // A retried batch sends its mails again rather than never: whether they were sent is unknown here.
    if let Err((delivery, error)) = events.dispatch(&deliveries).await {
        let at = asked_by.get(delivery).copied().unwrap_or_default();
        log(records, at, &RecordError::Delivery(error));
        failed = Some(failed.map_or(at, |failed| failed.min(at)));
    }
    failed.map(|at| sequence_number(records, at)).into_iter().collect()
}

fn log(records: &[Value], at: usize, error: &RecordError) {
    tracing::error!(sequence_number = sequence_number(records, at), error = chain(error), "a stream record failed");
}

fn sequence_number(records: &[Value], at: usize) -> String {
    let number = records.get(at).and_then(|record| record.pointer("/dynamodb/SequenceNumber"));
    number.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn read(record: &Value) -> Result<Option<Projection>, RecordError> {
    let record = EventRecord::deserialize(record).map_err(|_| RecordError::Record)?;
    project(record).map_err(RecordError::Item)
}

/// Writes the audit record, unless it exists already.
async fn audit(events: &Events, change: &StreamChange) -> Result<(), RecordError> {
    let keep = events.audit_kept(&change.tenant).await;
    let store = events.services.store.tenant(change.tenant.clone());
    store.put_audit(&change.event, keep).await.map_err(RecordError::Audit)
}

/// Projects a record. `None` if it has no event. Removals are never projected, and neither is any TTL deletion: an item that is physically
/// removed has ended long before.
///
/// # Errors
/// If its image has an event and is malformed.
pub fn project(record: EventRecord) -> Result<Option<Projection>, StoreError> {
    let by_service = record.user_identity.as_ref().is_some_and(|identity| identity.principal_id == "dynamodb.amazonaws.com");
    if by_service || !matches!(record.event_name.as_str(), "INSERT" | "MODIFY") {
        return Ok(None);
    }
    let Some(change) = read_change(record.change.new_image)? else {
        return Ok(None);
    };
    let deliveries = deliveries(&change.tenant, &change.event, &change.carrier);
    Ok(Some(Projection { change, deliveries }))
}

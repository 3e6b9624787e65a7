//! The stream: audit records and deliveries out of changed items.
//!
//! 1. Audit records, in the order of the stream. The first that fails is reported, and Lambda repeats from there on. A table that does
//!    not answer ends the work; a record that does not read keeps nobody else's waiting, since it will never read.
//! 2. Deliveries of all these records, the failed one's too, whether or not its audit record was written.

use crate::sender::DeliverError;
use crate::{Events, RESERVE};
use aws_lambda_events::dynamodb::EventRecord;
use latchkey::context::Deadline;
use latchkey::domain::delivery::{Delivery, deliveries};
use latchkey::store::StoreError;
use latchkey::store::delivery::{StreamChange, read_change};
use latchkey::web::problem::chain;
use serde::Deserialize as _;
use serde_json::Value;

/// What a record asks for.
#[derive(Debug, Clone)]
pub struct Projection {
    /// What happened, for the audit table.
    pub change: StreamChange,
    /// What is to be sent.
    pub deliveries: Vec<Delivery>,
}

/// Why a record was not done. What does not read is not quoted.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("the record does not read as one of a stream")]
    Record,
    #[error("the item does not read")]
    Item(#[source] StoreError),
    #[error("the audit record was not written")]
    Audit(#[source] StoreError),
    #[error("a delivery failed")]
    Delivery(#[source] DeliverError),
    #[error("no time was left for it")]
    OutOfTime,
}

impl RecordError {
    /// Whether it may be over when the record comes again, and meets the next ones, too.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Record | Self::Item(_) => false,
            Self::Audit(_) | Self::Delivery(_) | Self::OutOfTime => true,
        }
    }
}

/// Handles the records; the sequence number of the first that failed, if any.
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
    // Those of a repeated batch go out again rather than never: whether they did is not known here.
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

/// Writes the audit record, unless it stands already.
async fn audit(events: &Events, change: &StreamChange) -> Result<(), RecordError> {
    let keep = events.audit_kept(&change.tenant).await;
    let store = events.services.store.tenant(change.tenant.clone());
    store.put_audit(&change.event, keep).await.map_err(RecordError::Audit)
}

/// What a record asks for: `None` for one that tells of nothing. Removals, by whomever, and whatever the TTL's principal did are
/// never projected: an item that is physically gone ended long before.
///
/// # Errors
/// When its image carries an event and does not read.
pub fn project(record: EventRecord) -> Result<Option<Projection>, StoreError> {
    let by_service = record.user_identity.as_ref().is_some_and(|identity| identity.principal_id == "dynamodb.amazonaws.com");
    if by_service || !matches!(record.event_name.as_str(), "INSERT" | "MODIFY") {
        return Ok(None);
    }
    let Some(change) = read_change(record.change.new_image)? else {
        return Ok(None);
    };
    let deliveries = deliveries(&change.tenant, &change.event, change.flow.as_ref());
    Ok(Some(Projection { change, deliveries }))
}

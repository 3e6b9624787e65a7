//! The stream: audit records and deliveries out of changed items.
//!
//! Records of a shard come in order, and Lambda repeats a batch from the first failure on. So the first failure ends the work:
//! what stands before it is done once, what stands after it is done when it comes again.

use crate::Events;
use crate::sender::DeliverError;
use aws_lambda_events::dynamodb::EventRecord;
use latchkey::domain::delivery::{Delivery, deliveries};
use latchkey::store::StoreError;
use latchkey::store::delivery::{StreamChange, read_change};
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

/// Why a record was not done.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("the record does not read as one of a stream")]
    Record(#[source] serde_json::Error),
    #[error("the item does not read")]
    Item(#[source] StoreError),
    #[error("the audit record was not written")]
    Audit(#[source] StoreError),
    #[error("a delivery failed")]
    Delivery(#[source] DeliverError),
}

/// Handles the records in order; the sequence number of the first that failed, if any.
pub(crate) async fn handle(events: &Events, records: &[Value]) -> Vec<String> {
    for record in records {
        if let Err(error) = handle_record(events, record).await {
            let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default();
            tracing::error!(sequence_number, error = &error as &dyn std::error::Error, "a stream record failed");
            return vec![sequence_number.to_owned()];
        }
    }
    Vec::new()
}

async fn handle_record(events: &Events, record: &Value) -> Result<(), RecordError> {
    let record = EventRecord::deserialize(record).map_err(RecordError::Record)?;
    let Some(Projection { change, deliveries }) = project(record).map_err(RecordError::Item)? else {
        return Ok(());
    };
    // The record may stand already: this batch is a repetition, and whether its mails went out is not known. They go out again
    // rather than never.
    let keep = events.audit_kept(&change.tenant).await;
    let audited = events.services.store.tenant(change.tenant.clone()).put_audit(&change.event, keep).await;
    for delivery in &deliveries {
        events.dispatch(delivery).await.map_err(RecordError::Delivery)?;
    }
    audited.map_err(RecordError::Audit)
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

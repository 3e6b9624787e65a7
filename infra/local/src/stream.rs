//! Reads a table's stream in this process, as Lambda's event source mapping does: in order, from a checkpoint, filtered.

use crate::engine::{Engine, EngineError};
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::streams::{shard_id, stream_arn};
use serde_json::Value;

/// Reads the stream of one table.
#[derive(Debug, Clone)]
pub struct StreamReader {
    engine: Engine,
    table: String,
}

/// Records in Lambda's format, and where reading continues.
#[derive(Debug, Clone, Default)]
pub struct StreamBatch {
    /// The records that match the filter, in order.
    pub records: Vec<Value>,
    /// The sequence numbers of all records that were read, matching or not, in order.
    pub sequence_numbers: Vec<String>,
}

impl StreamReader {
    /// The most records of one batch.
    pub const BATCH: usize = 100;

    /// A reader of this table's stream.
    #[must_use]
    pub fn new(engine: Engine, table: impl Into<String>) -> Self {
        Self { engine, table: table.into() }
    }

    /// Reads the next records after this sequence number, or from the beginning. A record matches if its new image has the attribute
    /// `event`, as in the deployed stream's filter.
    ///
    /// # Errors
    /// If the table has no stream, or the engine fails.
    pub fn read(&self, after: Option<&str>) -> Result<StreamBatch, EngineError> {
        let mut batch = StreamBatch::default();
        for record in self.read_unfiltered(after)? {
            let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str);
            batch.sequence_numbers.extend(sequence_number.map(str::to_owned));
            if record.pointer("/dynamodb/NewImage/event").is_some() {
                batch.records.push(record);
            }
        }
        Ok(batch)
    }

    /// Reads the next records without the filter, to inspect the stream.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_unfiltered(&self, after: Option<&str>) -> Result<Vec<Value>, EngineError> {
        let database = self.engine.database();
        let iterator = database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: stream_arn(&self.table, "local"),
            shard_id: shard_id(&self.table),
            shard_iterator_type: if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" }.to_owned(),
            sequence_number: after.map(str::to_owned),
        })?;
        let answer = database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(Self::BATCH),
        })?;
        answer.records.iter().map(|record| serde_json::to_value(record).map_err(EngineError::Json)).collect()
    }
}

//! The embedded DynamoDB engine behind the real SDK: an HTTP connector that answers in this process.
//!
//! 1. The SDK signs and serializes a request as usual, and passes it to its HTTP client.
//! 2. [`Engine`] is that client. It reads `X-Amz-Target`, runs the operation on the engine and answers with DynamoDB's own JSON, errors
//!    included. There is no socket, no port and no second code path in the store.
//! 3. Connectors can be wrapped: [`crate::fault`] injects failures, [`crate::meter`] counts calls.
//!
//! A file engine commits each write to SQLite's log before it answers. Acknowledged writes survive `kill -9`.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An embedded engine: in memory, or in one SQLite file. Clones are inexpensive.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    /// A file engine waits for the disk at each commit, so it runs on blocking threads.
    file: Option<Arc<str>>,
    /// How many writes were executed.
    writes: Arc<AtomicU64>,
}

/// The engine could not be opened or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// SQLite or the engine failed.
    #[error("the embedded engine: {0}")]
    Engine(#[from] DynoxideError),
    /// The engine's answer cannot be serialized.
    #[error("the embedded engine's answer cannot be read")]
    Json(#[source] serde_json::Error),
    /// The path is not UTF-8.
    #[error("the path is not valid UTF-8")]
    Path,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine in memory. Its data is lost when it is dropped.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn memory() -> Result<Self, EngineError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // A name, so that a second connection can add the index. The name is of this process only.
        let name = format!("file:latchkey-{}?mode=memory&cache=shared", NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Database::new(&name)?;
        index_stream(&name)?;
        Ok(Self { database, file: None, writes: Arc::default() })
    }

    /// An engine in this file. The file is created if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be opened, or is not a file of the engine.
    pub fn file(path: &Path) -> Result<Self, EngineError> {
        let path = path.to_str().ok_or(EngineError::Path)?;
        let database = Database::new(path)?;
        index_stream(path)?;
        Ok(Self { database, file: Some(path.into()), writes: Arc::default() })
    }

    /// How many writes were executed through [`Self::connector`] so far. The stream has no new record if this number is the same.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// The engine itself, for operations outside the SDK's DynamoDB client (streams, TTL sweeps, raw scans by tests).
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Removes stream records older than DynamoDB keeps them (24 hours), but only those already read: up to this sequence number.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn trim_stream(&self, table: &str, read_to: &str) -> Result<(), EngineError> {
        // A public sequence number has 21 digits; the first is always 1 and is not stored.
        let (Some(file), Some(stored)) = (&self.file, read_to.get(1..)) else { return Ok(()) };
        let trim = "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < CAST(?2 AS INTEGER) \
                    AND created_at < unixepoch() - 86400";
        let storage = dynoxide::storage::Storage::new(file)?;
        storage.conn().execute(trim, [table, stored]).map_err(DynoxideError::from)?;
        Ok(())
    }

    /// Removes a table, and its content from the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn drop_table(&self, table: &str) -> Result<(), EngineError> {
        let request = serde_json::from_value(serde_json::json!({ "TableName": table })).map_err(EngineError::Json)?;
        self.database.delete_table(request)?;
        self.compact()
    }

    /// Writes the file anew, without what was removed from it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn compact(&self) -> Result<(), EngineError> {
        let Some(file) = &self.file else { return Ok(()) };
        self.database.vacuum()?;
        // The log still has the removed pages.
        let storage = dynoxide::storage::Storage::new(file)?;
        let truncated = storage.conn().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        truncated.map_err(|error| EngineError::Engine(DynoxideError::from(error)))
    }

    /// The connector that answers the SDK in this process.
    #[must_use]
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Engine {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.clone();
        HttpConnectorFuture::new(async move {
            let operation = operation(&request).unwrap_or_default().to_owned();
            let body = request.body().bytes().unwrap_or_default().to_vec();
            let answer = if engine.file.is_some() {
                tokio::task::spawn_blocking(move || engine.dispatch(&operation, &body))
                    .await
                    .map_err(|error| ConnectorError::other(error.into(), None))?
            } else {
                // Yield, as every network call does. Without this point, tasks on one thread never race.
                tokio::task::yield_now().await;
                engine.dispatch(&operation, &body)
            };
            match answer {
                Ok(json) => response(200, json),
                Err(error) => response(error.status_code(), error.to_json()),
            }
        })
    }
}

/// The DynamoDB operation of a request, such as `PutItem`.
#[must_use]
pub fn operation(request: &HttpRequest) -> Option<&str> {
    request.headers().get("x-amz-target").and_then(|target| target.rsplit_once('.')).map(|(_, operation)| operation)
}

/// An answer in DynamoDB's form.
///
/// # Errors
/// If the status is not an HTTP status.
pub fn response(status: u16, json: impl Into<SdkBody>) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status, json.into());
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}

/// A client that uses this connector: fixed credentials and region (no lookup), three attempts with a short backoff.
#[must_use]
pub fn client(connector: SharedHttpConnector) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .endpoint_url("http://engine.invalid")
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(20)))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

impl Engine {
    fn dispatch(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        let answer = dispatch(&self.database, operation, body)?;
        if matches!(operation, "BatchWriteItem" | "DeleteItem" | "PutItem" | "TransactWriteItems" | "UpdateItem") {
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
        Ok(answer)
    }
}

fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => run(body, |request| database.describe_time_to_live(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(without_token(request))),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "UpdateTable" => run(body, |request| database.update_table(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        other => Err(DynoxideError::ValidationException(format!("the local gateway has no operation {other:?}"))),
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    execute: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    let answer = execute(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// At each transaction the engine walks the tokens of the last ten minutes, so an import would slow down as it goes. Every transaction of
/// Latchkey begins with a put with an `op`, which distinguishes a lost reply from a conflict (security 135), so the token is not needed.
fn without_token(request: TransactWriteItemsRequest) -> TransactWriteItemsRequest {
    TransactWriteItemsRequest { client_request_token: None, ..request }
}

/// The engine's parsers mark by a prefix of the message which of the two errors is meant.
fn unreadable(message: &str) -> DynoxideError {
    match message.split_once(':') {
        Some((marker, rest)) if marker.starts_with("VALIDATION") => DynoxideError::ValidationException(rest.to_owned()),
        _ => DynoxideError::SerializationException(message.to_owned()),
    }
}

/// The engine numbers each stream record by a search for the highest number. Without an index, that search slows down every write as the
/// stream grows.
fn index_stream(path: &str) -> Result<(), EngineError> {
    let storage = dynoxide::storage::Storage::new(path)?;
    storage
        .conn()
        .execute_batch(
            "CREATE INDEX IF NOT EXISTS latchkey_stream ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
        )
        .map_err(DynoxideError::from)?;
    Ok(())
}

/// A table named `test` with the key `pk`.
#[cfg(test)]
pub(crate) async fn test_table(client: &aws_sdk_dynamodb::Client) {
    use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
    let attribute = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
    client
        .create_table()
        .table_name("test")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap())
        .send()
        .await
        .unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException;
    use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

    async fn table(engine: &Engine) -> aws_sdk_dynamodb::Client {
        let client = client(engine.connector());
        test_table(&client).await;
        client
    }

    #[tokio::test]
    async fn a_failed_condition_comes_back_as_the_sdk_knows_it_with_the_old_image() {
        let client = table(&Engine::memory().unwrap()).await;
        let put = || {
            client
                .put_item()
                .table_name("test")
                .item("pk", AttributeValue::S("a".into()))
                .condition_expression("attribute_not_exists(pk)")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
        };
        put().await.unwrap();
        let error = put().await.unwrap_err().into_service_error();
        let ConditionalCheckFailedException(failed) = error else { panic!("{error:?}") };
        assert_eq!(failed.item().unwrap()["pk"], AttributeValue::S("a".into()));
    }

    /// The engine looks for the highest number at each write: a search of the index, not of the whole stream.
    #[tokio::test]
    async fn the_stream_of_every_engine_has_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let engines = [Engine::memory().unwrap(), Engine::file(&folder.path().join("engine.sqlite")).unwrap()];
        for engine in engines {
            let copy = folder.path().join(format!("copy-{}.sqlite", engine.file.is_some()));
            engine.database.vacuum_into(copy.to_str().unwrap()).unwrap();
            let storage = dynoxide::storage::Storage::new(copy.to_str().unwrap()).unwrap();
            let highest =
                "EXPLAIN QUERY PLAN SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = 'a'";
            let plan: String = storage.conn().query_row(highest, [], |row| row.get(3)).unwrap();
            assert!(plan.contains("latchkey_stream"), "{engine:?}: {plan}");
        }
    }

    /// The engine walks every token of the last ten minutes at each transaction, so none is kept.
    #[tokio::test]
    async fn a_transaction_leaves_no_token_to_walk() {
        use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
        let client = table(&Engine::memory().unwrap()).await;
        for key in ["a", "b"] {
            let put = Put::builder().table_name("test").item("pk", AttributeValue::S(key.into())).build().unwrap();
            let item = TransactWriteItem::builder().put(put).build();
            // A kept token refuses another content.
            client.transact_write_items().transact_items(item).client_request_token("the same").send().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_stream_is_trimmed_only_of_what_is_old_and_was_read() {
        use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sqlite");
        let engine = Engine::file(&path).unwrap();
        let client = table(&engine).await;
        let stream =
            StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage).build().unwrap();
        client.update_table().table_name("test").stream_specification(stream).send().await.unwrap();
        for pk in ["a", "b", "c", "d"] {
            client.put_item().table_name("test").item("pk", AttributeValue::S(pk.into())).send().await.unwrap();
        }
        let reader = crate::stream::StreamReader::new(engine.clone(), "test");
        let numbers = reader.read(None).unwrap().sequence_numbers;
        let left = || reader.read(None).unwrap().sequence_numbers.len();
        engine.trim_stream("test", &numbers[2]).unwrap();
        assert_eq!(left(), 4, "nothing is old");
        let storage = dynoxide::storage::Storage::new(path.to_str().unwrap()).unwrap();
        storage.conn().execute("UPDATE _stream_records SET created_at = created_at - 90000", []).unwrap();
        engine.trim_stream("test", &numbers[2]).unwrap();
        assert_eq!(left(), 2, "the record of the checkpoint stays: numbers go on from it");
    }

    #[tokio::test]
    async fn a_file_engine_keeps_what_it_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sqlite");
        let client_of_first = table(&Engine::file(&path).unwrap()).await;
        client_of_first.put_item().table_name("test").item("pk", AttributeValue::S("a".into())).send().await.unwrap();
        drop(client_of_first);
        let client = client(Engine::file(&path).unwrap().connector());
        let read = client.get_item().table_name("test").key("pk", AttributeValue::S("a".into())).send().await.unwrap();
        assert!(read.item().is_some());
    }
}

//! Batches that the stream's event source mapping could not deliver. Each is one object `aws/lambda/{mapping}/{shard}/{time}-{random}`: a
//! JSON invocation record, with the whole batch as text in `payload`.

use crate::command_error::CommandError;
use crate::target::Stack;
use crate::terminal::say;
use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde_json::Value;

/// The failed batches in the bucket.
pub(super) struct FailedBatches {
    s3: aws_sdk_s3::Client,
    lambda: aws_sdk_lambda::Client,
    bucket: String,
    function: String,
    keys: Vec<String>,
}

/// Lambda's record of a failed invocation.
#[derive(Deserialize)]
struct InvocationRecord {
    payload: Payload,
}

/// The batch: as text, as Lambda documents it, or as a JSON value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    Text(String),
    Batch(Value),
}

/// The function's answer to a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchAnswer {
    batch_item_failures: Vec<Value>,
}

/// The batch in an object, and how many records it has.
fn parse_batch(object: &[u8]) -> Result<(String, usize), String> {
    let record: InvocationRecord =
        serde_json::from_slice(object).map_err(|error| format!("it is not an invocation record with a payload: {error}"))?;
    let batch: Value = match record.payload {
        Payload::Text(text) => serde_json::from_str(&text).map_err(|error| format!("its payload is not JSON: {error}"))?,
        Payload::Batch(batch) => batch,
    };
    match batch.get("Records").and_then(Value::as_array).map(Vec::len) {
        Some(records) => Ok((batch.to_string(), records)),
        None => Err("its payload has no Records".to_owned()),
    }
}

/// Returns an error if the function's answer reports a failure.
fn check_answer(function_error: Option<&str>, answer: &[u8]) -> Result<(), String> {
    if let Some(error) = function_error {
        return Err(format!("the function failed ({error}): see its log"));
    }
    let answer: BatchAnswer =
        serde_json::from_slice(answer).map_err(|error| format!("the function did not answer with a batch result: {error}"))?;
    match answer.batch_item_failures.len() {
        0 => Ok(()),
        _ => Err("a record failed again, and the records after it were not tried: see the function's log".to_owned()),
    }
}

impl FailedBatches {
    /// Lists the failed batches.
    pub(super) async fn find(stack: &Stack) -> Result<Self, CommandError> {
        let missing = |what: &str| CommandError::new(format!("the stack has no {what}: deploy the current template"));
        let bucket = stack.resource("StreamFailures").ok_or_else(|| missing("bucket StreamFailures"))?.to_owned();
        let function = stack.resource("Events").ok_or_else(|| missing("function Events"))?.to_owned();
        let s3 = aws_sdk_s3::Client::from_conf(s3_config(stack));
        let mut keys = Vec::new();
        let mut pages = s3.list_objects_v2().bucket(&bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| CommandError::caused_by(&format!("the bucket {bucket} cannot be listed"), &error))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        keys.sort();
        Ok(Self { s3, lambda: aws_sdk_lambda::Client::new(&stack.aws), bucket, function, keys })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The summary lines.
    pub(super) fn summary(&self) -> String {
        let mut words = format!("stream batches that failed every attempt, in {}: {}\n", self.bucket, self.keys.len());
        for key in &self.keys {
            words.push_str(&format!("  {key}\n"));
        }
        words
    }

    /// Invokes the function with each batch. Returns how many are left.
    pub(super) async fn redrive(&self) -> Result<usize, CommandError> {
        let mut left = 0;
        for key in &self.keys {
            match self.redrive_one(key).await {
                Ok(records) => say(&format!("  done  {key}: {records} records\n"))?,
                Err(why) => {
                    left += 1;
                    say(&format!("  kept  {key}: {why}\n"))?;
                }
            }
        }
        if !self.keys.is_empty() {
            say(&format!("  {} done, {left} kept\n", self.keys.len() - left))?;
        }
        Ok(left)
    }

    async fn redrive_one(&self, key: &str) -> Result<usize, String> {
        let told = |doing: &str, error: &dyn std::error::Error| CommandError::caused_by(doing, error).to_string();
        let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await;
        let object = object.map_err(|error| told("it cannot be read", &error))?.body.collect().await;
        let (batch, records) = parse_batch(&object.map_err(|error| told("it cannot be read", &error))?.to_vec())?;
        let invoked = self.lambda.invoke().function_name(&self.function).payload(Blob::new(batch)).send().await;
        let answer = invoked.map_err(|error| told("the function cannot be invoked", &error))?;
        check_answer(answer.function_error.as_deref(), answer.payload.as_ref().map(Blob::as_ref).unwrap_or_default())?;
        let removed = self.s3.delete_object().bucket(&self.bucket).key(key).send().await;
        removed.map_err(|error| told("it was processed, but cannot be removed", &error))?;
        Ok(records)
    }
}

/// Path-style bucket addresses if an endpoint is given, because a local AWS has no bucket host names.
pub(crate) fn s3_config(stack: &Stack) -> aws_sdk_s3::Config {
    aws_sdk_s3::config::Builder::from(&stack.aws).force_path_style(stack.aws.endpoint_url().is_some()).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_batch_is_read_as_lambda_writes_it() {
        let records = json!({ "Records": [{ "eventID": "1" }, { "eventID": "2" }] });
        for payload in [json!(records.to_string()), records.clone()] {
            let object = json!({ "version": "1.0", "requestContext": {}, "payload": payload }).to_string();
            let (text, number) = parse_batch(object.as_bytes()).unwrap();
            assert_eq!((serde_json::from_str::<Value>(&text).unwrap(), number), (records.clone(), 2));
        }
        for (object, why) in [
            (json!({ "version": "1.0" }).to_string(), "not an invocation record"),
            (json!({ "payload": "{" }).to_string(), "not JSON"),
            (json!({ "payload": "{}" }).to_string(), "no Records"),
            ("<xml/>".to_owned(), "not an invocation record"),
        ] {
            assert!(parse_batch(object.as_bytes()).unwrap_err().contains(why), "{object}");
        }
    }

    #[test]
    fn only_an_answer_without_failures_is_done() {
        assert_eq!(check_answer(None, br#"{"batchItemFailures":[]}"#), Ok(()));
        for (error, answer, why) in [
            (Some("Unhandled"), &br#"{"batchItemFailures":[]}"#[..], "failed (Unhandled)"),
            (None, br#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#, "failed again"),
            (None, b"null", "did not answer"),
            (None, b"", "did not answer"),
        ] {
            assert!(check_answer(error, answer).unwrap_err().contains(why), "{why}");
        }
    }
}

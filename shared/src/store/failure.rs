//! What an SDK error means: pass it on as unavailable, as refused, or try again ourselves.

use super::StoreError;
use crate::context::Random;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// An SDK error without what it carries of requests and items: those may hold sealed data and have no place in a log.
#[derive(Debug)]
struct Failure {
    operation: &'static str,
    code: String,
    detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.operation, self.code, self.detail)
    }
}
impl Error for Failure {}

/// Codes that say "later", which the SDK has tried again by its own rules before we see them.
const LATER: &[&str] = &[
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// Codes that say "someone else is writing this just now": never a domain conflict (security 134). The SDK does not try these
/// again; we do.
pub(super) const CONTENDED: &[&str] =
    &["ReplicatedWriteConflictException", "TransactionConflict", "TransactionConflictException"];

/// What an SDK error means for the caller.
pub(super) fn store_error<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default().to_owned();
    let failure = |detail: String| Box::new(Failure { operation, code: code.clone(), detail });
    match &error {
        SdkError::ConstructionFailure(_) => StoreError::Refused(failure("the request could not be built".to_owned())),
        SdkError::TimeoutError(_) => StoreError::Unavailable(failure("timed out".to_owned())),
        SdkError::DispatchFailure(_) => StoreError::Unavailable(failure("not reached".to_owned())),
        SdkError::ResponseError(_) => StoreError::Unavailable(failure("the answer does not read".to_owned())),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let text = error.message().unwrap_or_default();
            let detail = failure(format!("{text} (status {status})"));
            if status >= 500 || LATER.contains(&code.as_str()) || CONTENDED.contains(&code.as_str()) {
                StoreError::Unavailable(detail)
            } else {
                StoreError::Refused(detail)
            }
        }
        // `SdkError` may grow; what we do not know, we do not call the caller's fault.
        _ => StoreError::Unavailable(failure("failed".to_owned())),
    }
}

/// An error of our own making about an answer of the store.
pub(super) fn unavailable(operation: &'static str, code: &str, detail: &str) -> StoreError {
    StoreError::Unavailable(Box::new(Failure { operation, code: code.to_owned(), detail: detail.to_owned() }))
}

/// As [`unavailable`], for what no retry mends.
pub(super) fn refused(operation: &'static str, code: &str, detail: &str) -> StoreError {
    StoreError::Refused(Box::new(Failure { operation, code: code.to_owned(), detail: detail.to_owned() }))
}

/// How often we send what the SDK does not send again: contended writes, keys that a batch left unprocessed.
pub(super) const MAX_SENDS: u32 = 5;

/// Waits before the next send (the first wait has `sent = 1`): up to 20 ms, doubled each time, at a random point, so that those
/// who collided do not meet again.
pub(super) async fn back_off(sent: u32) {
    let ceiling = 20_000_u64 << sent.saturating_sub(1).min(4);
    let point = u64::from(u16::from_le_bytes(Random.bytes()));
    tokio::time::sleep(Duration::from_micros(ceiling * point / u64::from(u16::MAX))).await;
}

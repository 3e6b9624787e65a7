//! Classifies SDK errors: unavailable, refused, or to be retried by us.

use super::StoreError;
use crate::context::Random;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// An SDK error without the data of requests and items: that may be sealed data, and must not be in a log.
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

/// Codes that mean "later". The SDK has retried them by its own rules before we see them.
const RETRIED_BY_SDK: &[&str] = &[
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// Codes that mean that another request is writing this item: never a domain conflict (security 134). The SDK does not retry
/// them; we do.
pub(super) const CONTENDED: &[&str] =
    &["ReplicatedWriteConflictException", "TransactionConflict", "TransactionConflictException"];

/// Classifies an SDK error for the caller.
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
            if status >= 500 || RETRIED_BY_SDK.contains(&code.as_str()) || CONTENDED.contains(&code.as_str()) {
                StoreError::Unavailable(detail)
            } else {
                StoreError::Refused(detail)
            }
        }
        // `SdkError` may grow. We do not blame the caller for an unknown error.
        _ => StoreError::Unavailable(failure("failed".to_owned())),
    }
}

/// An error that we create for an answer of the store.
pub(super) fn unavailable(operation: &'static str, code: &str, detail: &str) -> StoreError {
    StoreError::Unavailable(Box::new(Failure { operation, code: code.to_owned(), detail: detail.to_owned() }))
}

/// As [`unavailable`], for an error that a retry does not fix.
pub(super) fn refused(operation: &'static str, code: &str, detail: &str) -> StoreError {
    StoreError::Refused(Box::new(Failure { operation, code: code.to_owned(), detail: detail.to_owned() }))
}

/// Maximum number of sends where the SDK does not retry: contended writes, unprocessed keys of a batch.
pub(super) const MAX_SENDS: u32 = 5;

/// Waits before the next send (the first wait has `sent = 1`): up to 20 ms, doubled each time, with full jitter, so that
/// colliding requests do not collide again.
pub(super) async fn back_off(sent: u32) {
    let ceiling = 20_000_u64 << sent.saturating_sub(1).min(4);
    let point = u64::from(u16::from_le_bytes(Random.bytes()));
    tokio::time::sleep(Duration::from_micros(ceiling * point / u64::from(u16::MAX))).await;
}

//! Classifies KMS errors.

use crate::keys::KeyError;
use aws_sdk_kms::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// Maps a KMS error: it may pass, or it is permanent.
pub(super) fn kms_error<E>(error: SdkError<E>) -> KeyError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let may_pass = match &error {
        SdkError::ServiceError(answer) => {
            answer.raw().status().is_server_error()
                || matches!(
                    answer.err().code(),
                    Some(
                        "ThrottlingException"
                            | "LimitExceededException"
                            | "RequestLimitExceeded"
                            | "DependencyTimeoutException"
                            | "KeyUnavailableException"
                            | "KMSInternalException"
                    )
                )
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ConstructionFailure(_) => false,
        // The enum is open. An unknown error may pass.
        _ => true,
    };
    tracing::warn!(error = %DisplayErrorContext(&error), may_pass, "KMS failed");
    if may_pass { KeyError::VaultUnavailable(Box::new(error)) } else { KeyError::VaultRefused(Box::new(error)) }
}

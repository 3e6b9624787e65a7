//! How the DynamoDB client behaves, wherever it is built (`runtime` and the local gateway build it).

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder};
use std::time::Duration;

/// Sends of one request by the SDK, the first included: throttling, 5xx and timeouts are sent again, with jitter, as long as
/// the client's retry budget lasts.
pub const MAX_ATTEMPTS: u32 = 3;
/// The longest that one send may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);
/// The longest that a request may take with all its sends: below every function's timeout, far below the gateway's 29 s.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// The behaviour, retries and timeouts of every client of ours; region, credentials, endpoint and HTTP client are the builder's.
#[must_use]
pub fn with_defaults(builder: Builder) -> Builder {
    builder
        .behavior_version(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
}

//! Why a legacy directory gives no verdict.

use crate::domain::time::Span;

/// Why the directory gave no verdict. Nothing was evaluated.
#[derive(Debug, thiserror::Error)]
pub enum LegacyDirectoryError {
    /// It is not called, after consecutive failures.
    #[error("the user pool is not called for {0} s")]
    Resting(u64),
    /// Its quota is reached, by all requests together or by attempts on this account.
    #[error("the user pool throttles requests: {0}")]
    Busy(String),
    /// It refuses all attempts on this account for some time, or a trigger of the pool fails for this account. Other accounts are not
    /// affected.
    #[error("the user pool does not evaluate this account now: {0}")]
    Locked(String),
    /// No response, or an internal failure of the pool.
    #[error("the user pool did not respond: {0}")]
    Unavailable(String),
    /// It refuses the request: a permission, the app client or the pool is not as the migration guide requires.
    #[error("the user pool refuses the request: {0}")]
    Misconfigured(String),
}

impl LegacyDirectoryError {
    /// The time until the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Span {
        match self {
            Self::Resting(seconds) => Span::seconds(i64::try_from(*seconds).unwrap_or(1).max(1)),
            Self::Busy(_) | Self::Locked(_) | Self::Unavailable(_) => Span::seconds(5),
            Self::Misconfigured(_) => Span::minutes(1),
        }
    }
    /// Logs the error. If the operator must fix it, the level is ERROR, otherwise WARN.
    pub fn log(&self) {
        match self {
            Self::Misconfigured(_) => tracing::error!(error = %self, "no user can be migrated from the user pool"),
            Self::Resting(_) | Self::Busy(_) | Self::Locked(_) | Self::Unavailable(_) => {
                tracing::warn!(error = %self, "the user pool gave no verdict");
            }
        }
    }
    /// Returns whether fewer requests would help. Only these errors count for the circuit breaker.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Unavailable(_) => true,
            Self::Resting(_) | Self::Locked(_) | Self::Misconfigured(_) => false,
        }
    }
}

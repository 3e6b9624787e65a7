//! Why a mail was not sent.

/// A mail was not sent. The error contains a code only, because error messages of SES contain e-mail addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A transient failure. If there was no response, the mail may have been sent.
    #[error("the mailer does not accept mail now: {0}")]
    Unavailable(String),
    /// A permanent failure: the sender is not verified, sending is paused, or the recipient is refused. Retries fail until an operator
    /// fixes the cause. After the last retry the delivery is in the dead-letter queue.
    #[error("the mailer refuses this mail: {0}")]
    Refused(String),
}

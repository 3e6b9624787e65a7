//! Why a mail was not handed over.

/// A mail was not handed over. It never says more than a code: SES's own words quote addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Not now. When no answer came, it may have been sent all the same.
    #[error("the mailer does not take mail now: {0}")]
    Unavailable(String),
    /// Not as things are: the sender is not verified, sending is suspended, the address is refused. It comes again in vain until
    /// somebody mends that, and ends in the dead letters.
    #[error("the mailer refuses this mail: {0}")]
    Refused(String),
}

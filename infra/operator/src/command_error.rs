//! The error of a command that did nothing, or not everything.

use std::error::Error;

/// One message: what was wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CommandError(String);

impl CommandError {
    /// With this message.
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
    /// With what failed, and every cause of the error.
    pub(crate) fn caused_by(doing: &str, error: &dyn Error) -> Self {
        Self(format!("{doing}: {}", causes(error)))
    }
}

/// An error and its causes. A cause that an error already contains is not repeated.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !words.contains(&said) {
            words = format!("{words}: {said}");
        }
        source = cause.source();
    }
    words
}

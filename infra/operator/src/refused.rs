//! Why a command did nothing, or not all of it.

use std::error::Error;

/// One message: what was wrong, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl Refused {
    /// In these words.
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
    /// What could not be done, and every cause that the error names.
    pub(crate) fn because(doing: &str, error: &dyn Error) -> Self {
        Self(format!("{doing}: {}", causes(error)))
    }
}

/// An error and its causes, each said once: libraries repeat theirs.
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

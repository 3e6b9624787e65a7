//! Why the gateway does not start.

use std::fmt::Display;
use std::path::Path;

/// Why the gateway does not start, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    /// A refusal with this message.
    #[must_use]
    pub fn new(words: impl Into<String>) -> Self {
        // Always one line, even if the message of a library has several.
        Self(words.into().split_whitespace().collect::<Vec<_>>().join(" "))
    }
    pub(super) fn certificate(path: &Path, error: &dyn Display, advice: &str) -> Self {
        Self::new(format!("cannot use {}: {error}; {advice}", path.display()))
    }
    pub(super) fn data(folder: &Path, error: &dyn Display, advice: &str) -> Self {
        Self::new(format!("cannot use the data folder {}: {error}; {advice}", folder.display()))
    }
}

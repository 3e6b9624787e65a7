//! The purposes of keyrings.

use serde::{Deserialize, Serialize};

/// The purpose of a keyring. It is in the KMS encryption context, and a function has access to keys by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Wraps data keys.
    Data,
    /// Hashes identifiers and client addresses.
    Identifier,
    /// Derives mailed codes and links.
    Proof,
    /// Seals locators (tokens, cookies, registration ids) and page forms.
    Locator,
    /// Derives refresh tokens from their parents.
    Refresh,
    /// Signs tokens.
    Signing,
}

impl Purpose {
    /// Its name in encryption contexts, associated data and keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Identifier => "identifier",
            Self::Proof => "proof",
            Self::Locator => "locator",
            Self::Refresh => "refresh",
            Self::Signing => "signing",
        }
    }
}

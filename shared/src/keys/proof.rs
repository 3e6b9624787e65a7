//! Mailed codes and links: derived, never stored.
//!
//! `HMAC-SHA-256(proof key version, "code" or "link" ‖ flow id ‖ seed ‖ purpose ‖ generation)`.
use super::KeyError;
use crate::domain::flow::Flow;
use crate::domain::secret::SecretText;

/// The versioned proof key.
pub struct ProofKeyring {}

impl ProofKeyring {
    /// The version that new flows note down.
    #[must_use]
    pub fn current_version(&self) -> u32 {
        todo!()
    }
    /// The code of the flow's present generation: 6 digits (registration), 10 base32 characters (recovery).
    ///
    /// # Errors
    /// When the flow's key version is gone.
    pub fn code(&self, flow: &Flow) -> Result<SecretText, KeyError> {
        let _ = flow;
        todo!()
    }
    /// Whether the typed code is the flow's present one, in constant time; recovery codes without regard to case, spaces, dashes.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub fn matches_code(&self, flow: &Flow, typed: &SecretText) -> Result<bool, KeyError> {
        let _ = (flow, typed);
        todo!()
    }
    /// The link token of the flow's present generation, without its locator: 32 bytes, base64url.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub fn link(&self, flow: &Flow) -> Result<SecretText, KeyError> {
        let _ = flow;
        todo!()
    }
    /// Whether the link token is the flow's present one, in constant time.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub fn matches_link(&self, flow: &Flow, token: &SecretText) -> Result<bool, KeyError> {
        let _ = (flow, token);
        todo!()
    }
}

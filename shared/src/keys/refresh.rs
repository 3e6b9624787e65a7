//! The children of refresh tokens: `secret(n+1) = HMAC(refresh key, grant ‖ n+1 ‖ secret(n))`.
use super::KeyError;
use crate::domain::id::GrantId;
use crate::domain::secret::Secret256;

/// The versioned refresh key.
pub struct RefreshKeyring {}

impl RefreshKeyring {
    /// The version that new refresh tokens note down.
    #[must_use]
    pub fn current_version(&self) -> u32 {
        todo!()
    }
    /// The secret of `generation`, child of `parent`; generation 1 is the child of the code's secret.
    ///
    /// # Errors
    /// When the version is gone.
    pub fn child(&self, version: u32, grant: GrantId, generation: u32, parent: &Secret256) -> Result<Secret256, KeyError> {
        let _ = (version, grant, generation, parent);
        todo!()
    }
}

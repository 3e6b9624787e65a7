//! A keyring of a tenant in this instance: open, or unavailable because the vault did not unwrap it.

use super::KeyError;
use crate::purpose::Purpose;
use std::sync::Arc;

/// A keyring and its versions. It is reused while the versions stay the same.
pub(super) struct Ring<K> {
    /// Each version, and whether it is dropped.
    pub(super) versions: Vec<(u32, bool)>,
    pub(super) making: u32,
    pub(super) keyring: Result<Arc<K>, UnavailableKeyring>,
}

/// The vault did not unwrap a keyring. Callers that need it get the error. Others (the JWK Set, verification) continue.
pub(super) struct UnavailableKeyring {
    may_pass: bool,
    why: String,
}

impl UnavailableKeyring {
    pub(super) fn from_error(error: KeyError) -> Result<Self, KeyError> {
        let may_pass = match &error {
            KeyError::VaultUnavailable(_) => true,
            KeyError::VaultRefused(_) => false,
            KeyError::DoesNotOpen(_)
            | KeyError::NotGranted(_)
            | KeyError::UnknownVersion
            | KeyError::NoActiveKey(_)
            | KeyError::NoKmsKey(_)
            | KeyError::Failed(_)
            | KeyError::Store(_) => return Err(error),
        };
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        Ok(Self { may_pass, why: format!("a keyring could not be unwrapped: {cause}") })
    }
    fn error(&self) -> KeyError {
        let why = self.why.clone().into();
        if self.may_pass { KeyError::VaultUnavailable(why) } else { KeyError::VaultRefused(why) }
    }
}

/// The keyring, if the function declared its purpose.
pub(super) fn granted<K>(purpose: Purpose, ring: Option<&Ring<K>>) -> Result<&K, KeyError> {
    let ring = ring.ok_or(KeyError::NotGranted(purpose))?;
    ring.keyring.as_deref().map_err(UnavailableKeyring::error)
}

/// Whether the keyring is available or not needed.
pub(super) fn is_open<K>(ring: Option<&Ring<K>>) -> bool {
    ring.is_none_or(|ring| ring.keyring.is_ok())
}

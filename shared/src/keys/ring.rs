//! A keyring of a tenant as this instance holds it: open, or shut because the vault did not unwrap it.

use super::KeyError;
use crate::purpose::Purpose;
use std::sync::Arc;

/// A keyring and the versions that it was made of: while those stay, so does it.
pub(super) struct Ring<K> {
    pub(super) versions: Vec<u32>,
    pub(super) making: u32,
    pub(super) keyring: Result<Arc<K>, Shut>,
}

/// The vault did not unwrap a keyring. Whoever needs it is told; whoever does not (the JWK Set, signatures to verify) goes on.
pub(super) struct Shut {
    may_pass: bool,
    why: String,
}

impl Shut {
    pub(super) fn of(error: KeyError) -> Result<Self, KeyError> {
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

/// The keyring, for who has a part in it.
pub(super) fn granted<K>(purpose: Purpose, ring: Option<&Ring<K>>) -> Result<&K, KeyError> {
    let ring = ring.ok_or(KeyError::NotGranted(purpose))?;
    ring.keyring.as_deref().map_err(Shut::error)
}

/// Whether nothing of it is missing here.
pub(super) fn is_open<K>(ring: Option<&Ring<K>>) -> bool {
    ring.is_none_or(|ring| ring.keyring.is_ok())
}

//! Data keys: one for each account, wrapped by the tenant's data keyring; personal data is sealed under them.

use super::KeyError;
use crate::domain::account::Sealed;
use crate::domain::id::AccountId;

/// What a sealed value is: part of its associated data, so that swapped ciphertexts do not open (security 137).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedField {
    /// [`crate::domain::profile::Claims`] as JSON.
    Profile,
    /// [`crate::domain::registration::PendingRegistration`] as JSON.
    PendingRegistration,
    /// Device words and truncated address of a session, as JSON.
    SessionDevice,
}

/// The keyring that wraps data keys.
pub struct DataKeyring {}

/// An account's data key, in clear. Wiped when dropped; does not print.
pub struct DataKey {}

impl DataKeyring {
    /// A fresh data key and its wrapped form; returns (key, wrapped bytes, keyring version).
    ///
    /// # Errors
    /// When sealing fails.
    pub fn generate(&self, account: AccountId) -> Result<(DataKey, Vec<u8>, u32), KeyError> {
        let _ = account;
        todo!()
    }
    /// The data key of this account.
    ///
    /// # Errors
    /// When the bytes are not this account's, or of a version that is gone.
    pub fn unwrap(&self, key: &crate::domain::account::WrappedDataKey) -> Result<DataKey, KeyError> {
        let _ = key;
        todo!()
    }
}

impl DataKey {
    /// Seals bytes: AES-256-GCM, random nonce in front, associated data tenant ‖ account ‖ field.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn seal(&self, field: SealedField, plain: &[u8]) -> Result<Sealed, KeyError> {
        let _ = (field, plain);
        todo!()
    }
    /// Opens what [`Self::seal`] made for the same field.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`] for anything else.
    pub fn open(&self, field: SealedField, sealed: &Sealed) -> Result<Vec<u8>, KeyError> {
        let _ = (field, sealed);
        todo!()
    }
}

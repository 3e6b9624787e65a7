//! The vault wraps and unwraps keys: AWS KMS when deployed, a sealed key file locally.

use super::{KeyError, Purpose};
use crate::domain::id::TenantId;
use std::path::Path;
use zeroize::Zeroizing;

/// Wraps and unwraps keys; what it wraps is bound to its tenant and purpose (KMS encryption context).
#[derive(Clone)]
pub enum KeyVault {
    // owner: keys. Kms { client, key_id }, Local(Arc<..>)
}

impl KeyVault {
    /// A vault over AWS KMS and its key.
    #[must_use]
    pub fn kms(client: aws_sdk_kms::Client, key_id: String) -> Self {
        let _ = (client, key_id);
        todo!()
    }
    /// The local vault: a key file (mode 0600), made when missing.
    ///
    /// # Errors
    /// When the file can't be read or made, or is not a key file.
    pub fn file(path: &Path) -> std::io::Result<Self> {
        let _ = path;
        todo!()
    }
    /// A local vault that lives in memory only.
    #[must_use]
    pub fn ephemeral() -> Self {
        todo!()
    }
    /// Wraps a key.
    ///
    /// # Errors
    /// When the vault does not answer or refuses.
    pub async fn wrap(&self, tenant: &TenantId, purpose: Purpose, key: &[u8]) -> Result<Vec<u8>, KeyError> {
        let _ = (tenant, purpose, key);
        todo!()
    }
    /// Unwraps a key.
    ///
    /// # Errors
    /// When the vault does not answer or refuses, or the bytes were wrapped for another tenant or purpose.
    pub async fn unwrap(&self, tenant: &TenantId, purpose: Purpose, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let _ = (tenant, purpose, wrapped);
        todo!()
    }
}

//! The keyrings of a tenant, made on first use by conditional put with a lease, unwrapped once.

use super::data::DataKeyring;
use super::identifier::IdentifierKeyring;
use super::locator::LocatorKeyring;
use super::proof::ProofKeyring;
use super::refresh::RefreshKeyring;
use super::signing::SigningKeys;
use super::{KeyError, KeyVault};
use crate::domain::time::Timestamp;
use crate::store::TenantStore;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a keyring is for: its KMS encryption context, and the unit in which functions are given keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Wraps data keys.
    Data,
    /// Hashes identifiers and client addresses.
    Identifier,
    /// Derives mailed codes and links.
    Proof,
    /// Seals locators (tokens, cookies, registration ids), page forms.
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

/// Builds and caches the keys of each tenant.
#[derive(Clone)]
pub struct Keys {
    // owner: keys
    _vault: KeyVault,
    _purposes: Arc<[Purpose]>,
}

impl Keys {
    /// Keys out of this vault, for these purposes only.
    #[must_use]
    pub fn new(vault: KeyVault, purposes: &[Purpose]) -> Self {
        Self { _vault: vault, _purposes: purposes.into() }
    }
    /// The keys of a tenant: cached; loaded (and made, on the very first use) single-flight. Signing keys are looked at again
    /// every 60 seconds so that a rotation is followed.
    ///
    /// # Errors
    /// When the vault or the table fails.
    pub async fn tenant(&self, store: &TenantStore, now: Timestamp) -> Result<Arc<TenantKeys>, KeyError> {
        let _ = (store, now);
        todo!()
    }
}

/// The unwrapped keys of one tenant.
pub struct TenantKeys {
    // owner: keys
}

impl TenantKeys {
    /// Wraps and unwraps data keys.
    ///
    /// # Errors
    /// [`KeyError::NotGranted`] when the function did not declare the purpose.
    pub fn data(&self) -> Result<&DataKeyring, KeyError> {
        todo!()
    }
    /// Hashes identifiers.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn identifier(&self) -> Result<&IdentifierKeyring, KeyError> {
        todo!()
    }
    /// Derives codes and links.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn proof(&self) -> Result<&ProofKeyring, KeyError> {
        todo!()
    }
    /// Seals locators.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn locator(&self) -> Result<&LocatorKeyring, KeyError> {
        todo!()
    }
    /// Derives refresh tokens.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn refresh(&self) -> Result<&RefreshKeyring, KeyError> {
        todo!()
    }
    /// Signs and verifies tokens.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn signing(&self) -> Result<&SigningKeys, KeyError> {
        todo!()
    }
}

//! Reads of passkeys.

use super::item::{ItemKind, read};
use super::key::{ItemRef, passkeys_pk};
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::id::AccountId;
use crate::domain::passkey::{ClaimedCredential, CredentialHash, Passkey};

/// The data for a sign-in with a passkey.
#[derive(Debug, Clone)]
pub struct PasskeySnapshot {
    /// The account.
    pub authentication: AccountState,
    /// The passkey, if the account has it.
    pub passkey: Option<Passkey>,
    /// The account's data key.
    pub data_key: WrappedDataKey,
}

impl TenantStore {
    /// The account ‖ one of its passkeys ‖ its data key, one BatchGetItem: 3 RRU. `None` if the account does not exist.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_passkey(
        &self,
        account: AccountId,
        credential: CredentialHash,
    ) -> Result<Option<PasskeySnapshot>, StoreError> {
        let (authentication, passkey, data_key) =
            (ItemRef::Authentication(account), ItemRef::Passkey(account, credential), ItemRef::DataKey(account));
        let mut items = self.batch([authentication, passkey, data_key]).await?;
        let authentication = items.take(&self.key(authentication), ItemKind::Authentication)?;
        let passkey = items.take(&self.key(passkey), ItemKind::Passkey)?;
        let data_key = items.take(&self.key(data_key), ItemKind::DataKey)?;
        Ok(authentication.zip(data_key).map(|(authentication, data_key)| PasskeySnapshot { authentication, passkey, data_key }))
    }
    /// Whether this credential id belongs to an account of the tenant, or to a passkey that was removed a few days ago. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn is_credential_claimed(&self, credential: CredentialHash) -> Result<bool, StoreError> {
        let claim: Option<ClaimedCredential> =
            self.get(ItemRef::CredentialClaim(&credential), ItemKind::CredentialClaim).await?;
        Ok(claim.is_some())
    }
    /// The passkeys of an account, removed ones included, by key. One Query: 1 RRU for each 4 KB.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_passkeys(&self, account: AccountId) -> Result<Vec<Passkey>, StoreError> {
        let items = self.partition(&passkeys_pk(&self.tenant, account)).await?;
        items.into_iter().map(|item| read(ItemKind::Passkey, item)).collect()
    }
}

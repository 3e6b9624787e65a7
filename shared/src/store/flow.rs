//! Reads of flows and stored authorization requests.
use super::account::decoy;
use super::item::ItemKind;
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::flow::Flow;
use crate::domain::id::{AccountId, FlowId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::record::StoredAuthorizationRequest;
use crate::domain::time::Timestamp;

/// A flow with its data key (registrations have one).
#[derive(Debug, Clone)]
pub struct FlowSnapshot {
    /// The flow.
    pub flow: Flow,
    /// The pending data key.
    pub data_key: Option<WrappedDataKey>,
}

/// The account of a password reset.
#[derive(Debug, Clone)]
pub struct RecoverySnapshot {
    /// Its state.
    pub authentication: AccountState,
    /// Its password, if it has one.
    pub password: Option<PasswordCredential>,
}

impl TenantStore {
    /// The flow ‖ its data key, one BatchGetItem. 2 RRU. Expired flows are returned too; the decision checks expiry.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_flow(&self, flow: FlowId, account: AccountId) -> Result<Option<FlowSnapshot>, StoreError> {
        let (flow, data_key) = (ItemRef::Flow(flow), ItemRef::DataKey(account));
        let mut items = self.batch([flow, data_key]).await?;
        let data_key = items.take(&self.key(data_key), ItemKind::DataKey)?;
        let flow: Option<Flow> = items.take(&self.key(flow), ItemKind::Flow)?;
        // A locator names both ids. If the flow has another account, the locator was not made by us.
        Ok(flow.filter(|flow| flow.account == account).map(|flow| FlowSnapshot { flow, data_key }))
    }
    /// A flow without a data key: that of a sign-in with a mailed code. 1 RRU. Expired flows are returned too; the decision checks expiry.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_mail_code(&self, flow: FlowId) -> Result<Option<Flow>, StoreError> {
        self.get(ItemRef::Flow(flow), ItemKind::Flow).await
    }
    /// The account that has this identifier, with its data key: Get I, then BatchGetItem of 2. 3 RRU; 1 if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_mailed_account(
        &self,
        identifier: &IdentifierHash,
    ) -> Result<Option<(AccountState, WrappedDataKey)>, StoreError> {
        let Some(account) = self.find_account(identifier).await? else { return Ok(None) };
        let (authentication, data_key) = (ItemRef::Authentication(account), ItemRef::DataKey(account));
        let mut items = self.batch([authentication, data_key]).await?;
        let data_key: Option<WrappedDataKey> = items.take(&self.key(data_key), ItemKind::DataKey)?;
        let authentication: Option<AccountState> = items.take(&self.key(authentication), ItemKind::Authentication)?;
        Ok(authentication.zip(data_key))
    }
    /// The account that has this identifier, with its password: Get I, then BatchGetItem of 2. 3 RRU, decoys included.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_recovery(&self, identifier: &IdentifierHash) -> Result<Option<RecoverySnapshot>, StoreError> {
        let found = self.find_account(identifier).await?;
        let account = found.unwrap_or_else(|| decoy(identifier));
        let (authentication, password) = (ItemRef::Authentication(account), ItemRef::Password(account));
        let mut items = self.batch([authentication, password]).await?;
        let password = items.take(&self.key(password), ItemKind::Password)?;
        let authentication = items.take(&self.key(authentication), ItemKind::Authentication)?;
        Ok(authentication.filter(|_| found.is_some()).map(|authentication| RecoverySnapshot { authentication, password }))
    }
    /// A stored authorization request that has not expired. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_authorization_request(
        &self,
        id: FlowId,
        now: Timestamp,
    ) -> Result<Option<StoredAuthorizationRequest>, StoreError> {
        let stored: Option<StoredAuthorizationRequest> =
            self.get(ItemRef::AuthorizationRequest(id), ItemKind::AuthorizationRequest).await?;
        Ok(stored.filter(|stored| now < stored.expires_at))
    }
}

//! Reads of flows and stored authorization requests.
use super::{StoreError, TenantStore};
use crate::domain::account::{Authentication, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::flow::Flow;
use crate::domain::id::{AccountId, FlowId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::time::Timestamp;

/// A flow with its data key (registrations have one).
#[derive(Debug, Clone)]
pub struct FlowSnapshot {
    /// The flow.
    pub flow: Flow,
    /// The pending data key.
    pub data_key: Option<WrappedDataKey>,
}

/// The account that a recovery is about.
#[derive(Debug, Clone)]
pub struct RecoverySnapshot {
    /// Its state.
    pub authentication: Authentication,
    /// Its password, if it has one.
    pub password: Option<PasswordCredential>,
}

impl TenantStore {
    /// The flow ‖ its data key, one BatchGetItem. 2 RRU. Expired flows are returned: the decision judges.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_flow(&self, flow: FlowId, account: AccountId) -> Result<Option<FlowSnapshot>, StoreError> {
        let _ = (flow, account);
        todo!()
    }
    /// The account that has this identifier, with its password: Get I, then BatchGetItem of 2. 3 RRU, decoys included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_recovery(&self, identifier: &IdentifierHash) -> Result<Option<RecoverySnapshot>, StoreError> {
        let _ = identifier;
        todo!()
    }
    /// A stored authorization request that has not expired. 1 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_authorization_request(&self, id: FlowId, now: Timestamp) -> Result<Option<String>, StoreError> {
        let _ = (id, now);
        todo!()
    }
}

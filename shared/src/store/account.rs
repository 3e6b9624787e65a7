//! Reads of accounts: sign-in, profile, recipient of a mail.
use super::{StoreError, TenantStore};
use crate::domain::account::{Authentication, WrappedDataKey};
use crate::domain::authentication::UnknownIdentifierFailures;
use crate::domain::credential::PasswordCredential;
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::profile::Profile;

/// What a sign-in needs: the same number and shape of reads for a known and an unknown identifier.
#[derive(Debug, Clone)]
pub enum SignInSnapshot {
    /// The identifier has an account.
    Known {
        /// Its state.
        authentication: Authentication,
        /// Its password, if it has one.
        password: Option<PasswordCredential>,
        /// Its data key.
        data_key: WrappedDataKey,
    },
    /// It has none.
    Unknown {
        /// Its failures so far.
        failures: Option<UnknownIdentifierFailures>,
    },
}

/// An account with its profile: what a mail or userinfo needs.
#[derive(Debug, Clone)]
pub struct ProfileSnapshot {
    /// Its state.
    pub authentication: Authentication,
    /// Its profile.
    pub profile: Profile,
    /// Its data key.
    pub data_key: WrappedDataKey,
}

impl TenantStore {
    /// The account that has this identifier. 1 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_account(&self, identifier: &IdentifierHash) -> Result<Option<AccountId>, StoreError> {
        let _ = identifier;
        todo!()
    }
    /// What a sign-in needs: Get I, then one BatchGetItem of 3 (decoys for an unknown identifier). 4 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_sign_in(&self, identifier: &IdentifierHash) -> Result<SignInSnapshot, StoreError> {
        let _ = identifier;
        todo!()
    }
    /// The account with its profile and data key. 3 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_profile(&self, account: AccountId) -> Result<Option<ProfileSnapshot>, StoreError> {
        let _ = account;
        todo!()
    }
}

//! Reads of accounts: for sign-in, profile, and the recipient of a mail.
use super::item::ItemKind;
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::digest::sha256;
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, SubjectHash};
use crate::domain::profile::Profile;
use crate::domain::record::ClaimedIdentifier;

/// The data for a sign-in: the same number and shape of reads for a known and an unknown identifier.
#[derive(Debug, Clone)]
pub enum SignInSnapshot {
    /// The identifier has an account.
    Known {
        /// Its state.
        authentication: Box<AccountState>,
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

/// An account with its profile: the data for a mail or userinfo.
#[derive(Debug, Clone)]
pub struct ProfileSnapshot {
    /// Its state.
    pub authentication: AccountState,
    /// Its profile.
    pub profile: Profile,
    /// Its data key.
    pub data_key: WrappedDataKey,
}

impl TenantStore {
    /// The account that has this identifier. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_account(&self, identifier: &IdentifierHash) -> Result<Option<AccountId>, StoreError> {
        let claimed: Option<ClaimedIdentifier> = self.get(ItemRef::Identifier(identifier), ItemKind::Identifier).await?;
        Ok(claimed.map(|claimed| claimed.account))
    }
    /// The claim on a subject of another identity provider. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_subject(&self, subject: &SubjectHash) -> Result<Option<ClaimedSubject>, StoreError> {
        self.get(ItemRef::FederatedSubject(subject), ItemKind::FederatedSubject).await
    }
    /// The current state of the account that has this subject of another identity provider. 2 RRU; 1 if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_by_subject(&self, subject: &SubjectHash) -> Result<Option<AccountState>, StoreError> {
        match self.find_subject(subject).await?.and_then(|claimed| claimed.account) {
            Some(account) => self.find_authentication(account).await,
            None => Ok(None),
        }
    }
    /// The data for a sign-in: Get I, then one BatchGetItem of 3 (decoys for an unknown identifier). 4 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_sign_in(&self, identifier: &IdentifierHash) -> Result<SignInSnapshot, StoreError> {
        let found = self.find_account(identifier).await?;
        // Requests, units and time must not reveal whether the identifier has an account (security 71): the same number of keys
        // of the same tables is read for an unknown identifier.
        let account = found.unwrap_or_else(|| decoy(identifier));
        let first = match found {
            Some(account) => ItemRef::Authentication(account),
            None => ItemRef::UnknownFailures(identifier),
        };
        let (password, data_key) = (ItemRef::Password(account), ItemRef::DataKey(account));
        let mut items = self.batch([first, password, data_key]).await?;
        if found.is_none() {
            return Ok(SignInSnapshot::Unknown { failures: items.take(&self.key(first), ItemKind::UnknownFailures)? });
        }
        let authentication = items.take(&self.key(first), ItemKind::Authentication)?;
        let wrapped = items.take(&self.key(data_key), ItemKind::DataKey)?;
        let password = items.take(&self.key(password), ItemKind::Password)?;
        Ok(match (authentication, wrapped) {
            (Some(authentication), Some(data_key)) => {
                SignInSnapshot::Known { authentication: Box::new(authentication), password, data_key }
            }
            // The account was removed between the two reads. A write for an unknown identifier is checked by its own condition.
            (None, _) | (_, None) => SignInSnapshot::Unknown { failures: None },
        })
    }
    /// The account with its profile and data key. 3 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_profile(&self, account: AccountId) -> Result<Option<ProfileSnapshot>, StoreError> {
        let (authentication, profile, data_key) =
            (ItemRef::Authentication(account), ItemRef::Profile(account), ItemRef::DataKey(account));
        let mut items = self.batch([authentication, profile, data_key]).await?;
        let authentication = items.take(&self.key(authentication), ItemKind::Authentication)?;
        let profile = items.take(&self.key(profile), ItemKind::Profile)?;
        let data_key = items.take(&self.key(data_key), ItemKind::DataKey)?;
        Ok(match (authentication, profile, data_key) {
            (Some(authentication), Some(profile), Some(data_key)) => {
                Some(ProfileSnapshot { authentication, profile, data_key })
            }
            (None, _, _) | (_, None, _) | (_, _, None) => None,
        })
    }
}

/// The account id to read for an unknown identifier: always the same one, without an account.
pub(super) fn decoy(identifier: &IdentifierHash) -> AccountId {
    let digest = sha256(&[b"decoy".as_slice(), &identifier.hash].concat());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    AccountId::from_bytes(id)
}

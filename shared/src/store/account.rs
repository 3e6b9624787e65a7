//! Reads of accounts: sign-in, profile, recipient of a mail.
use super::item::Kind;
use super::key::Thing;
use super::{StoreError, TenantStore};
use crate::digest::sha256;
use crate::domain::account::{Authentication, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, SubjectHash};
use crate::domain::profile::Profile;
use crate::domain::record::ClaimedIdentifier;

/// What a sign-in needs: the same number and shape of reads for a known and an unknown identifier.
#[derive(Debug, Clone)]
pub enum SignInSnapshot {
    /// The identifier has an account.
    Known {
        /// Its state.
        authentication: Box<Authentication>,
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
        let claimed: Option<ClaimedIdentifier> = self.get(Thing::Identifier(identifier), Kind::Identifier).await?;
        Ok(claimed.map(|claimed| claimed.account))
    }
    /// What stands under a subject of another identity provider. 1 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_subject(&self, subject: &SubjectHash) -> Result<Option<ClaimedSubject>, StoreError> {
        self.get(Thing::FederatedSubject(subject), Kind::FederatedSubject).await
    }
    /// The account that has this subject of another identity provider, as it stands. 2 RRU; 1 when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_by_subject(&self, subject: &SubjectHash) -> Result<Option<Authentication>, StoreError> {
        match self.find_subject(subject).await?.and_then(|claimed| claimed.account) {
            Some(account) => self.find_authentication(account).await,
            None => Ok(None),
        }
    }
    /// What a sign-in needs: Get I, then one BatchGetItem of 3 (decoys for an unknown identifier). 4 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_sign_in(&self, identifier: &IdentifierHash) -> Result<SignInSnapshot, StoreError> {
        let found = self.find_account(identifier).await?;
        // Whoever watches requests, units or time must not tell the two apart (security 71): the same number of keys of the
        // same tables is read for an identifier that nobody has.
        let account = found.unwrap_or_else(|| decoy(identifier));
        let first = match found {
            Some(account) => Thing::Authentication(account),
            None => Thing::UnknownFailures(identifier),
        };
        let (password, data_key) = (Thing::Password(account), Thing::DataKey(account));
        let mut items = self.batch([first, password, data_key]).await?;
        if found.is_none() {
            return Ok(SignInSnapshot::Unknown { failures: items.take(&self.key(first), Kind::UnknownFailures)? });
        }
        let authentication = items.take(&self.key(first), Kind::Authentication)?;
        let wrapped = items.take(&self.key(data_key), Kind::DataKey)?;
        let password = items.take(&self.key(password), Kind::Password)?;
        Ok(match (authentication, wrapped) {
            (Some(authentication), Some(data_key)) => {
                SignInSnapshot::Known { authentication: Box::new(authentication), password, data_key }
            }
            // The account went between the two reads; what is written for an unknown identifier meets its own condition.
            (None, _) | (_, None) => SignInSnapshot::Unknown { failures: None },
        })
    }
    /// The account with its profile and data key. 3 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_profile(&self, account: AccountId) -> Result<Option<ProfileSnapshot>, StoreError> {
        let (authentication, profile, data_key) =
            (Thing::Authentication(account), Thing::Profile(account), Thing::DataKey(account));
        let mut items = self.batch([authentication, profile, data_key]).await?;
        let authentication = items.take(&self.key(authentication), Kind::Authentication)?;
        let profile = items.take(&self.key(profile), Kind::Profile)?;
        let data_key = items.take(&self.key(data_key), Kind::DataKey)?;
        Ok(match (authentication, profile, data_key) {
            (Some(authentication), Some(profile), Some(data_key)) => {
                Some(ProfileSnapshot { authentication, profile, data_key })
            }
            (None, _, _) | (_, None, _) | (_, _, None) => None,
        })
    }
}

/// The account that is read for an identifier that nobody has: always the same one, and nobody's.
pub(super) fn decoy(identifier: &IdentifierHash) -> AccountId {
    let digest = sha256(&[b"decoy".as_slice(), &identifier.hash].concat());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    AccountId::from_bytes(id)
}

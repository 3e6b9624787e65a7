//! Reads of accounts: for sign-in, profile, and the recipient of a mail.
use super::item::ItemKind;
use super::key::{ItemKey, ItemRef};
use super::{StoreError, TenantStore};
use crate::digest::sha256;
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::id::{AccountId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, SubjectHash};
use crate::domain::profile::Profile;
use crate::domain::record::{ClaimedIdentifier, Terms};
use serde::de::DeserializeOwned;

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

/// What an account has given and accepted.
#[derive(Debug, Clone)]
pub struct AcceptedSnapshot {
    /// Its profile.
    pub profile: Profile,
    /// Its acceptances. None: it has none, as an imported account.
    pub terms: Option<Terms>,
    /// Its data key.
    pub data_key: WrappedDataKey,
}

impl TenantStore {
    /// The account that has this identifier. 1 RRU for each live version of the identifier key.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_account(&self, identifier: &IdentifierHash) -> Result<Option<AccountId>, StoreError> {
        let forms = self.forms(identifier)?;
        let claimed: Option<ClaimedIdentifier> = match forms.as_slice() {
            [only] => self.get(ItemRef::Identifier(only), ItemKind::Identifier).await?,
            several => {
                let keys: Vec<_> = several.iter().map(|form| self.key(ItemRef::Identifier(form))).collect();
                self.first_of(keys, ItemKind::Identifier).await?
            }
        };
        Ok(claimed.map(|claimed| claimed.account))
    }
    /// The claim on a subject of another identity provider. 1 RRU for each live version of the identifier key.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_subject(&self, subject: &SubjectHash) -> Result<Option<ClaimedSubject>, StoreError> {
        match self.forms(&subject.0)?.as_slice() {
            [only] => self.get(ItemRef::FederatedSubject(&SubjectHash(*only)), ItemKind::FederatedSubject).await,
            several => {
                let key = |form: &IdentifierHash| self.key(ItemRef::FederatedSubject(&SubjectHash(*form)));
                self.first_of(several.iter().map(key).collect(), ItemKind::FederatedSubject).await
            }
        }
    }
    /// The first of these items that is stored, in one request.
    async fn first_of<S: DeserializeOwned>(&self, keys: Vec<ItemKey>, kind: ItemKind) -> Result<Option<S>, StoreError> {
        let mut items = self.batch_keys(keys.clone()).await?;
        for key in keys {
            if let Some(found) = items.take(&key, kind)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
    /// The `sub` that this subject of another identity provider can keep: it is a UUID, and no account has it. Otherwise the
    /// user gets one of our own. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn free_sub(&self, subject: &str) -> Result<Option<Sub>, StoreError> {
        let Some(sub) = Sub::from_imported(subject) else { return Ok(None) };
        Ok(self.find_subject(&SubjectHash::of_sub(sub)).await?.is_none().then_some(sub))
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
        let forms = self.forms(identifier)?;
        let failures: Vec<ItemKey> = forms.iter().map(|form| self.key(ItemRef::UnknownFailures(form))).collect();
        let first = ItemRef::Authentication(account);
        let (password, data_key) = (ItemRef::Password(account), ItemRef::DataKey(account));
        let mut keys = vec![self.key(password), self.key(data_key)];
        match found {
            Some(_) => keys.extend(std::iter::once(self.key(first)).chain(failures.iter().skip(1).cloned())),
            None => keys.extend(failures.iter().cloned()),
        }
        let mut items = self.batch_keys(keys).await?;
        if found.is_none() {
            let mut stored = Vec::new();
            for key in &failures {
                stored.push(items.take::<UnknownIdentifierFailures>(key, ItemKind::UnknownFailures)?);
            }
            return Ok(SignInSnapshot::Unknown { failures: united(stored) });
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
    /// What the requirements of the tenant document are compared with. 3 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_accepted(&self, account: AccountId) -> Result<Option<AcceptedSnapshot>, StoreError> {
        let (profile, terms, data_key) = (ItemRef::Profile(account), ItemRef::Terms(account), ItemRef::DataKey(account));
        let mut items = self.batch([profile, terms, data_key]).await?;
        let profile = items.take(&self.key(profile), ItemKind::Profile)?;
        let terms = items.take(&self.key(terms), ItemKind::Terms)?;
        let data_key = items.take(&self.key(data_key), ItemKind::DataKey)?;
        Ok(profile.zip(data_key).map(|(profile, data_key)| AcceptedSnapshot { profile, terms, data_key }))
    }
    /// The acceptances of an account. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_terms(&self, account: AccountId) -> Result<Option<Terms>, StoreError> {
        self.get(ItemRef::Terms(account), ItemKind::Terms).await
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

/// The failures under the live versions, that of new items first: the longer window, over the version that the next write follows.
fn united(stored: Vec<Option<UnknownIdentifierFailures>>) -> Option<UnknownIdentifierFailures> {
    let version = stored.first()?.as_ref().map_or(0, |first| first.version);
    let longest = stored.into_iter().flatten().max_by_key(|found| (found.failures.count, found.failures.last_at));
    longest.map(|longest| UnknownIdentifierFailures { version, ..longest })
}

/// The account id to read for an unknown identifier: always the same one, without an account.
pub(super) fn decoy(identifier: &IdentifierHash) -> AccountId {
    let digest = sha256(&[b"decoy".as_slice(), &identifier.hash].concat());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    AccountId::from_bytes(id)
}

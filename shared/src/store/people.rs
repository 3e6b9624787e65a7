//! All accounts of a tenant, for operators: the only place that scans a table. No function calls it, and no function's role may
//! scan.
//!
//! A walk is strongly consistent, page by page: an account that exists from beginning to end is found. A walk is not a snapshot.

use super::export::PartitionItems;
use super::failure::{MAX_SENDS, back_off, store_error, unavailable};
use super::item::{Item, ItemKind, KIND, read};
use super::key::{ItemKey, ItemRef, PK, Table, accounts_prefix, tombstones_prefix};
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::consent::{AcceptedTerms, Consent};
use crate::domain::credential::PasswordCredential;
use crate::domain::erasure::Tombstone;
use crate::domain::id::{AccountId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::passkey::{ClaimedCredential, CredentialHash, Passkey};
use crate::domain::profile::Profile;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::totp::TotpCredential;
use crate::domain::transfer::ExistingState;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// A page of a walk.
#[derive(Debug)]
pub struct WalkPage<T> {
    /// Each item, or the reason why it is malformed.
    pub found: Vec<Result<T, StoreError>>,
    /// Where the walk continues, if it does.
    pub next: Option<WalkedTo>,
}

/// The position of a walk.
#[derive(Debug, Clone)]
pub struct WalkedTo(HashMap<String, AttributeValue>);

/// Which items a scan returns: an expression, its names, and the texts of its values.
pub(super) struct ScanFilter {
    pub(super) expression: &'static str,
    pub(super) names: Vec<(&'static str, &'static str)>,
    pub(super) values: Vec<(&'static str, String)>,
}

/// An account with all data that a transfer takes, still sealed.
#[derive(Debug, Clone)]
pub struct StoredPerson {
    /// The state of the account.
    pub authentication: AccountState,
    /// The profile.
    pub profile: Profile,
    /// The key of the sealed values.
    pub data_key: WrappedDataKey,
    /// The password, if there is one.
    pub password: Option<PasswordCredential>,
    /// Linked identities.
    pub links: Vec<LinkedIdentity>,
    /// Consents to applications.
    pub consents: Vec<Consent>,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// The authenticator app, if one is stored.
    pub totp: Option<TotpCredential>,
    /// The recovery codes, if any are stored.
    pub recovery_codes: Option<RecoveryCodes>,
    /// The passkeys, removed ones included.
    pub passkeys: Vec<Passkey>,
}

impl TenantStore {
    /// The tenant's accounts, including erased ones: a page of the walk. One Scan, 1 RRU for each 4 KB that it passes over, at
    /// most 256.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn walk_accounts(&self, from: Option<WalkedTo>) -> Result<WalkPage<AccountState>, StoreError> {
        self.walk(Table::Identities, &accounts_prefix(&self.tenant), ItemKind::Authentication, from).await
    }

    /// Tombstones of erased accounts: a page of the walk, as [`Self::walk_accounts`].
    ///
    /// # Errors
    /// If the store fails.
    pub async fn walk_tombstones(&self, from: Option<WalkedTo>) -> Result<WalkPage<Tombstone>, StoreError> {
        self.walk(Table::Keys, &tombstones_prefix(&self.tenant), ItemKind::Tombstone, from).await
    }

    async fn walk<T: DeserializeOwned>(
        &self,
        table: Table,
        prefix: &str,
        kind: ItemKind,
        from: Option<WalkedTo>,
    ) -> Result<WalkPage<T>, StoreError> {
        let filter = ScanFilter {
            expression: "#kind = :kind AND begins_with(#pk, :prefix)",
            names: vec![("#kind", KIND), ("#pk", PK)],
            values: vec![(":kind", kind.as_str().to_owned()), (":prefix", prefix.to_owned())],
        };
        let (items, next) = self.scan(table, filter, from).await?;
        let found = items.into_iter().map(|item: Item| read(kind, item)).collect();
        Ok(WalkPage { found, next })
    }

    /// A page of a table: the items that the filter keeps.
    pub(super) async fn scan(
        &self,
        table: Table,
        filter: ScanFilter,
        from: Option<WalkedTo>,
    ) -> Result<(Vec<Item>, Option<WalkedTo>), StoreError> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let text = |(name, value): (&str, String)| (name.to_owned(), AttributeValue::S(value));
        let answer = self
            .store
            .client
            .scan()
            .table_name(self.store.tables.name(table))
            .consistent_read(true)
            .filter_expression(filter.expression)
            .set_expression_attribute_names(Some(filter.names.into_iter().map(owned).collect()))
            .set_expression_attribute_values(Some(filter.values.into_iter().map(text).collect()))
            .set_exclusive_start_key(from.map(|WalkedTo(key)| key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| store_error("Scan", error))?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty()).map(WalkedTo);
        Ok((answer.items.unwrap_or_default(), next))
    }

    /// An account with its data, as a consistent snapshot: partition ‖ passkeys ‖ password, second factors and data key, then the account's
    /// state once more, which every change of address, password, factors or status raises. It is read again if the state has changed. Four
    /// requests, 7 RRU and 1 for each 4 KB of a partition beyond the first. `None` if the account does not exist.
    ///
    /// # Errors
    /// If the store fails, an item is malformed, or the account changes faster than it is read.
    pub async fn find_person(&self, account: AccountId) -> Result<Option<StoredPerson>, StoreError> {
        let ItemKey { pk, .. } = self.key(ItemRef::Authentication(account));
        let (password, data_key) = (ItemRef::Password(account), ItemRef::DataKey(account));
        let (totp, recovery_codes) = (ItemRef::Totp(account), ItemRef::RecoveryCodes(account));
        for sent in 1..=MAX_SENDS {
            let fenced = self.batch([password, totp, recovery_codes, data_key]);
            let (items, passkeys, mut fenced) = tokio::try_join!(self.partition(&pk), self.find_passkeys(account), fenced)?;
            let state = self.find_authentication(account).await?;
            let mut found = PartitionItems::default();
            for item in items {
                found.add(item)?;
            }
            if state != found.authentication {
                back_off(sent).await;
                continue;
            }
            let password = fenced.take(&self.key(password), ItemKind::Password)?;
            let totp = fenced.take(&self.key(totp), ItemKind::Totp)?;
            let recovery_codes = fenced.take(&self.key(recovery_codes), ItemKind::RecoveryCodes)?;
            let data_key = fenced.take(&self.key(data_key), ItemKind::DataKey)?;
            let PartitionItems { authentication, profile, links, consents, terms, .. } = found;
            return Ok(match (authentication, profile, data_key) {
                (Some(authentication), Some(profile), Some(data_key)) => Some(StoredPerson {
                    authentication,
                    profile,
                    data_key,
                    password,
                    links,
                    consents,
                    terms,
                    totp,
                    recovery_codes,
                    passkeys,
                }),
                (None, _, _) | (_, None, _) | (_, _, None) => None,
            });
        }
        Err(unavailable("find_person", "Changing", "the account changes faster than it is read"))
    }

    /// The stored items that a transferred account could conflict with: the owner of the address, then the account, the claim of the `sub`,
    /// the subjects and the credential ids together. Two requests, 3 RRU and 1 for each subject and passkey. The caller finds tombstones, and
    /// each `sub` from before the claims, with a walk.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_existing_state(
        &self,
        account: AccountId,
        sub: Sub,
        identifier: &IdentifierHash,
        subjects: &[SubjectHash],
        credentials: &[CredentialHash],
    ) -> Result<ExistingState, StoreError> {
        let owner = self.find_account(identifier).await?;
        let state = self.key(ItemRef::Authentication(account));
        let mut claims: Vec<ItemKey> = Vec::new();
        for subject in subjects {
            let forms = self.forms(&subject.0)?;
            claims.extend(forms.into_iter().map(|form| self.key(ItemRef::FederatedSubject(&SubjectHash(form)))));
        }
        let sub = self.key(ItemRef::FederatedSubject(&SubjectHash::of_sub(sub)));
        let credential = |credential: &CredentialHash| self.key(ItemRef::CredentialClaim(credential));
        let credentials: Vec<ItemKey> = credentials.iter().map(credential).collect();
        let mut found = self.batch_keys(claims.iter().chain(&credentials).chain([&state, &sub]).cloned().collect()).await?;
        let is_sub_claimed = found.take::<ClaimedSubject>(&sub, ItemKind::FederatedSubject)?.is_some();
        let state: Option<AccountState> = found.take(&state, ItemKind::Authentication)?;
        let is_protected = state.as_ref().is_some_and(|state| state.protected);
        let account = state.map(|state| state.status);
        let mut existing_state = ExistingState { owner, account, is_protected, is_sub_claimed, ..ExistingState::default() };
        for credential in &credentials {
            existing_state.is_passkey_claimed |=
                found.take::<ClaimedCredential>(credential, ItemKind::CredentialClaim)?.is_some();
        }
        for claim in &claims {
            existing_state.subjects.extend(found.take::<ClaimedSubject>(claim, ItemKind::FederatedSubject)?);
        }
        Ok(existing_state)
    }
}

//! Reads and removals of the retention job: due work, tombstones, the items of an account.
//!
//! A removal names an item and a condition, and is complete if the item is gone. A repeated or concurrent removal changes
//! nothing. Removals are not projected: the event was on the account's own state.

use super::commit::Written;
use super::condition::Condition;
use super::failure::{refused, store_error};
use super::item::{self, Item, ItemKind, read};
use super::key::{
    ItemKey, ItemRef, PK, SK, Table, credential_of, deletion_records_pk, due_pk, linked_subject, passkeys_pk, secrets_pk,
    tombstones_pk,
};
use super::plan::{Delete, Plan, Put};
use super::read::Page;
use super::{StoreError, TenantStore};
use crate::context::RequestContext;
use crate::domain::account::AccountState;
use crate::domain::erasure::{DeletionRecord, DueErasure, Tombstone};
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, SubjectHash};
use crate::domain::passkey::CredentialHash;
use crate::domain::retention::{Cursor, RetentionJob};
use crate::domain::time::Timestamp;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, Select};
use serde::de::DeserializeOwned;

/// A page of the work of a shard, in the order of its ids.
#[derive(Debug)]
pub struct WorkPage<W> {
    /// Each piece of work, or the id and the error of a malformed one.
    pub work: Vec<Result<W, (String, StoreError)>>,
    /// The last id, if there may be more after it.
    pub more_after: Option<String>,
}

/// A page of an account's items. The account's state comes first.
#[derive(Debug)]
pub struct AccountItems {
    /// The account.
    account: AccountId,
    /// Its state, on the first page, if it is stored.
    pub authentication: Option<AccountState>,
    /// All other items of the page.
    others: Vec<ItemKey>,
    more_after: Option<String>,
}

impl AccountItems {
    /// Removals of the page's items, except the account's state.
    #[must_use]
    pub fn removals(&self) -> Vec<Removal> {
        self.others.iter().map(|key| self.removal(key)).collect()
    }
    fn removal(&self, key: &ItemKey) -> Removal {
        match linked_subject(&key.sk) {
            Some(subject) => Removal::LinkedIdentity(self.account, subject),
            None => Removal::Item(key.clone()),
        }
    }
    /// Whether this page has no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.authentication.is_none() && self.others.is_empty()
    }
}

/// One step of an erasure after the point of no return.
#[derive(Debug, Clone)]
pub enum Removal {
    /// Writes the permanent tombstone of the account. It may be stored already.
    Bury(Tombstone),
    /// The record of its deletion request, which the tombstone replaces.
    DeletionRecord(AccountId, Timestamp),
    /// Its data key, unless it is that of a pending registration.
    DataKey(AccountId),
    /// Its identifier, if the account still has it: a freed address may belong to another account.
    Identifier(AccountId, IdentifierHash),
    /// The failed sign-ins of its identifier from a time when no account had it.
    UnknownFailures(IdentifierHash),
    /// A passkey, and the claim of its credential id.
    Passkey(AccountId, CredentialHash),
    /// Its linked identity. The sentinel stays, without the account, so that the user is not imported again.
    LinkedIdentity(AccountId, SubjectHash),
    /// An item of its partition, or a secret.
    Item(ItemKey),
    /// Its state: only to clean a restored backup; otherwise its TTL removes it.
    State(AccountId),
    /// Its due work: the last step.
    DueWork(AccountId, Timestamp),
}

impl TenantStore {
    /// Erasures that are due on the cursor's day, in its shard, after its account; at most `limit`. One Query.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_due_erasures(&self, cursor: &Cursor, limit: u16) -> Result<WorkPage<DueErasure>, StoreError> {
        let pk = due_pk(&self.tenant, cursor.day, cursor.shard);
        let page = self.page(Table::Identities, &pk, cursor.after.as_deref(), Some(limit)).await?;
        Ok(work_page(page, ItemKind::DueErasure))
    }
    /// Accounts that were erased on the cursor's day, in its shard, after its account; at most `limit`. One Query.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_tombstones(&self, cursor: &Cursor, limit: u16) -> Result<WorkPage<Tombstone>, StoreError> {
        let pk = tombstones_pk(&self.tenant, cursor.day, cursor.shard);
        let page = self.page(Table::Keys, &pk, cursor.after.as_deref(), Some(limit)).await?;
        Ok(work_page(page, ItemKind::Tombstone))
    }
    /// Deletion requests and restorations of the cursor's day, in its shard, after its account; at most `limit`. One Query.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_deletion_records(&self, cursor: &Cursor, limit: u16) -> Result<WorkPage<DeletionRecord>, StoreError> {
        let pk = deletion_records_pk(&self.tenant, cursor.day, cursor.shard);
        let page = self.page(Table::Keys, &pk, cursor.after.as_deref(), Some(limit)).await?;
        Ok(work_page(page, ItemKind::DeletionRecord))
    }
    /// The last deletion request or restoration of an account on the UTC day of this moment. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_deletion_record(&self, account: AccountId, at: Timestamp) -> Result<Option<DeletionRecord>, StoreError> {
        self.get(ItemRef::DeletionRecord(account, at), ItemKind::DeletionRecord).await
    }
    /// The items of an account, its state first: one Query, at most 1 MB.
    ///
    /// # Errors
    /// If the store fails, or the state is malformed.
    pub async fn find_account_items(&self, account: AccountId) -> Result<AccountItems, StoreError> {
        let state = self.key(ItemRef::Authentication(account));
        let Page { mut items, more_after } = self.page(Table::Identities, &state.pk, None, None).await?;
        // The state has the smallest sort key: it is the first item of the first page, or it is not stored.
        let authentication = match items.first().and_then(|first| first.get(SK)) {
            Some(AttributeValue::S(first)) if *first == state.sk => Some(read(ItemKind::Authentication, items.remove(0))?),
            Some(_) | None => None,
        };
        Ok(AccountItems { account, authentication, others: item_keys(&items), more_after })
    }
    /// The items after this page, if there may be any. One Query.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_more_account_items(
        &self,
        account: AccountId,
        page: &AccountItems,
    ) -> Result<Option<AccountItems>, StoreError> {
        let Some(after) = &page.more_after else { return Ok(None) };
        let ItemKey { pk, .. } = self.key(ItemRef::Authentication(account));
        let Page { items, more_after } = self.page(Table::Identities, &pk, Some(after), None).await?;
        Ok(Some(AccountItems { account, authentication: None, others: item_keys(&items), more_after }))
    }
    /// Removals of the passkeys of an account: at most 10, and what was removed in the last days. One Query.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_passkey_removals(&self, account: AccountId) -> Result<Vec<Removal>, StoreError> {
        let items = self.partition(&passkeys_pk(&self.tenant, account)).await?;
        let credentials = item_keys(&items).into_iter().filter_map(|key| credential_of(&key.sk));
        Ok(credentials.map(|credential| Removal::Passkey(account, credential)).collect())
    }
    /// Removals of the secrets of an account: password, authenticator app, recovery codes, and those of a later release. Only their keys are
    /// read. One Query, 1 RRU: no account has 1 MB of secrets.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_secret_removals(&self, account: AccountId) -> Result<Vec<Removal>, StoreError> {
        let answer = self
            .store
            .client
            .query()
            .table_name(self.store.tables.name(Table::Identities))
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", AttributeValue::S(secrets_pk(&self.tenant, account)))
            .select(Select::SpecificAttributes)
            .projection_expression("#pk, #sk")
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| store_error("Query", error))?;
        Ok(item_keys(&answer.items.unwrap_or_default()).into_iter().map(Removal::Item).collect())
    }
    /// The state of an account. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_authentication(&self, account: AccountId) -> Result<Option<AccountState>, StoreError> {
        self.get(ItemRef::Authentication(account), ItemKind::Authentication).await
    }
    /// The state of the retention job. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_retention_job(&self) -> Result<Option<RetentionJob>, StoreError> {
        self.get(ItemRef::RetentionJob, ItemKind::Job).await
    }

    /// Executes one step of an erasure. It is idempotent. 1 WRU, or 1 for each live version of the identifier key.
    ///
    /// # Errors
    /// If the store fails, or a data key is not the account's.
    pub async fn remove(&self, removal: &Removal, request: &RequestContext) -> Result<(), StoreError> {
        let delete = |item: ItemRef<'_>, condition| Plan::Delete(Box::new(Delete { key: self.key(item), condition }));
        let (plans, must) = match removal {
            Removal::Bury(tombstone) => (vec![self.plan_tombstone(tombstone, request)?], false),
            Removal::DeletionRecord(account, at) => {
                (vec![delete(ItemRef::DeletionRecord(*account, *at), Condition::OfAccount(*account))], false)
            }
            Removal::DataKey(account) => (vec![delete(ItemRef::DataKey(*account), Condition::DataKeyOf(*account))], true),
            Removal::Identifier(account, identifier) => {
                let one = |form: &IdentifierHash| delete(ItemRef::Identifier(form), Condition::OfAccount(*account));
                (self.forms_oldest_first(identifier)?.iter().map(one).collect(), false)
            }
            Removal::UnknownFailures(identifier) => {
                let one = |form: &IdentifierHash| delete(ItemRef::UnknownFailures(form), Condition::Present);
                (self.forms_oldest_first(identifier)?.iter().map(one).collect(), true)
            }
            Removal::Passkey(account, credential) => {
                // The claim first: if this is interrupted between the two, the passkey still names it.
                let claim = delete(ItemRef::CredentialClaim(credential), Condition::OfAccount(*account));
                self.write(&claim, request).await?;
                (vec![delete(ItemRef::Passkey(*account, *credential), Condition::Present)], true)
            }
            Removal::LinkedIdentity(account, subject) => {
                // The sentinel first: if this is interrupted between the two writes, the link still names the sentinel.
                self.write(&self.plan_erased_subject(*account, subject, request)?, request).await?;
                (vec![delete(ItemRef::LinkedIdentity(*account, subject), Condition::Present)], true)
            }
            Removal::Item(key) => {
                (vec![Plan::Delete(Box::new(Delete { key: key.clone(), condition: Condition::Present }))], true)
            }
            Removal::State(account) => (vec![delete(ItemRef::Authentication(*account), Condition::Present)], true),
            Removal::DueWork(account, due) => (vec![delete(ItemRef::DueErasure(*account, *due), Condition::Present)], true),
        };
        for plan in plans {
            match self.write(&plan, request).await? {
                Written::Yes => {}
                Written::Conflict | Written::LimitReached if !must => {}
                Written::Conflict | Written::LimitReached => {
                    return Err(refused("remove", "", "another item is stored there"));
                }
            }
        }
        Ok(())
    }

    /// Each form under which an item of this hash can be stored, in the order in which the re-claim moves items: what it moves meanwhile is
    /// found under the next one.
    fn forms_oldest_first(&self, hash: &IdentifierHash) -> Result<Vec<IdentifierHash>, StoreError> {
        let mut forms = self.forms(hash)?;
        forms.sort_by_key(|form| form.key_version);
        Ok(forms)
    }

    /// Written only over the account's own sentinel. A sentinel that is erased already, or that another account has, is not
    /// changed.
    fn plan_erased_subject(
        &self,
        account: AccountId,
        subject: &SubjectHash,
        request: &RequestContext,
    ) -> Result<Plan, StoreError> {
        let key = self.key(ItemRef::FederatedSubject(subject));
        let erased = ClaimedSubject { account: None, at: request.now };
        let item = item::write(&key, ItemKind::FederatedSubject, &erased, None, request.request_id.as_str())?;
        Ok(Plan::Put(Box::new(Put { key, item, condition: Condition::OfAccount(account) })))
    }

    fn plan_tombstone(&self, tombstone: &Tombstone, request: &RequestContext) -> Result<Plan, StoreError> {
        let key = self.key(ItemRef::Tombstone(tombstone.account, tombstone.at));
        let item = item::write(&key, ItemKind::Tombstone, tombstone, None, request.request_id.as_str())?;
        Ok(Plan::Put(Box::new(Put { key, item, condition: Condition::Absent })))
    }
}

fn item_keys(items: &[Item]) -> Vec<ItemKey> {
    items.iter().filter_map(|item| ItemKey::read(Table::Identities, item)).collect()
}

fn work_page<W: DeserializeOwned>(page: Page, kind: ItemKind) -> WorkPage<W> {
    let read = |item: Item| {
        let id = item.get(SK).and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
        read(kind, item).map_err(|error| (id, error))
    };
    WorkPage { work: page.items.into_iter().map(read).collect(), more_after: page.more_after }
}

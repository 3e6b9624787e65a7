//! What the retention job reads and removes: due work, tombstones, the items of an account.
//!
//! A removal names what it removes and under which condition, and is done when nothing of it is left: repeated, or raced by another
//! run, it changes nothing. None is projected: what happened rode on the account's own state.

use super::commit::Written;
use super::condition::Condition;
use super::failure::refused;
use super::item::{self, Item, Kind, read};
use super::key::{ItemKey, SK, Table, Thing, due_pk, linked_subject, tombstones_pk};
use super::plan::{Delete, Plan, Put};
use super::read::Page;
use super::{StoreError, TenantStore};
use crate::context::RequestContext;
use crate::domain::account::Authentication;
use crate::domain::erasure::{DueErasure, Tombstone};
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, SubjectHash};
use crate::domain::retention::{Cursor, RetentionJob};
use crate::domain::time::Timestamp;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

/// Some work of a shard, in the order of its ids.
#[derive(Debug)]
pub struct WorkPage<W> {
    /// Each piece of work, or the id of what does not read, and why.
    pub work: Vec<Result<W, (String, StoreError)>>,
    /// The last id, when there may be more behind it.
    pub more_after: Option<String>,
}

/// Items of an account, a page of them: its state comes first.
#[derive(Debug)]
pub struct AccountItems {
    /// Whose.
    account: AccountId,
    /// Its state, on the first page, if there is one.
    pub authentication: Option<Authentication>,
    /// All others of the page.
    others: Vec<ItemKey>,
    more_after: Option<String>,
}

impl AccountItems {
    /// Removals of the page's items, the account's state apart.
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
    /// Whether nothing stands on this page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.authentication.is_none() && self.others.is_empty()
    }
}

/// One step of an erasure after its point of no return.
#[derive(Debug, Clone)]
pub enum Removal {
    /// What is left of the account for ever is written. Absent before, or it stands already.
    Bury(Tombstone),
    /// Its data key, unless it is a pending registration's.
    DataKey(AccountId),
    /// Its identifier, if it is still its own: a freed address may be somebody else's.
    Identifier(AccountId, IdentifierHash),
    /// Its password, unread.
    Password(AccountId),
    /// Its identity elsewhere: the sentinel stays, without the account, so that the person does not come back from there.
    LinkedIdentity(AccountId, SubjectHash),
    /// An item of its partition.
    Item(ItemKey),
    /// Its state: only when a restored backup is cleaned; otherwise it ends by itself.
    State(AccountId),
    /// Its due work: the last step.
    DueWork(AccountId, Timestamp),
}

impl TenantStore {
    /// Erasures that are due on the day of the cursor, in its shard, after its account; at most `limit`. One Query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_due_erasures(&self, cursor: &Cursor, limit: u16) -> Result<WorkPage<DueErasure>, StoreError> {
        let pk = due_pk(&self.tenant, cursor.day, cursor.shard);
        let page = self.page(Table::Identities, &pk, cursor.after.as_deref(), Some(limit)).await?;
        Ok(work(page, Kind::DueErasure))
    }
    /// Accounts that were erased on the day of the cursor, in its shard, after its account; at most `limit`. One Query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_tombstones(&self, cursor: &Cursor, limit: u16) -> Result<WorkPage<Tombstone>, StoreError> {
        let pk = tombstones_pk(&self.tenant, cursor.day, cursor.shard);
        let page = self.page(Table::Keys, &pk, cursor.after.as_deref(), Some(limit)).await?;
        Ok(work(page, Kind::Tombstone))
    }
    /// The items of an account from its state on: one Query, at most 1 MB of them.
    ///
    /// # Errors
    /// When the store fails, or the state does not read.
    pub async fn find_account_items(&self, account: AccountId) -> Result<AccountItems, StoreError> {
        let state = self.key(Thing::Authentication(account));
        let Page { mut items, more_after } = self.page(Table::Identities, &state.pk, None, None).await?;
        // Its sort key is the least of all: it is the first of the first page, or it is not there.
        let authentication = match items.first().and_then(|first| first.get(SK)) {
            Some(AttributeValue::S(first)) if *first == state.sk => Some(read(Kind::Authentication, items.remove(0))?),
            Some(_) | None => None,
        };
        Ok(AccountItems { account, authentication, others: keys(&items), more_after })
    }
    /// The items after such a page, if there can be any. One Query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_more_account_items(
        &self,
        account: AccountId,
        page: &AccountItems,
    ) -> Result<Option<AccountItems>, StoreError> {
        let Some(after) = &page.more_after else { return Ok(None) };
        let ItemKey { pk, .. } = self.key(Thing::Authentication(account));
        let Page { items, more_after } = self.page(Table::Identities, &pk, Some(after), None).await?;
        Ok(Some(AccountItems { account, authentication: None, others: keys(&items), more_after }))
    }
    /// The state of an account. 1 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_authentication(&self, account: AccountId) -> Result<Option<Authentication>, StoreError> {
        self.get(Thing::Authentication(account), Kind::Authentication).await
    }
    /// The state of the retention job. 1 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_retention_job(&self) -> Result<Option<RetentionJob>, StoreError> {
        self.get(Thing::RetentionJob, Kind::Job).await
    }

    /// Takes one step of an erasure; again and again it comes to the same. 1 WRU.
    ///
    /// # Errors
    /// When the store fails, or a data key is not the account's.
    pub async fn remove(&self, removal: &Removal, request: &RequestContext) -> Result<(), StoreError> {
        let delete = |thing: Thing<'_>, condition| Plan::Delete(Box::new(Delete { key: self.key(thing), condition }));
        let (plan, must) = match removal {
            Removal::Bury(tombstone) => (self.burial(tombstone, request)?, false),
            Removal::DataKey(account) => (delete(Thing::DataKey(*account), Condition::DataKeyOf(*account)), true),
            Removal::Identifier(account, identifier) => {
                (delete(Thing::Identifier(identifier), Condition::OfAccount(*account)), false)
            }
            Removal::Password(account) => (delete(Thing::Password(*account), Condition::Present), true),
            Removal::LinkedIdentity(account, subject) => {
                // The sentinel first: broken off between the two, the link still names it.
                self.write(&self.erased_subject(*account, subject, request)?, request).await?;
                (delete(Thing::LinkedIdentity(*account, subject), Condition::Present), true)
            }
            Removal::Item(key) => (Plan::Delete(Box::new(Delete { key: key.clone(), condition: Condition::Present })), true),
            Removal::State(account) => (delete(Thing::Authentication(*account), Condition::Present), true),
            Removal::DueWork(account, due) => (delete(Thing::DueErasure(*account, *due), Condition::Present), true),
        };
        match self.write(&plan, request).await? {
            Written::Yes => Ok(()),
            Written::Conflict | Written::LimitReached if !must => Ok(()),
            Written::Conflict | Written::LimitReached => Err(refused("remove", "", "something else stands there")),
        }
    }

    /// Written only over the account's own sentinel: one that is erased already, or another's, stays as it is.
    fn erased_subject(&self, account: AccountId, subject: &SubjectHash, request: &RequestContext) -> Result<Plan, StoreError> {
        let key = self.key(Thing::FederatedSubject(subject));
        let erased = ClaimedSubject { account: None, at: request.now };
        let item = item::write(&key, Kind::FederatedSubject, &erased, None, request.request_id.as_str())?;
        Ok(Plan::Put(Box::new(Put { key, item, condition: Condition::OfAccount(account) })))
    }

    fn burial(&self, tombstone: &Tombstone, request: &RequestContext) -> Result<Plan, StoreError> {
        let key = self.key(Thing::Tombstone(tombstone.account, tombstone.at));
        let item = item::write(&key, Kind::Tombstone, tombstone, None, request.request_id.as_str())?;
        Ok(Plan::Put(Box::new(Put { key, item, condition: Condition::Absent })))
    }
}

fn keys(items: &[Item]) -> Vec<ItemKey> {
    items.iter().filter_map(|item| ItemKey::read(Table::Identities, item)).collect()
}

fn work<W: DeserializeOwned>(page: Page, kind: Kind) -> WorkPage<W> {
    let read = |item: Item| {
        let id = item.get(SK).and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
        read(kind, item).map_err(|error| (id, error))
    };
    WorkPage { work: page.items.into_iter().map(read).collect(), more_after: page.more_after }
}

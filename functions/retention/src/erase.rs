//! One account: the decision, and then everything that is left of it (security 129, 130).
//!
//! 1. One Query of its partition.
//! 2. Its state becomes *erased*, over the version that was read: the point of no return, and the event.
//! 3. The tombstone.
//! 4. The data key: from here on nothing sealed opens again, in no backup either.
//! 5. The identifier (if it is still its own), the password (unread), and all items of its partition.
//! 6. The due work. Broken off anywhere before, the work is found again and goes on from 3; every step comes to the same.

use crate::ACCOUNT_RESERVE;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use latchkey::context::RequestContext;
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{DueErasure, Erasure, Tombstone, erase};
use latchkey::domain::id::AccountId;
use latchkey::domain::time::Timestamp;
use latchkey::store::erasure::{AccountItems, Removal};
use latchkey::store::{DecideError, StoreError, TenantStore};

/// How many items of an account go at once.
const AT_ONCE: usize = 4;

/// Why an account was not erased.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    /// Its state changed under each attempt.
    #[error("it changes all the time")]
    Busy,
    /// The store failed, or something of it does not read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no time left: nothing is wrong with it.
    #[error("there is no time left")]
    OutOfTime,
}

/// What a run would do about it.
pub(crate) async fn plan(store: &TenantStore, due: &DueErasure, now: Timestamp) -> Result<Erasure, EraseError> {
    let items = store.find_account_items(due.account).await?;
    Ok(erase(items.authentication.as_ref(), due, now).outcome)
}

/// Does what is to be done about it.
pub(crate) async fn run(store: &TenantStore, due: &DueErasure, request: &RequestContext) -> Result<Erasure, EraseError> {
    let decided = store.decide(request, || async {
        let items = store.find_account_items(due.account).await?;
        let Decision { changes, outcome } = erase(items.authentication.as_ref(), due, request.now);
        Ok::<_, StoreError>(Decision { changes, outcome: (outcome, items) })
    });
    let (erasure, items) = match Box::pin(decided).await {
        Ok(decided) => decided,
        Err(DecideError::Busy | DecideError::LimitReached) => return Err(EraseError::Busy),
        Err(DecideError::Store(error) | DecideError::Decide(error)) => return Err(error.into()),
    };
    if let Erasure::Remove { at } = erasure {
        remove(store, due, at, items, request).await?;
    }
    Ok(erasure)
}

async fn remove(
    store: &TenantStore,
    due: &DueErasure,
    at: Timestamp,
    items: AccountItems,
    request: &RequestContext,
) -> Result<(), EraseError> {
    let account = due.account;
    store.remove(&Removal::Bury(Tombstone { account, at }), request).await?;
    store.remove(&Removal::DataKey(account), request).await?;
    let apart = vec![Removal::Identifier(account, due.identifier), Removal::Password(account)];
    remove_items(store, account, apart, items, request).await?;
    store.remove(&Removal::DueWork(account, due.due), request).await?;
    Ok(())
}

/// Removes these, and every item of the account's partition but its state, page by page.
pub(crate) async fn remove_items(
    store: &TenantStore,
    account: AccountId,
    apart: Vec<Removal>,
    first: AccountItems,
    request: &RequestContext,
) -> Result<(), EraseError> {
    let (mut removals, mut page) = (apart, Some(first));
    while let Some(items) = page {
        removals.extend(items.removals());
        // Owned, not borrowed: the compiler can't see that a borrowing stream may move between threads.
        let steps = std::mem::take(&mut removals).into_iter().map(|removal| remove_one(store, removal, request));
        stream::iter(steps).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        page = store.find_more_account_items(account, &items).await?;
    }
    Ok(())
}

async fn remove_one(store: &TenantStore, removal: Removal, request: &RequestContext) -> Result<(), EraseError> {
    if !request.deadline.leaves(ACCOUNT_RESERVE) {
        return Err(EraseError::OutOfTime);
    }
    Ok(store.remove(&removal, request).await?)
}

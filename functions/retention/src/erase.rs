//! Erases one account: makes the decision, then removes all its data (security 129, 130).
//!
//! 1. Query the account's partition once.
//! 2. Set the account's state to *erased*, on the condition that the version is the one read. This is the point of no return, and the
//!    event.
//! 3. Write the tombstone, and delete the record of the request: the tombstone says more.
//! 4. Delete the data key: from here on, sealed data cannot be decrypted, not even from a backup.
//! 5. Delete the identifier (if it still belongs to the account), what was counted for it before it had an account, the secrets (by
//!    their keys: none is read), the passkeys with their claims, and all items of the partition.
//! 6. Delete the due work. If an invocation ends before this, the work is found again and continues with step 3. Every step is idempotent.

use crate::ACCOUNT_RESERVE;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use latchkey::context::RequestContext;
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{DueErasure, Erasure, Tombstone, erase};
use latchkey::domain::id::AccountId;
use latchkey::domain::time::Timestamp;
use latchkey::store::erasure::{AccountItems, Removal};
use latchkey::store::{DecideError, StoreError, TenantStore};

/// How many items of an account are deleted concurrently.
const AT_ONCE: usize = 4;

/// Why an account was not erased.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    /// Its state changed during each attempt.
    #[error("its state changed at every attempt")]
    Busy,
    /// The store failed, or an item is malformed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No time is left; nothing is wrong.
    #[error("there is no time left")]
    OutOfTime,
}

/// What a run would do with the account.
pub(crate) async fn plan(store: &TenantStore, due: &DueErasure, now: Timestamp) -> Result<Erasure, EraseError> {
    let items = store.find_account_items(due.account).await?;
    Ok(erase(items.authentication.as_ref(), due, now).outcome)
}

/// Erases the account, if it is due.
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
    if let Some(requested_at) = due.requested_at {
        store.remove(&Removal::DeletionRecord(account, requested_at), request).await?;
    }
    store.remove(&Removal::DataKey(account), request).await?;
    let mut apart = vec![Removal::Identifier(account, due.identifier), Removal::UnknownFailures(due.identifier)];
    apart.extend(store.find_secret_removals(account).await?);
    apart.extend(store.find_passkey_removals(account).await?);
    remove_items(store, account, apart, items, request).await?;
    store.remove(&Removal::DueWork(account, due.due), request).await?;
    Ok(())
}

/// Removes these items and every item of the account's partition except its state, page by page.
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
        // Owned, not borrowed: the compiler cannot prove that a borrowing stream is `Send`.
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

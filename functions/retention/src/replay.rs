//! After a restore of `identities` from a backup: erases again the accounts erased since, and repeats the deletion requests and
//! restorations since, before the service starts (T23).
//!
//! The records are in another table, which is not restored. For each tombstone since the backup, day by day and shard by shard:
//! 1. Query the account's partition once: the restored state names the identifier and the due work.
//! 2. Delete the data key, the identifier (if it still belongs to the account: a freed address may have another account), the secrets and
//!    all items.
//! 3. Delete the state last: if an invocation ends before, the account is found again.
//!
//! Then for each request and each restoration since the backup, in the same order:
//! 4. Close or restore the account, on the condition of the version that was read. A record that is older than the account's state changes
//!    nothing, so the newest record of an account decides, and a user who restores the account meanwhile wins.

use crate::command::{Records, ReplayRequest, Resume};
use crate::erase::{EraseError, remove_items};
use crate::scan::PAGE;
use crate::summary::{Status, Summary, TenantSummary};
use crate::{ACCOUNT_RESERVE, RESERVE, Retention, RetentionError};
use futures_util::{StreamExt as _, stream};
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::AccountStatus;
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{DeletionRecord, Replayed, Tombstone, replay};
use latchkey::domain::retention::{Counts, Cursor, OVERLAP, Outcomes, Rule, Stuck};
use latchkey::store::erasure::Removal;
use latchkey::store::{DecideError, StoreError, TenantStore};
use latchkey::web::problem::chain;
use serde_json::json;

const AT_ONCE: usize = 8;

/// Erases again, in each tenant.
pub(crate) async fn erasures(job: &Retention, event: ReplayRequest, deadline: Deadline) -> Result<Summary, RetentionError> {
    let ReplayRequest { since, tenant, resume } = event;
    let now = job.services.clock.now();
    if since > now {
        return Err(RetentionError::Refused(format!("the time {since} is in the future")));
    }
    let (mut done, mut next) = (Vec::new(), None);
    for registered in job.tenants(tenant.as_ref()).await? {
        // Clocks differ: a record of the next day may have the day before.
        let first = Cursor::at(since - OVERLAP);
        let (mut records, begin) = match &resume {
            Some(resume) if registered.tenant < resume.tenant => continue,
            Some(resume) if registered.tenant == resume.tenant => (resume.records, resume.cursor.clone()),
            Some(_) | None => (Records::Tombstones, first.clone()),
        };
        let (mut cursor, mut outcomes) = (Some(begin), Outcomes::default());
        while let Some(at) = cursor.take() {
            // A run takes minutes: it follows a rotation of the identifier key from page to page.
            let store = job.tenant_store(&registered.tenant).await?;
            let page = if deadline.leaves(RESERVE) { page(job, &store, records, &at, deadline).await? } else { None };
            let Some((paged, more_after)) = page else {
                let resume = Resume { tenant: registered.tenant.clone(), records, cursor: at };
                let mut event = json!({ "job": "replay_erasures", "since": since.to_string(), "resume": resume });
                if let Some(tenant) = &tenant {
                    event["tenant"] = json!(tenant);
                }
                next = Some(event);
                break;
            };
            outcomes.add(paged);
            cursor = at.next(more_after, now);
            if cursor.is_none() && records == Records::Tombstones {
                (records, cursor) = (Records::Requests, Some(first.clone()));
            }
        }
        let status = if next.is_some() { Status::Continues } else { Status::Finished };
        done.push(TenantSummary::new(registered.tenant, status, since, outcomes));
        if next.is_some() {
            break;
        }
    }
    Ok(Summary::new("replay_erasures", since, false, done, next))
}

/// One page of records, and where the shard continues. `None` if the time is up.
async fn page(
    job: &Retention,
    store: &TenantStore,
    records: Records,
    at: &Cursor,
    deadline: Deadline,
) -> Result<Option<(Outcomes, Option<String>)>, RetentionError> {
    let request = job.request(deadline)?;
    let (works, more_after) = match records {
        Records::Tombstones => {
            let page = store.find_tombstones(at, PAGE).await?;
            let works = page.work.into_iter().map(async |work: Result<Tombstone, (String, StoreError)>| match work {
                Err((id, error)) => (id, Err(EraseError::from(error))),
                Ok(tombstone) => (tombstone.account.to_string(), Box::pin(erase_again(store, &tombstone, &request)).await),
            });
            (stream::iter(works).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await, page.more_after)
        }
        Records::Requests => {
            let page = store.find_deletion_records(at, PAGE).await?;
            let works = page.work.into_iter().map(async |work: Result<DeletionRecord, (String, StoreError)>| match work {
                Err((id, error)) => (id, Err(EraseError::from(error))),
                Ok(record) => (record.account.to_string(), Box::pin(repeat(store, &record, &request)).await),
            });
            (stream::iter(works).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await, page.more_after)
        }
    };
    let mut outcomes = Outcomes::default();
    for (id, result) in works {
        let counts = match result {
            Ok(counts) => Counts { due: 1, ..counts },
            Err(_) if !deadline.leaves(ACCOUNT_RESERVE) => return Ok(None),
            Err(error) => {
                tracing::error!(tenant = %store.tenant(), id, error = chain(&error), "stuck");
                outcomes.stuck.push(Stuck { id, rule: Rule::Erasure, reason: error.to_string() });
                Counts { due: 1, stuck: 1, ..Counts::default() }
            }
        };
        outcomes.add(Outcomes { counts, stuck: Vec::new() });
    }
    Ok(Some((outcomes, more_after)))
}

/// Repeats a request or a restoration.
async fn repeat(store: &TenantStore, record: &DeletionRecord, request: &RequestContext) -> Result<Counts, EraseError> {
    if !request.deadline.leaves(ACCOUNT_RESERVE) {
        return Err(EraseError::OutOfTime);
    }
    let decide = || async {
        let Some(state) = store.find_authentication(record.account).await? else {
            return Ok(Decision::unchanged(Replayed::Unchanged));
        };
        // The epoch of an account also begins for other reasons. Only a recorded restoration is newer than the request.
        let restored_later = match state.epoch_began_at.filter(|began| *began >= record.at) {
            Some(began) => store
                .find_deletion_record(record.account, began)
                .await?
                .is_some_and(|last| last.at >= record.at && matches!(last.status, AccountStatus::Active)),
            None => false,
        };
        Ok::<_, StoreError>(replay(&state, record, restored_later, request.now))
    };
    match store.decide(request, decide).await {
        Ok(Replayed::Closed) => Ok(Counts { closed: 1, ..Counts::default() }),
        Ok(Replayed::Restored) => Ok(Counts { restored: 1, ..Counts::default() }),
        Ok(Replayed::Unchanged) => Ok(Counts { skipped: 1, ..Counts::default() }),
        Err(DecideError::Busy | DecideError::LimitReached) => Err(EraseError::Busy),
        Err(DecideError::Store(error) | DecideError::Decide(error)) => Err(error.into()),
    }
}

/// Erases an account again, if any data of it exists.
async fn erase_again(store: &TenantStore, tombstone: &Tombstone, request: &RequestContext) -> Result<Counts, EraseError> {
    let account = tombstone.account;
    let items = store.find_account_items(account).await?;
    let stood = !items.is_empty();
    let secrets = store.find_secret_removals(account).await?;
    let mut apart: Vec<Removal> = std::iter::once(Removal::DataKey(account)).chain(secrets).collect();
    apart.extend(store.find_passkey_removals(account).await?);
    let mut due = None;
    if let Some(restored) = &items.authentication {
        apart.push(Removal::Identifier(account, restored.identifier));
        apart.push(Removal::UnknownFailures(restored.identifier));
        due = match restored.status {
            AccountStatus::ErasureDue { due, .. } => Some(due),
            AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => None,
        };
    }
    remove_items(store, account, apart, items, request).await?;
    if let Some(due) = due {
        store.remove(&Removal::DueWork(account, due), request).await?;
    }
    if stood {
        store.remove(&Removal::State(account), request).await?;
    }
    let (erased, skipped) = (u64::from(stood), u64::from(!stood));
    Ok(Counts { erased, skipped, ..Counts::default() })
}

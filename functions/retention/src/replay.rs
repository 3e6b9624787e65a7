//! After a restore of `identities` from a backup: erases again the accounts erased since, before the service starts (T23).
//!
//! The tombstones are in another table, which is not restored. For each tombstone since the backup, day by day and shard by shard:
//! 1. Query the account's partition once: the restored state names the identifier and the due work.
//! 2. Delete the data key, the identifier (if it still belongs to the account: a freed address may have another account), the password and
//!    all items.
//! 3. Delete the state last: if an invocation ends before, the account is found again.

use crate::command::{ReplayRequest, Resume};
use crate::erase::{EraseError, remove_items};
use crate::scan::PAGE;
use crate::summary::{Status, Summary, TenantSummary};
use crate::{ACCOUNT_RESERVE, RESERVE, Retention, RetentionError};
use futures_util::{StreamExt as _, stream};
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::AccountStatus;
use latchkey::domain::erasure::Tombstone;
use latchkey::domain::retention::{Counts, Cursor, OVERLAP, Outcomes, Rule, Stuck};
use latchkey::store::erasure::Removal;
use latchkey::store::{StoreError, TenantStore};
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
        let begin = match &resume {
            Some(resume) if registered.tenant < resume.tenant => continue,
            Some(resume) if registered.tenant == resume.tenant => resume.cursor.clone(),
            // Clocks differ: a tombstone of the next day may have the day before.
            Some(_) | None => Cursor::at(since - OVERLAP),
        };
        let store = job.services.store.tenant(registered.tenant.clone());
        let (mut cursor, mut outcomes) = (Some(begin), Outcomes::default());
        while let Some(at) = cursor.take() {
            let page = if deadline.leaves(RESERVE) { page(job, &store, &at, deadline).await? } else { None };
            let Some((paged, more_after)) = page else {
                let resume = Resume { tenant: registered.tenant.clone(), cursor: at };
                let mut event = json!({ "job": "replay_erasures", "since": since.to_string(), "resume": resume });
                if let Some(tenant) = &tenant {
                    event["tenant"] = json!(tenant);
                }
                next = Some(event);
                break;
            };
            outcomes.add(paged);
            cursor = at.next(more_after, now);
        }
        let status = if next.is_some() { Status::Continues } else { Status::Finished };
        done.push(TenantSummary::new(registered.tenant, status, since, outcomes));
        if next.is_some() {
            break;
        }
    }
    Ok(Summary::new("replay_erasures", since, false, done, next))
}

/// One page of tombstones, and where the shard continues. `None` if the time is up.
async fn page(
    job: &Retention,
    store: &TenantStore,
    at: &Cursor,
    deadline: Deadline,
) -> Result<Option<(Outcomes, Option<String>)>, RetentionError> {
    let page = store.find_tombstones(at, PAGE).await?;
    let request = job.request(deadline)?;
    let works = page.work.into_iter().map(async |work: Result<Tombstone, (String, StoreError)>| match work {
        Err((id, error)) => (id, Err(EraseError::from(error))),
        Ok(tombstone) => (tombstone.account.to_string(), Box::pin(erase_again(store, &tombstone, &request)).await),
    });
    let works: Vec<_> = stream::iter(works).buffer_unordered(AT_ONCE).collect().await;
    let mut outcomes = Outcomes::default();
    for (id, result) in works {
        let counts = match result {
            Ok(true) => Counts { due: 1, erased: 1, ..Counts::default() },
            Ok(false) => Counts { due: 1, skipped: 1, ..Counts::default() },
            Err(_) if !deadline.leaves(ACCOUNT_RESERVE) => return Ok(None),
            Err(error) => {
                tracing::error!(tenant = %store.tenant(), id, error = chain(&error), "stuck");
                outcomes.stuck.push(Stuck { id, rule: Rule::Erasure, reason: error.to_string() });
                Counts { due: 1, stuck: 1, ..Counts::default() }
            }
        };
        outcomes.add(Outcomes { counts, stuck: Vec::new() });
    }
    Ok(Some((outcomes, page.more_after)))
}

/// Whether any data of the account existed.
async fn erase_again(store: &TenantStore, tombstone: &Tombstone, request: &RequestContext) -> Result<bool, EraseError> {
    let account = tombstone.account;
    let items = store.find_account_items(account).await?;
    let stood = !items.is_empty();
    let mut apart = vec![Removal::DataKey(account), Removal::Password(account)];
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
    Ok(stood)
}

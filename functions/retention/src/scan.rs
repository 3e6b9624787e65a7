//! The retention job: runs, leases, pages, checkpoints (security 132, 140, 141).
//!
//! 1. Read the job state of each tenant, decide ([`latchkey::domain::retention`]), and commit the lease on the condition that the version
//!    is the one read. Of two concurrent runs, one fails here.
//! 2. Process a page of the shard, each account separately. A stuck account is recorded and does not stop the others.
//! 3. Write a checkpoint on the condition of the lease's version. A holder that was presumed dead fails here and stops.
//! 4. Shortly before the deadline, release the lease and continue the same event in another invocation.

use crate::command::RunRequest;
use crate::erase::{self, EraseError};
use crate::summary::{Status, Summary, TenantSummary};
use crate::{ACCOUNT_RESERVE, RESERVE, Retention, RetentionError};
use data_encoding::BASE64URL_NOPAD;
use futures_util::{StreamExt as _, stream};
use latchkey::context::Deadline;
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::erasure::{DueErasure, Erasure};
use latchkey::domain::retention::{Claim, Counts, Cursor, LEASE, Outcomes, RetentionJob, Rule, Run, Stuck};
use latchkey::domain::time::{Span, Timestamp};
use latchkey::store::tenant::RegisteredTenant;
use latchkey::store::{CommitError, MAX_ATTEMPTS, StoreError, TenantStore};
use latchkey::web::problem::chain;
use serde_json::json;

/// The largest page: what is in memory, and what is repeated if a holder dies.
pub(crate) const PAGE: u16 = 100;
/// How many accounts are erased concurrently.
const AT_ONCE: usize = 8;
/// How far a run's time may be ahead of our clock.
const SKEW: Span = Span::minutes(5);

/// Handles a scheduled run.
pub(crate) async fn retention(job: &Retention, tick: RunRequest, deadline: Deadline) -> Result<Summary, RetentionError> {
    let RunRequest { time, tenant, dry_run } = tick;
    let now = job.services.clock.now();
    let period = time.unwrap_or(now);
    if period > now + SKEW {
        return Err(RetentionError::Refused(format!("the time {period} is in the future")));
    }
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for registered in job.tenants(tenant.as_ref()).await? {
        let walked = async {
            let walk = TenantScan { job, store: job.tenant_store(&registered.tenant).await?, deadline };
            if dry_run { walk.plan(&registered, period).await } else { walk.run(&registered, period).await }
        };
        let walked = walked.await;
        match walked {
            Ok(summary) => {
                let out_of_time = summary.status >= Status::Continues;
                done.push(summary);
                if out_of_time {
                    break;
                }
            }
            Err(error) => {
                tracing::error!(tenant = %registered.tenant, error = chain(&error), "retention failed");
                failed.push(registered.tenant.to_string());
            }
        }
    }
    if !failed.is_empty() {
        return Err(RetentionError::Tenants(failed.join(", ")));
    }
    // The same event: finished tenants answer from their summaries.
    let more = done.iter().any(|tenant| tenant.status == Status::Continues);
    let mut next = json!({ "job": "retention", "time": period.to_string() });
    if let Some(tenant) = tenant {
        next["tenant"] = json!(tenant);
    }
    Ok(Summary::new("retention", period, dry_run, done, more.then_some(next)))
}

/// The scan of one tenant.
struct TenantScan<'a> {
    job: &'a Retention,
    store: TenantStore,
    deadline: Deadline,
}

/// The result of a page.
enum PageOutcome {
    Done(Outcomes),
    OutOfTime,
}

impl TenantScan<'_> {
    fn now(&self) -> Timestamp {
        self.job.services.clock.now()
    }

    /// Runs this period, after an interrupted one.
    async fn run(&self, tenant: &RegisteredTenant, period: Timestamp) -> Result<TenantSummary, RetentionError> {
        let holder = BASE64URL_NOPAD.encode(&self.job.services.random.bytes::<12>());
        let summary = |status, period, done| Ok(TenantSummary::new(tenant.tenant.clone(), status, period, done));
        loop {
            let state = match self.claim(tenant, period, &holder).await? {
                Claim::Run(state) => state,
                Claim::Held { .. } => return summary(Status::Running, period, Outcomes::default()),
                Claim::Finished(finished) => return summary(Status::Finished, finished.period, finished.done),
            };
            match self.walk(state).await? {
                ScanOutcome::Finished => {}
                ScanOutcome::Continues(run) => return summary(Status::Continues, run.period, run.done),
                ScanOutcome::Replaced => return summary(Status::Running, period, Outcomes::default()),
            }
        }
    }

    async fn claim(&self, tenant: &RegisteredTenant, period: Timestamp, holder: &str) -> Result<Claim, RetentionError> {
        for _ in 0..MAX_ATTEMPTS {
            let state = self.store.find_retention_job().await?.unwrap_or_else(|| RetentionJob::new(tenant.since));
            let claim = state.claim(period, holder, self.now());
            let Claim::Run(state) = &claim else { return Ok(claim) };
            if self.commit(state).await? {
                return Ok(claim);
            }
        }
        Err(RetentionError::Busy)
    }

    /// Whether the state was written. If not, another holder has taken over.
    async fn commit(&self, state: &RetentionJob) -> Result<bool, RetentionError> {
        let change = Changes::one(Change::checkpoint_retention(state.clone()));
        match self.store.commit(&change, &self.job.request(self.deadline)?).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict(_) | CommitError::LimitReached) => Ok(false),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    async fn walk(&self, mut state: RetentionJob) -> Result<ScanOutcome, RetentionError> {
        while let Some(run) = state.run.clone() {
            let paged = if self.deadline.leaves(RESERVE) { Some(self.page(&run).await?) } else { None };
            let Some((PageOutcome::Done(outcomes), more_after)) = paged else {
                self.commit(&state.release(self.now())).await?;
                return Ok(ScanOutcome::Continues(run));
            };
            let (now, worked) = (self.now(), outcomes.counts.due > 0);
            let next = state.checkpoint(&run, outcomes, run.cursor.next(more_after, run.period), now);
            // Skip checkpoints of empty days: a year of empty days must not cost a year of writes.
            let lease_wanes = run.lease_until.since(now) < Span::millis(LEASE.as_millis() / 2);
            if !worked && !lease_wanes && next.run.is_some() {
                let run = next.run.map(|next| Run { lease_until: run.lease_until, ..next });
                state = RetentionJob { run, ..state };
                continue;
            }
            if !self.commit(&next).await? {
                tracing::warn!(tenant = %self.store.tenant(), "another holder goes on: the lease had run out");
                return Ok(ScanOutcome::Replaced);
            }
            state = next;
        }
        Ok(ScanOutcome::Finished)
    }

    /// Processes a page. Returns where the shard continues.
    async fn page(&self, run: &Run) -> Result<(PageOutcome, Option<String>), RetentionError> {
        // A run takes minutes: it follows a rotation of the identifier key from page to page.
        let store = &self.job.tenant_store(self.store.tenant()).await?;
        let page = store.find_due_erasures(&run.cursor, PAGE).await?;
        let request = self.job.request(self.deadline)?;
        let works = due_by(page.work, run.period).into_iter().map(async |work| match work {
            Err((id, error)) => (id, Err(EraseError::from(error))),
            Ok(due) if !self.deadline.leaves(ACCOUNT_RESERVE) => (due.account.to_string(), Err(EraseError::OutOfTime)),
            Ok(due) => (due.account.to_string(), Box::pin(erase::run(store, &due, &request)).await),
        });
        let done: Vec<_> = stream::iter(works).buffer_unordered(AT_ONCE).collect().await;
        // A failure after the deadline is not the account's fault.
        let out_of_time = |result: &Result<_, _>| match result {
            Ok(_) => false,
            Err(EraseError::OutOfTime) => true,
            Err(EraseError::Busy | EraseError::Store(_)) => !self.deadline.leaves(ACCOUNT_RESERVE),
        };
        if done.iter().any(|(_, result)| out_of_time(result)) {
            return Ok((PageOutcome::OutOfTime, None));
        }
        Ok((PageOutcome::Done(self.outcomes(done)), page.more_after))
    }

    fn outcomes(&self, done: Vec<(String, Result<Erasure, EraseError>)>) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for (id, result) in done {
            let one = |counts: Counts| Outcomes { counts: Counts { due: 1, ..counts }, stuck: Vec::new() };
            outcomes.add(match result {
                Ok(Erasure::Remove { .. }) => one(Counts { erased: 1, ..Counts::default() }),
                Ok(Erasure::Deferred { .. }) => one(Counts { deferred: 1, ..Counts::default() }),
                Ok(Erasure::NotDue) => one(Counts { skipped: 1, ..Counts::default() }),
                Err(error) => {
                    tracing::error!(tenant = %self.store.tenant(), id, error = chain(&error), "stuck");
                    let stuck = Stuck { id, rule: Rule::Erasure, reason: error.to_string() };
                    Outcomes { stuck: vec![stuck], ..one(Counts { stuck: 1, ..Counts::default() }) }
                }
            });
        }
        outcomes
    }

    /// What a run of this period would do now. It writes nothing, not even a lease.
    async fn plan(&self, tenant: &RegisteredTenant, period: Timestamp) -> Result<TenantSummary, RetentionError> {
        let state = self.store.find_retention_job().await?.unwrap_or_else(|| RetentionJob::new(tenant.since));
        let mut done = Outcomes::default();
        let mut cursor = Some(state.run.map_or_else(|| Cursor::at(state.from), |run| run.cursor));
        while let Some(at) = cursor {
            if !self.deadline.leaves(RESERVE) {
                return Ok(TenantSummary::new(tenant.tenant.clone(), Status::Incomplete, period, done));
            }
            let page = self.store.find_due_erasures(&at, PAGE).await?;
            let now = self.now();
            let works = due_by(page.work, period).into_iter().map(async |work| match work {
                Err((id, error)) => (id, Err(EraseError::from(error))),
                Ok(due) => (due.account.to_string(), erase::plan(&self.store, &due, now).await),
            });
            let planned: Vec<_> = stream::iter(works).buffer_unordered(AT_ONCE).collect().await;
            done.add(self.outcomes(planned));
            cursor = at.next(page.more_after, period);
        }
        Ok(TenantSummary::new(tenant.tenant.clone(), Status::Finished, period, done))
    }
}

/// The result of a scan.
enum ScanOutcome {
    Finished,
    Continues(Run),
    Replaced,
}

type Work = Result<DueErasure, (String, StoreError)>;

/// The work due by then, and malformed entries, with an unknown due time.
fn due_by(work: Vec<Work>, period: Timestamp) -> Vec<Work> {
    work.into_iter().filter(|work| work.as_ref().is_ok_and(|due| due.due <= period) || work.is_err()).collect()
}

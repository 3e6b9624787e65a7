//! The result of an invocation.

use latchkey::domain::id::TenantId;
use latchkey::domain::retention::{Counts, Outcomes, Stuck};
use latchkey::domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The result of an invocation: in total and by tenant.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The job.
    pub job: &'static str,
    /// The period of the run; for a replay, the time of the backup.
    #[serde(serialize_with = "rfc3339")]
    pub period: Timestamp,
    /// Whether this is only a report of what would be done.
    pub dry_run: bool,
    /// The progress: that of the tenant with the least progress.
    pub status: Status,
    /// The totals by rule.
    pub rules: Rules,
    /// The tenants, sorted by name.
    pub tenants: Vec<TenantSummary>,
    /// The event that continues the work, if time ran out.
    #[serde(skip)]
    pub next: Option<Value>,
}

/// The result for one tenant.
#[derive(Debug, Clone, Serialize)]
pub struct TenantSummary {
    /// The tenant.
    pub tenant: TenantId,
    /// The progress.
    pub status: Status,
    /// The period of these numbers: an earlier one, if that had to be finished first and time ran out.
    #[serde(serialize_with = "rfc3339")]
    pub period: Timestamp,
    /// The numbers by rule.
    pub rules: Rules,
    /// The first accounts that are stuck.
    pub stuck: Vec<Stuck>,
}

/// Numbers by rule.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Rules {
    /// Closed accounts.
    pub erasure: Counts,
}

/// The progress, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything is done.
    Finished,
    /// Another invocation is working on it.
    Running,
    /// The work continues in another invocation, or with the caller's next request.
    Continues,
    /// A dry run that ran out of time before it had counted everything.
    Incomplete,
}

impl TenantSummary {
    pub(crate) fn new(tenant: TenantId, status: Status, period: Timestamp, done: Outcomes) -> Self {
        let Outcomes { counts, stuck } = done;
        Self { tenant, status, period, rules: Rules { erasure: counts }, stuck }
    }
}

impl Summary {
    pub(crate) fn new(
        job: &'static str,
        period: Timestamp,
        dry_run: bool,
        tenants: Vec<TenantSummary>,
        next: Option<Value>,
    ) -> Self {
        let mut sum = Outcomes::default();
        for tenant in &tenants {
            sum.add(Outcomes { counts: tenant.rules.erasure, stuck: Vec::new() });
        }
        let status = tenants.iter().map(|tenant| tenant.status).max().unwrap_or(Status::Finished);
        Self { job, period, dry_run, status, rules: Rules { erasure: sum.counts }, tenants, next }
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

//! What an invocation came to.

use latchkey::domain::id::TenantId;
use latchkey::domain::retention::{Counts, Outcomes, Stuck};
use latchkey::domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What an invocation came to: in sum, and by tenant.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Which job.
    pub job: &'static str,
    /// The period that the tick named; of a replay, the moment of the backup.
    #[serde(serialize_with = "rfc3339")]
    pub period: Timestamp,
    /// Whether it only says what would be done.
    pub dry_run: bool,
    /// Where it stands: the tenant's that is least far.
    pub status: Status,
    /// By rule, in sum.
    pub rules: Rules,
    /// The tenants, in the order of their names.
    pub tenants: Vec<TenantSummary>,
    /// The event that goes on with it, when there is more to do than time.
    #[serde(skip)]
    pub next: Option<Value>,
}

/// What one tenant's work came to.
#[derive(Debug, Clone, Serialize)]
pub struct TenantSummary {
    /// Whose.
    pub tenant: TenantId,
    /// Where it stands.
    pub status: Status,
    /// The period that these numbers are of: an earlier one, when that had to be finished first and there was no more time.
    #[serde(serialize_with = "rfc3339")]
    pub period: Timestamp,
    /// By rule.
    pub rules: Rules,
    /// What is stuck: the first ones.
    pub stuck: Vec<Stuck>,
}

/// Numbers by rule.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Rules {
    /// Closed accounts.
    pub erasure: Counts,
}

/// Where work stands, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is done.
    Finished,
    /// Another invocation is doing it.
    Running,
    /// It goes on in another invocation, or when the caller asks again.
    Continues,
    /// A plan that found more than it had time to count.
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

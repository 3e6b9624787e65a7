//! Scheduled work: what is due is done, by day and shard; and an operator's words about legal holds and restored backups.
//!
//! ```text
//! tick ─▶ claim ─▶ page of due work ─▶ each: decide, commit, remove ─▶ checkpoint ─▶ … ─▶ summary
//!         lease                                                        before the deadline: again, in an invocation of its own
//! ```
//!
//! | event | what it does |
//! |---|---|
//! | `{"job":"retention","time"?,"tenant"?,"dry_run"?}` | does what is due by then ([`walk`]); with `dry_run` it only says what that would be |
//! | `{"job":"hold"` or `"release","email","tenant"?}` | places or lifts a legal hold ([`hold`]) |
//! | `{"job":"replay_erasures","since","tenant"?}` | erases again what a restored backup brought back ([`replay`]) |

mod command;
mod erase;
mod hold;
mod replay;
mod summary;
mod walk;

pub use summary::{Status, Summary};

use command::Command;
use data_encoding::BASE64URL_NOPAD;
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::id::{RequestId, TenantId};
use latchkey::keys::KeyError;
use latchkey::purpose::Purpose;
use latchkey::runtime::again::{Again, NotStarted};
use latchkey::services::{Services, TenantError};
use latchkey::store::StoreError;
use latchkey::store::tenant::RegisteredTenant;
use serde_json::Value;
use std::time::Duration;

/// The keys that this function is given: an operator names an account by its address.
pub const PURPOSES: &[Purpose] = &[Purpose::Identifier];

/// What is left when no further page is begun: time for the page under way, its checkpoint, and the next invocation.
const RESERVE: Duration = Duration::from_secs(10);
/// What is left when no further account of a page is begun.
const ACCOUNT_RESERVE: Duration = Duration::from_secs(4);

/// The function: everything that it needs. Cheap to clone.
#[derive(Clone)]
pub struct Retention {
    services: Services,
    go_on: GoOn,
}

/// How work goes on that does not end before the deadline.
#[derive(Debug, Clone)]
pub enum GoOn {
    /// In a new invocation of this function.
    Lambda(Again),
    /// By the caller, who is told that there is more to do.
    Caller,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// It is not one of ours: nothing was done.
    #[error("{0}")]
    Refused(String),
    /// The tenant can't be served.
    #[error("the tenant could not be loaded")]
    Tenant(#[from] TenantError),
    /// The store failed; what was done so far stands.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The keys failed.
    #[error("the keys failed")]
    Keys(#[from] KeyError),
    /// Too many changes at once.
    #[error("others were faster again and again")]
    Busy,
    /// Some tenants' work failed; all others' was done.
    #[error("the work of these tenants failed: {0}")]
    Tenants(String),
    /// There is more to do, and no invocation for it: the next tick goes on.
    #[error("the work does not go on by itself")]
    NotStarted(#[from] NotStarted),
}

impl Retention {
    /// The function with these services.
    #[must_use]
    pub fn new(services: Services, go_on: GoOn) -> Self {
        Self { services, go_on }
    }

    /// Handles an event and answers its summary. Before the deadline it stops, and goes on as it was told to.
    ///
    /// # Errors
    /// [`RetentionError::Refused`] for anything else than the events above; otherwise what kept it from its work.
    pub async fn handle(&self, event: &Value, deadline: Deadline) -> Result<Value, RetentionError> {
        let command = Command::read(event).map_err(RetentionError::Refused)?;
        let summary = match command {
            Command::Retention(tick) => walk::retention(self, tick, deadline).await?,
            Command::Hold(named) => return hold::place(self, named, deadline).await,
            Command::Release(named) => return hold::lift(self, named, deadline).await,
            Command::ReplayErasures(since) => replay::erasures(self, since, deadline).await?,
        };
        if let (Some(next), GoOn::Lambda(again)) = (&summary.next, &self.go_on) {
            again.invoke(next).await?;
        }
        let answer = serde_json::to_value(&summary).map_err(|error| RetentionError::Refused(error.to_string()))?;
        // One line for each invocation: operators' alarms read its numbers.
        tracing::info!(summary = %answer, "done");
        Ok(answer)
    }

    /// The tenants that an event is about: one by its name, or all.
    async fn tenants(&self, named: Option<&TenantId>) -> Result<Vec<RegisteredTenant>, RetentionError> {
        let mut tenants = self.services.store.find_tenants().await?;
        if let Some(named) = named {
            tenants.retain(|registered| registered.tenant == *named);
            if tenants.is_empty() {
                return Err(RetentionError::Refused(format!("there is no tenant {named}")));
            }
        }
        Ok(tenants)
    }

    /// A context for writes that are decided now. Never the invocation's own id: one that Lambda repeats decides anew.
    fn request(&self, deadline: Deadline) -> Result<RequestContext, RetentionError> {
        let request_id: Result<RequestId, _> = BASE64URL_NOPAD.encode(&self.services.random.bytes::<12>()).parse();
        let request_id = request_id.map_err(|_| RetentionError::Refused("no request id".to_owned()))?;
        Ok(RequestContext { request_id, now: self.services.clock.now(), attempt: 1, address_hash: None, deadline })
    }
}

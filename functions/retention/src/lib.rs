//! Scheduled retention work by day and shard, and operator commands for legal holds and restored backups.
//!
//! ```text
//! tick ─▶ claim ─▶ page of due work ─▶ each: decide, commit, remove ─▶ checkpoint ─▶ … ─▶ summary
//!         lease                                                        before the deadline: again, in an invocation of its own
//! ```
//!
//! | event | what it does |
//! |---|---|
//! | `{"job":"retention","time"?,"tenant"?,"dry_run"?}` | does the work due by then ([`scan`]); with `dry_run` it only reports it |
//! | `{"job":"hold"` or `"release","email","tenant"?}` | places or lifts a legal hold ([`hold`]) |
//! | `{"job":"replay_erasures","since","tenant"?}` | after the restore of a backup: repeats erasures, deletion requests and restorations ([`replay`]) |

mod command;
mod erase;
mod hold;
mod replay;
mod scan;
mod summary;

pub use summary::{Status, Summary};

use command::Command;
use data_encoding::BASE64URL_NOPAD;
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::id::{RequestId, TenantId};
use latchkey::domain::tenant::Signer;
use latchkey::keys::KeyError;
use latchkey::purpose::Purpose;
use latchkey::runtime::self_invoker::{InvokeError, SelfInvoker};
use latchkey::services::{Services, TenantError};
use latchkey::store::tenant::RegisteredTenant;
use latchkey::store::{StoreError, TenantStore};
use serde_json::Value;
use std::time::Duration;

/// The keys of this function: an operator names an account by its address.
pub const PURPOSES: &[Purpose] = &[Purpose::Identifier];

/// With less time left no new page is started: enough for the current page, its checkpoint, and the next invocation.
const RESERVE: Duration = Duration::from_secs(10);
/// With less time left no further account of a page is started.
const ACCOUNT_RESERVE: Duration = Duration::from_secs(4);

/// The function and its dependencies. Clones are inexpensive.
#[derive(Clone)]
pub struct Retention {
    services: Services,
    continuation: Continuation,
}

/// How unfinished work continues after the deadline.
#[derive(Debug, Clone)]
pub enum Continuation {
    /// In a new invocation of this function.
    Lambda(SelfInvoker),
    /// By the caller, who learns that there is more to do.
    Caller,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The event is not valid. Nothing was done.
    #[error("{0}")]
    Refused(String),
    /// The tenant cannot be loaded.
    #[error("the tenant could not be loaded")]
    Tenant(#[from] TenantError),
    /// The store failed. What was done so far is kept.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The keys failed.
    #[error("the keys failed")]
    Keys(#[from] KeyError),
    /// Too many concurrent changes.
    #[error("concurrent changes won at every attempt")]
    Busy,
    /// The work of some tenants failed. The work of all others was done.
    #[error("the work of these tenants failed: {0}")]
    Tenants(String),
    /// There is more to do, and no new invocation: the next scheduled run continues.
    #[error("the rest of the work could not be started")]
    InvokeError(#[from] InvokeError),
}

impl Retention {
    /// The function with these services.
    #[must_use]
    pub fn new(services: Services, continuation: Continuation) -> Self {
        Self { services, continuation }
    }

    /// Handles an event and returns its summary. It stops before the deadline, and continues as configured.
    ///
    /// # Errors
    /// [`RetentionError::Refused`] for an invalid event; otherwise the failure.
    pub async fn handle(&self, event: &Value, deadline: Deadline) -> Result<Value, RetentionError> {
        let command = Command::read(event).map_err(RetentionError::Refused)?;
        let summary = match command {
            Command::Retention(tick) => scan::retention(self, tick, deadline).await?,
            Command::Hold(named) => return hold::place(self, named, deadline).await,
            Command::Release(named) => return hold::lift(self, named, deadline).await,
            Command::ReplayErasures(since) => replay::erasures(self, since, deadline).await?,
        };
        if let (Some(next), Continuation::Lambda(self_invoker)) = (&summary.next, &self.continuation) {
            self_invoker.invoke(next).await?;
        }
        let answer = serde_json::to_value(&summary).map_err(|error| RetentionError::Refused(error.to_string()))?;
        // One line for each invocation: operators' alarms read its numbers.
        tracing::info!(summary = %answer, "done");
        Ok(answer)
    }

    /// The tenants of an event: one by name, or all.
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

    /// The items of a tenant, under the live versions of its identifier key.
    async fn tenant_store(&self, tenant: &TenantId) -> Result<TenantStore, RetentionError> {
        let store = self.services.store.tenant(tenant.clone());
        let keys = self.services.keys.tenant(&store, Signer::Local, self.services.clock.now()).await?;
        Ok(store.with_identifiers(keys.identifier_forms()))
    }

    /// A context for writes that are decided now. Never use the invocation's own id: a repeated invocation must decide anew.
    fn request(&self, deadline: Deadline) -> Result<RequestContext, RetentionError> {
        let request_id: Result<RequestId, _> = BASE64URL_NOPAD.encode(&self.services.random.bytes::<12>()).parse();
        let request_id = request_id.map_err(|_| RetentionError::Refused("no request id".to_owned()))?;
        Ok(RequestContext { request_id, now: self.services.clock.now(), attempt: 1, address_hash: None, deadline })
    }
}

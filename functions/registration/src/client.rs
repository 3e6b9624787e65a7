//! The client of a registration.

use latchkey::domain::oauth::client::Client;
use latchkey::domain::tenant::TenantConfig;
use latchkey::web::problem::{FieldProblem, ProblemKind};
use latchkey::web::{Problem, TenantHandle};

/// The client with this id. Without an id: the tenant's first-party client, or any client if there is none.
pub(crate) fn find<'c>(config: &'c TenantConfig, client_id: Option<&str>) -> Result<&'c Client, Problem> {
    match client_id {
        Some(id) => id.parse().ok().and_then(|id| config.clients.get(&id)).ok_or_else(|| {
            let error = FieldProblem {
                pointer: "/client_id".to_owned(),
                code: "unknown",
                detail: "This client does not exist.".to_owned(),
            };
            Problem::new(ProblemKind::InvalidRequest, "The client is unknown. Check client_id.").with_errors(vec![error])
        }),
        None => config
            .clients
            .values()
            .find(|client| client.first_party)
            .or_else(|| config.clients.values().next())
            .ok_or_else(|| Problem::new(ProblemKind::Forbidden, "Registration is not possible: this tenant has no client.")),
    }
}

/// Refuses registration and verification while registration is off (security 109).
pub(crate) fn require_open(handle: &TenantHandle) -> Result<(), Problem> {
    if handle.tenant.config.registration.enabled {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::Forbidden, "Registration is not open at present."))
}

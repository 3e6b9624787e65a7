//! The client that a person registers through.

use latchkey::domain::oauth::client::Client;
use latchkey::domain::tenant::TenantConfig;
use latchkey::web::problem::{FieldProblem, ProblemKind};
use latchkey::web::{Problem, TenantHandle};

/// The client of this id; without one the tenant's first-party client, or any where it has none.
pub(crate) fn of<'c>(config: &'c TenantConfig, client_id: Option<&str>) -> Result<&'c Client, Problem> {
    match client_id {
        Some(id) => id.parse().ok().and_then(|id| config.clients.get(&id)).ok_or_else(|| {
            let error = FieldProblem {
                pointer: "/client_id".to_owned(),
                code: "unknown",
                detail: "There is no such client.".to_owned(),
            };
            Problem::new(ProblemKind::InvalidRequest, "The client is not known here. Check client_id.").with_errors(vec![error])
        }),
        None => config
            .clients
            .values()
            .find(|client| client.first_party)
            .or_else(|| config.clients.values().next())
            .ok_or_else(|| Problem::new(ProblemKind::Forbidden, "Nobody can register here: this tenant has no client.")),
    }
}

/// Refuses every way to an account while registration is off (security 109).
pub(crate) fn require_open(handle: &TenantHandle) -> Result<(), Problem> {
    if handle.tenant.config.registration.enabled {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::Forbidden, "Registration is switched off here."))
}

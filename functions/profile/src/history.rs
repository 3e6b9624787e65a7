//! The recent history of an account, newest first, from its audit trail.

use crate::CommandError;
use latchkey::domain::audit::EventKind;
use latchkey::domain::id::ClientId;
use latchkey::domain::time::Timestamp;
use latchkey::web::{AccountCredential, PrincipalParts, TenantHandle};

/// One event.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// The event.
    pub kind: EventKind,
    /// The time.
    pub at: Timestamp,
    /// Whether it is a sign-in on a device that the account did not know.
    pub is_new_device: bool,
    /// The application, if any.
    pub client_id: Option<ClientId>,
    /// Whether it came from the same network as the current request. `None` if either address is unknown.
    pub is_this_network: Option<bool>,
}

/// The newest entries, at most `at_most`.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn list(handle: &TenantHandle, presented: &AccountCredential, at_most: u16) -> Result<Vec<Entry>, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
    let events = handle.tenant.store.find_history(principal.authentication().account, at_most).await?;
    let here = handle.request.address_hash.as_deref();
    let entry = |event: latchkey::domain::audit::Event| Entry {
        id: event.id,
        kind: event.kind,
        at: event.at,
        is_new_device: event.is_new_device,
        client_id: event.client_id,
        is_this_network: here.zip(event.address_hash).map(|(here, there)| here == there),
    };
    Ok(events.into_iter().map(entry).collect())
}

//! What happened to an account, newest first, out of its audit trail.

use crate::NotDone;
use latchkey::domain::audit::EventKind;
use latchkey::domain::id::ClientId;
use latchkey::domain::time::Timestamp;
use latchkey::web::{Presented, TenantHandle, With};

/// One thing that happened.
#[derive(Debug)]
pub struct Entry {
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Through which application.
    pub client_id: Option<ClientId>,
    /// Whether it came from the network of whoever asks now; unknown where either address is.
    pub is_this_network: Option<bool>,
}

/// The newest entries, at most this many.
///
/// # Errors
/// When nobody is signed in any more, or something failed.
pub async fn list(handle: &TenantHandle, presented: &Presented, at_most: u16) -> Result<Vec<Entry>, NotDone> {
    let principal = presented.load(handle, With::Nothing).await?.ok_or(NotDone::SignedOut)?;
    let events = handle.tenant.store.find_history(principal.authentication().account, at_most).await?;
    let here = handle.request.address_hash.as_deref();
    let entry = |event: latchkey::domain::audit::Event| Entry {
        kind: event.kind,
        at: event.at,
        client_id: event.client_id,
        is_this_network: here.zip(event.address_hash).map(|(here, there)| here == there),
    };
    Ok(events.into_iter().map(entry).collect())
}

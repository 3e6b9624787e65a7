//! The remembered devices of an account: where no code is asked for (security 160).

use crate::CommandError;
use crate::sessions;
use latchkey::domain::known_device::KnownDevice;
use latchkey::domain::remembered_device::{self, Forget};
use latchkey::domain::time::Timestamp;
use latchkey::web::{AccountCredential, Principal, PrincipalParts, TenantHandle};

/// A remembered device as shown to its user.
#[derive(Debug)]
pub struct RememberedView {
    /// Its number among the known devices of the account.
    pub id: u64,
    /// The browser, as in the list of sessions. None: no session is live there.
    pub name: Option<String>,
    /// Until when.
    pub until: Timestamp,
}

/// The remembered devices, the most recently used first. Without any, no session is read.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn list(
    handle: &TenantHandle,
    presented: &AccountCredential,
    principal: &Principal,
) -> Result<Vec<RememberedView>, CommandError> {
    if count(handle, principal) == 0 {
        return Ok(Vec::new());
    }
    let sessions = sessions::list(handle, presented).await?;
    let name = |id| sessions.iter().find(|session| session.device_id == Some(id)).and_then(|session| session.device.clone());
    let shown = remembered(handle, principal).filter_map(|device| {
        Some(RememberedView { id: device.id, name: name(device.id), until: device.remembered_until?.at() })
    });
    Ok(shown.collect())
}

/// How many there are.
#[must_use]
pub fn count(handle: &TenantHandle, principal: &Principal) -> usize {
    remembered(handle, principal).count()
}

/// None where the tenant document allows none: they count for nothing then.
fn remembered<'a>(handle: &'a TenantHandle, principal: &'a Principal) -> impl Iterator<Item = &'a KnownDevice> {
    let (is_allowed, now) = (handle.tenant.config.sign_in.remember_device.is_some(), handle.now());
    principal.authentication().devices.iter().filter(move |device| is_allowed && device.is_remembered(now))
}

/// Forgets one of them, or all. A weak session is enough: it ends a way in, and opens none.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn forget(handle: &TenantHandle, presented: &AccountCredential, which: Forget) -> Result<(), CommandError> {
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
        Ok::<_, CommandError>(remembered_device::forget(principal.authentication(), which, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

//! Closing the account, and restoring it by the mailed link (security 129, 130).

use crate::NotDone;
use latchkey::domain::account::{AccountStatus, LinkSeed};
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{self, Requested, Restored};
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Timestamp;
use latchkey::keys::AccountLink;
use latchkey::services::Services;
use latchkey::store::principal::PrincipalQuery;
use latchkey::web::{Presented, TenantHandle, With};

/// Closes the account of whoever acts; when it will be erased.
///
/// # Errors
/// When nobody is signed in any more, or not freshly, or something failed.
pub async fn request(services: &Services, handle: &TenantHandle, presented: &Presented) -> Result<Timestamp, NotDone> {
    let key_version = handle.tenant.keys.proof()?.current_version();
    let seed = LinkSeed { key_version, bytes: services.random.bytes() };
    let grace = handle.tenant.config.retention.erasure_grace;
    let decide = || async {
        let principal = presented.load(handle, With::Nothing).await?.ok_or(NotDone::SignedOut)?;
        if !principal.is_recent(handle.now()) {
            return Err(NotDone::NotRecent);
        }
        Ok(erasure::request_deletion(principal.authentication(), seed, grace, handle.now()))
    };
    match handle.tenant.store.decide(&handle.request, decide).await? {
        Requested::ErasureDue { due } => Ok(due),
        // Whoever acts on an account that is not active is signed out.
        Requested::NotActive => Err(NotDone::SignedOut),
    }
}

/// When the account behind a restoration link is erased; `None` when the link is spent, or its time is over.
///
/// # Errors
/// When something failed.
pub async fn restorable(handle: &TenantHandle, token: &SecretText) -> Result<Option<Timestamp>, NotDone> {
    let Some((authentication, fits)) = open(handle, token).await? else { return Ok(None) };
    Ok(match authentication.status {
        AccountStatus::ErasureDue { due, .. } if fits && handle.now() < due => Some(due),
        AccountStatus::ErasureDue { .. }
        | AccountStatus::Active
        | AccountStatus::Disabled { .. }
        | AccountStatus::Erased { .. } => None,
    })
}

/// Restores the account behind a restoration link; `false` when the link is spent, or its time is over.
///
/// # Errors
/// When something failed.
pub async fn restore(handle: &TenantHandle, token: &SecretText) -> Result<bool, NotDone> {
    let decide = || async {
        Ok::<_, NotDone>(match open(handle, token).await? {
            Some((authentication, fits)) => erasure::restore(&authentication, fits, handle.now()),
            None => Decision::unchanged(Restored::Over),
        })
    };
    Ok(match handle.tenant.store.decide(&handle.request, decide).await? {
        Restored::Restored => true,
        Restored::Over => false,
    })
}

/// The account that a link names, and whether the link derives from the seed of its closing.
async fn open(
    handle: &TenantHandle,
    token: &SecretText,
) -> Result<Option<(latchkey::domain::account::Authentication, bool)>, NotDone> {
    let keys = &handle.tenant.keys;
    let Some(link) = keys.open_account_link(AccountLink::Restoration, token)? else { return Ok(None) };
    let query = PrincipalQuery { account: link.account, session: None, grant: None, profile: false, password: false };
    let Some(snapshot) = handle.tenant.store.find_principal(query).await? else { return Ok(None) };
    let fits = match snapshot.authentication.status {
        AccountStatus::ErasureDue { seed, .. } => keys.proof()?.matches_account_link(&link, &seed)?,
        AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => false,
    };
    Ok(Some((snapshot.authentication, fits)))
}

//! Closes the account, and restores it by the mailed link (security 129, 130).

use crate::CommandError;
use latchkey::domain::account::{AccountStatus, LinkSeed};
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{self, Requested, Restored};
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Timestamp;
use latchkey::keys::AccountLink;
use latchkey::services::Services;
use latchkey::store::principal::PrincipalQuery;
use latchkey::web::{AccountCredential, PrincipalParts, TenantHandle};

/// Closes the user's account. Returns the time of its erasure.
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn request(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
) -> Result<Timestamp, CommandError> {
    let key_version = handle.tenant.keys.proof()?.current_version();
    let seed = LinkSeed { key_version, bytes: services.random.bytes() };
    let grace = handle.tenant.config.retention.erasure_grace;
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
        if !principal.is_recent(handle.now()) {
            return Err(CommandError::NotRecent);
        }
        Ok(erasure::request_deletion(principal.authentication(), seed, grace, handle.now()))
    };
    match handle.tenant.store.decide(&handle.request, decide).await? {
        Requested::ErasureDue { due } => Ok(due),
        // A user without an active account is signed out.
        Requested::NotActive => Err(CommandError::SignedOut),
    }
}

/// When the account of a restoration link will be erased. `None` if the link is used or expired.
///
/// # Errors
/// If something failed.
pub async fn restorable(handle: &TenantHandle, token: &SecretText) -> Result<Option<Timestamp>, CommandError> {
    let Some((authentication, fits)) = open(handle, token).await? else { return Ok(None) };
    Ok(match authentication.status {
        AccountStatus::ErasureDue { due, .. } if fits && handle.now() < due => Some(due),
        AccountStatus::ErasureDue { .. }
        | AccountStatus::Active
        | AccountStatus::Disabled { .. }
        | AccountStatus::Erased { .. } => None,
    })
}

/// Restores the account of a restoration link. `false` if the link is used or expired.
///
/// # Errors
/// If something failed.
pub async fn restore(handle: &TenantHandle, token: &SecretText) -> Result<bool, CommandError> {
    let decide = || async {
        Ok::<_, CommandError>(match open(handle, token).await? {
            Some((authentication, fits)) => erasure::restore(&authentication, fits, handle.now()),
            None => Decision::unchanged(Restored::Over),
        })
    };
    Ok(match handle.tenant.store.decide(&handle.request, decide).await? {
        Restored::Restored => true,
        Restored::Over => false,
    })
}

/// The account of a link, if the link derives from the seed of its deletion request.
async fn open(
    handle: &TenantHandle,
    token: &SecretText,
) -> Result<Option<(latchkey::domain::account::AccountState, bool)>, CommandError> {
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

//! Cancels the removal of lost second factors (security 157): in a live session, or with the link and the code of its mail.

use crate::CommandError;
use latchkey::domain::change::Decision;
use latchkey::domain::lost_factor;
use latchkey::domain::secret::SecretText;
use latchkey::keys::AccountLink;
use latchkey::store::principal::PrincipalQuery;
use latchkey::web::{AccountCredential, PrincipalParts, TenantHandle};

/// Cancels it in a live session. Without one that waits nothing changes.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn cancel(handle: &TenantHandle, presented: &AccountCredential) -> Result<(), CommandError> {
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
        Ok::<_, CommandError>(lost_factor::cancel(principal.authentication(), handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// The outcome of a link with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Nothing waits any more: cancelled now or before, or removed.
    Cancelled,
    /// The code is not that of the mail.
    WrongCode,
    /// It is no link of ours.
    Over,
}

/// Whether the request of this link waits. `None`: it is no link of ours.
///
/// # Errors
/// If something failed.
pub async fn waits(handle: &TenantHandle, token: &SecretText) -> Result<Option<bool>, CommandError> {
    let Some(link) = handle.tenant.keys.open_event_link(AccountLink::RemovalCancel, token)? else { return Ok(None) };
    let account = handle.tenant.store.find_authentication(link.account).await?;
    let pending = account.and_then(|account| lost_factor::pending(&account, handle.now()));
    Ok(Some(pending.is_some_and(|request| request.asked_at == link.at)))
}

/// Cancels it with the link and the code of its mail.
///
/// # Errors
/// If something failed.
pub async fn cancel_by_mail(
    handle: &TenantHandle,
    token: &SecretText,
    code: &SecretText,
) -> Result<CancelOutcome, CommandError> {
    let keys = handle.tenant.keys.proof()?;
    let Some(link) = handle.tenant.keys.open_event_link(AccountLink::RemovalCancel, token)? else {
        return Ok(CancelOutcome::Over);
    };
    if !keys.matches_account_code(AccountLink::RemovalCancel, link.account, &link.seed, code)? {
        return Ok(CancelOutcome::WrongCode);
    }
    let decide = || async {
        let query = PrincipalQuery {
            account: link.account,
            session: None,
            grant: None,
            profile: false,
            password: false,
            second_factors: false,
        };
        let found = handle.tenant.store.find_principal(query).await?.map(|found| found.authentication);
        let own = found
            .filter(|account| lost_factor::pending(account, handle.now()).is_some_and(|request| request.asked_at == link.at));
        Ok::<_, CommandError>(match own {
            Some(account) => lost_factor::cancel(&account, handle.now()),
            None => Decision::unchanged(()),
        })
    };
    handle.tenant.store.decide(&handle.request, decide).await?;
    Ok(CancelOutcome::Cancelled)
}

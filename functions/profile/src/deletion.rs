//! Closes the account, and restores it by the mailed link and its code (security 129, 130).

use crate::CommandError;
use latchkey::domain::account::{AccountState, AccountStatus, LinkSeed};
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{self, Requested, Restored};
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Timestamp;
use latchkey::keys::AccountLink;
use latchkey::keys::account_link::PresentedLink;
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
        principal.require_recent(handle.now())?;
        Ok(erasure::request_deletion(principal.authentication(), seed, grace, handle.now()))
    };
    match handle.tenant.store.decide(&handle.request, decide).await? {
        Requested::ErasureDue { due } => Ok(due),
        // A user without an active account is signed out.
        Requested::NotActive => Err(CommandError::SignedOut),
    }
}

/// What the page of a restoration link shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// The account is closed, and the link can restore it. That is possible until the retention job has taken the account.
    Open {
        /// When erasure may start.
        due: Timestamp,
    },
    /// The account is open.
    Done,
    /// The link is of an earlier closing, or the account is erased or disabled.
    Over,
}

/// The result of a restoration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// The account is open again.
    Restored,
    /// It was open already.
    AlreadyOpen,
    /// It is not the code of this link.
    WrongCode,
    /// The link is over.
    Over,
}

/// What the page of this link shows.
///
/// # Errors
/// If something failed.
pub async fn link_state(handle: &TenantHandle, token: &SecretText) -> Result<LinkState, CommandError> {
    let Some((account, link)) = open(handle, token).await? else { return Ok(LinkState::Over) };
    Ok(match account.status {
        AccountStatus::ErasureDue { due, seed, .. } if handle.tenant.keys.proof()?.matches_account_link(&link, &seed)? => {
            LinkState::Open { due }
        }
        // Only our own mails contain a link that opens, and each of them is of a closing of this account.
        AccountStatus::Active => LinkState::Done,
        AccountStatus::ErasureDue { .. } | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => LinkState::Over,
    })
}

/// Restores the account of a restoration link, if the code of the same mail was typed. A wrong code changes nothing and is not counted: the
/// link has 256 bits, and the code 50.
///
/// # Errors
/// If something failed.
pub async fn restore(handle: &TenantHandle, token: &SecretText, code: &SecretText) -> Result<RestoreOutcome, CommandError> {
    let decide = || async {
        let Some((account, link)) = open(handle, token).await? else {
            return Ok::<_, CommandError>(Decision::unchanged(RestoreOutcome::Over));
        };
        let proof = handle.tenant.keys.proof()?;
        let (fits, is_code) = match &account.status {
            AccountStatus::ErasureDue { seed, .. } => (
                proof.matches_account_link(&link, seed)?,
                proof.matches_account_code(AccountLink::Restoration, link.account, seed, code)?,
            ),
            AccountStatus::Active => return Ok(Decision::unchanged(RestoreOutcome::AlreadyOpen)),
            AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => (false, false),
        };
        if fits && !is_code {
            return Ok(Decision::unchanged(RestoreOutcome::WrongCode));
        }
        let Decision { changes, outcome } = erasure::restore(&account, fits, handle.now());
        let outcome = match outcome {
            Restored::Restored => RestoreOutcome::Restored,
            Restored::Over => RestoreOutcome::Over,
        };
        Ok(Decision { changes, outcome })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// A restoration link and its account.
async fn open(handle: &TenantHandle, token: &SecretText) -> Result<Option<(AccountState, PresentedLink)>, CommandError> {
    let Some(link) = handle.tenant.keys.open_account_link(AccountLink::Restoration, token)? else { return Ok(None) };
    let query = PrincipalQuery {
        account: link.account,
        session: None,
        grant: None,
        profile: false,
        password: false,
        second_factors: false,
    };
    let found = handle.tenant.store.find_principal(query).await?;
    Ok(found.map(|snapshot| (snapshot.authentication, link)))
}

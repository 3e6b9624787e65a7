//! Proves the account's address to this session, before it adds a factor (security 77). See [`latchkey::domain::address_proof`].

use crate::CommandError;
use crate::email::fresh_seed;
use latchkey::domain::address_proof::{self, Proven, Started};
use latchkey::domain::change::Decision;
use latchkey::domain::secret::SecretText;
use latchkey::domain::session::Session;
use latchkey::keys::AccountLink;
use latchkey::services::Services;
use latchkey::web::{AccountCredential, Principal, PrincipalParts, TenantHandle};

/// How far the proof is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressProofState {
    /// None is needed: it was given, or the session has just shown two factors.
    NotNeeded,
    /// A code must be requested.
    Needed,
    /// A code was mailed.
    Waiting,
}

/// How far the proof of this session is.
///
/// # Errors
/// If the profile was not loaded: our fault.
pub fn state(handle: &TenantHandle, principal: &Principal) -> Result<AddressProofState, CommandError> {
    let (account, (profile, _), session) = (principal.authentication(), principal.profile()?, session(principal)?);
    Ok(if !address_proof::is_needed(account, profile, session, handle.now()) {
        AddressProofState::NotNeeded
    } else if address_proof::pending(account, profile, session, handle.now()).is_some() {
        AddressProofState::Waiting
    } else {
        AddressProofState::Needed
    })
}

/// Mails a code to the address of the account.
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn start(services: &Services, handle: &TenantHandle, presented: &AccountCredential) -> Result<Started, CommandError> {
    let seed = fresh_seed(services, handle)?;
    let decide = || async {
        let principal = load(handle, presented).await?;
        let (account, (profile, _), session) = (principal.authentication(), principal.profile()?, session(&principal)?);
        Ok::<_, CommandError>(address_proof::start(account, profile, session, seed, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Takes a typed code.
///
/// # Errors
/// As [`start`].
pub async fn prove(handle: &TenantHandle, presented: &AccountCredential, typed: &SecretText) -> Result<Proven, CommandError> {
    let decide = || async {
        let principal = load(handle, presented).await?;
        let (account, (profile, _), session) = (principal.authentication(), principal.profile()?, session(&principal)?);
        let Some(pending) = address_proof::pending(account, profile, session, handle.now()) else {
            return Ok::<_, CommandError>(Decision::unchanged(Proven::Over));
        };
        let keys = handle.tenant.keys.proof()?;
        let fits = keys.matches_account_code(AccountLink::AddressProof, account.account, &pending.seed, typed)?;
        Ok(address_proof::prove(account, profile, session, fits, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

async fn load(handle: &TenantHandle, presented: &AccountCredential) -> Result<Principal, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Profile).await?.ok_or(CommandError::SignedOut)?;
    principal.require_recent(handle.now())?;
    Ok(principal)
}

fn session(principal: &Principal) -> Result<&Session, CommandError> {
    principal.snapshot.session.as_ref().ok_or(CommandError::SignedOut)
}

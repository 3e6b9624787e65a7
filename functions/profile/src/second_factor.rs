//! Sets up, replaces and removes the authenticator app, and makes recovery codes (security 72–77).
//!
//! Each command loads the user with all second factors, needs a recent sign-in of the level that the account can reach, decides, and commits.

use crate::CommandError;
use latchkey::domain::account::AccountState;
use latchkey::domain::change::Decision;
use latchkey::domain::passkey::Passkey;
use latchkey::domain::recovery_codes::FreshCodes;
use latchkey::domain::second_factor::{
    self, CodesRenewed, Confirmation, Holder, TotpBegun, TotpConfirmed, TotpRemoved, begin_totp, cancel_totp, confirm_totp,
    remove_totp,
};
use latchkey::domain::secret::SecretText;
use latchkey::domain::session::Session;
use latchkey::domain::sign_in::ways_in::AllowedWays;
use latchkey::domain::totp::TotpSeed;
use latchkey::keys::SealedField;
use latchkey::services::Services;
use latchkey::web::passkey::RelyingParty;
use latchkey::web::session::NewSessionSecrets;
use latchkey::web::{AccountCredential, Principal, PrincipalParts, Problem, TenantHandle};
use zeroize::Zeroizing;

/// Begins the set-up of an authenticator app, or continues it.
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn begin(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
) -> Result<TotpBegun, CommandError> {
    let seed = TotpSeed::from_bytes(services.random.bytes());
    let decide = || async {
        let principal = load(handle, presented).await?;
        let (profile, wrapped) = principal.profile()?;
        let sealed = handle.tenant.keys.data()?.unwrap(wrapped)?.seal(SealedField::TotpSeed, seed.expose())?;
        Ok::<_, CommandError>(begin_totp(holder(&principal)?, profile, sealed, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Gives up a set-up.
///
/// # Errors
/// As [`begin`].
pub async fn cancel(handle: &TenantHandle, presented: &AccountCredential) -> Result<(), CommandError> {
    let decide = || async {
        let principal = load(handle, presented).await?;
        Ok::<_, CommandError>(cancel_totp(holder(&principal)?, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Takes the app into use, if the code fits its seed. The presenting session gets the cookie of these secrets.
///
/// # Errors
/// As [`begin`].
pub async fn confirm(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
    secrets: &NewSessionSecrets,
    typed: &SecretText,
    ends_others: bool,
) -> Result<TotpConfirmed, CommandError> {
    let fresh = fresh_codes(services);
    let decide = || async {
        let principal = load(handle, presented).await?;
        let Some(seed) = pending_seed(handle, &principal)? else {
            return Ok::<_, CommandError>(Decision::unchanged(TotpConfirmed::NoSetup));
        };
        let session = session(&principal)?;
        let confirmation = Confirmation {
            seed: &seed,
            typed,
            fresh: &fresh,
            ends_others,
            session: secrets.session(session.device.clone()),
            policy: &handle.tenant.config.session,
        };
        let (profile, _) = principal.profile()?;
        Ok(confirm_totp(holder(&principal)?, profile, confirmation, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Removes the app.
///
/// # Errors
/// As [`begin`].
pub async fn remove(handle: &TenantHandle, presented: &AccountCredential) -> Result<TotpRemoved, CommandError> {
    let decide = || async {
        let principal = load(handle, presented).await?;
        let passkeys = passkeys_of(handle, principal.authentication()).await?;
        let party = RelyingParty::of(&handle.tenant);
        Ok::<_, CommandError>(remove_totp(holder(&principal)?, &passkeys, allowed_ways(handle, party.as_ref()), handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Makes new recovery codes.
///
/// # Errors
/// As [`begin`].
pub async fn renew_codes(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
    ends_others: bool,
) -> Result<CodesRenewed, CommandError> {
    let fresh = fresh_codes(services);
    let decide = || async {
        let principal = load(handle, presented).await?;
        Ok::<_, CommandError>(second_factor::renew_codes(holder(&principal)?, &fresh, ends_others, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Notes that the codes were kept, if one of them was typed.
///
/// # Errors
/// As [`begin`].
pub async fn show_codes_kept(
    handle: &TenantHandle,
    presented: &AccountCredential,
    typed: &SecretText,
) -> Result<bool, CommandError> {
    let decide = || async {
        let principal = load(handle, presented).await?;
        Ok::<_, CommandError>(second_factor::show_codes_kept(holder(&principal)?, typed))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// The seed of the set-up that this session can confirm.
///
/// # Errors
/// If it does not open.
pub fn pending_seed(handle: &TenantHandle, principal: &Principal) -> Result<Option<TotpSeed>, CommandError> {
    let Some(pending) = holder(principal)?.pending(handle.now()) else { return Ok(None) };
    let (_, wrapped) = principal.profile()?;
    let plain = Zeroizing::new(handle.tenant.keys.data()?.unwrap(wrapped)?.open(SealedField::TotpSeed, &pending.seed)?);
    let seed = TotpSeed::from_slice(&plain).ok_or_else(|| {
        tracing::error!("a stored seed of an authenticator app is malformed");
        Problem::internal()
    })?;
    Ok(Some(seed))
}

/// Whether the account has no passkey that signs in: without its app it is no longer protected.
///
/// # Errors
/// If the store fails.
pub async fn is_app_last_factor(handle: &TenantHandle, account: &AccountState) -> Result<bool, CommandError> {
    let party = RelyingParty::of(&handle.tenant);
    let allowed = allowed_ways(handle, party.as_ref());
    Ok(!passkeys_of(handle, account).await?.iter().any(|passkey| allowed.accepts(passkey)))
}

/// The passkeys of this account. Nothing is read if it has none.
pub(crate) async fn passkeys_of(handle: &TenantHandle, account: &AccountState) -> Result<Vec<Passkey>, CommandError> {
    match account.factors.passkeys {
        0 => Ok(Vec::new()),
        _ => Ok(handle.tenant.store.find_passkeys(account.account).await?),
    }
}

/// What signs in under the tenant document.
pub(crate) fn allowed_ways<'a>(handle: &TenantHandle, party: Option<&'a RelyingParty>) -> AllowedWays<'a> {
    AllowedWays { rp_id: party.map(|party| party.id.as_str()), mail_code: handle.tenant.config.sign_in.mail_code }
}

async fn load(handle: &TenantHandle, presented: &AccountCredential) -> Result<Principal, CommandError> {
    let principal = presented.load(handle, PrincipalParts::SecondFactors).await?.ok_or(CommandError::SignedOut)?;
    principal.require_recent(handle.now())?;
    Ok(principal)
}

fn session(principal: &Principal) -> Result<&Session, CommandError> {
    principal.snapshot.session.as_ref().ok_or(CommandError::SignedOut)
}

fn holder(principal: &Principal) -> Result<Holder<'_>, CommandError> {
    let snapshot = &principal.snapshot;
    Ok(Holder {
        account: &snapshot.authentication,
        totp: snapshot.totp.as_ref(),
        codes: snapshot.recovery_codes.as_ref(),
        session: session(principal)?,
    })
}

fn fresh_codes(services: &Services) -> FreshCodes {
    Zeroizing::new(std::array::from_fn(|_| services.random.bytes()))
}

//! The passkeys of an account: list, add, rename, remove (security 82, 87).
//!
//! Each change loads the user together with the passkeys, and decides on both. The account's state is part of each transaction, so of two
//! removals at once one decides again, and the last way to sign in stays.

use crate::{CommandError, address_proof};
use latchkey::domain::account::{PasswordHome, Sealed};
use latchkey::domain::change::{Change, Decision};
use latchkey::domain::id::AccountId;
use latchkey::domain::passkey::decisions::{OtherWays, PasskeyAdded, PasskeyRemoved, add_passkey, remove_passkey};
use latchkey::domain::passkey::{CredentialHash, MAX_NAME, Passkey, provider};
use latchkey::domain::session::Session;
use latchkey::domain::sign_in::methods::passkey::ceremony::{check_creation, posted_id};
use latchkey::domain::sign_in::methods::passkey::refusal::PasskeyRefusal;
use latchkey::domain::time::Timestamp;
use latchkey::keys::passkey::PasskeyVerifier;
use latchkey::keys::{DataKey, SealedField};
use latchkey::web::passkey::{ChallengeFor, IssuedChallenge, RelyingParty};
use latchkey::web::{AccountCredential, Browser, Principal, PrincipalParts, Problem, TenantHandle};
use std::sync::atomic::{AtomicU32, Ordering};

/// A passkey as its user sees it.
#[derive(Debug)]
pub struct PasskeyView {
    /// The hash of its credential id.
    pub id: CredentialHash,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// The make of its authenticator, if it is well known.
    pub provider: Option<&'static str>,
    /// Whether its provider synchronizes it.
    pub is_synced: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A posted creation.
#[derive(Debug)]
pub struct Creation<'a> {
    /// The credential as JSON.
    pub credential: &'a str,
    /// The sealed challenge.
    pub state: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether all other sessions end.
    pub ends_others: bool,
}

/// The outcome of adding a passkey.
#[derive(Debug)]
pub enum AddOutcome {
    /// It was added.
    Added,
    /// The account has as many as it can have.
    TooMany,
    /// Its passkeys changed often in the last day.
    TooManyChanges {
        /// When the next change is possible.
        until: Timestamp,
    },
    /// The ceremony was refused.
    Refused(PasskeyRefusal),
}

/// The passkeys that open the account, oldest first.
///
/// # Errors
/// If the store or a key fails.
pub async fn list(handle: &TenantHandle, principal: &Principal) -> Result<Vec<PasskeyView>, Problem> {
    let (_, wrapped) = principal.profile()?;
    let key = handle.tenant.keys.data()?.unwrap(wrapped)?;
    let mut passkeys = handle.tenant.store.find_passkeys(principal.authentication().account).await?;
    passkeys.retain(Passkey::is_active);
    passkeys.sort_by_key(|passkey| passkey.created_at);
    let shown = |passkey: Passkey| -> Result<PasskeyView, Problem> {
        let name = passkey.name.as_ref().map(|name| open_name(&key, name)).transpose()?;
        Ok(PasskeyView {
            id: passkey.hash(),
            name,
            provider: provider(passkey.aaguid),
            is_synced: passkey.backup_eligible,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        })
    };
    passkeys.into_iter().map(shown).collect()
}

fn open_name(key: &DataKey, name: &Sealed) -> Result<String, Problem> {
    let plain = key.open(SealedField::PasskeyName, name)?;
    String::from_utf8(plain).map_err(|_| Problem::internal())
}

/// Adds a passkey.
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn add(
    handle: &TenantHandle,
    browser: &Browser,
    presented: &AccountCredential,
    posted: &Creation<'_>,
) -> Result<AddOutcome, CommandError> {
    let refuse = |refusal| Ok(Decision::unchanged(AddOutcome::Refused(refusal)));
    let attempts = AtomicU32::new(0);
    let decide = || async {
        let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        let (principal, session) = load(handle, presented).await?;
        principal.require_recent(handle.now())?;
        let account = principal.authentication();
        let Some(party) = RelyingParty::of(&handle.tenant) else { return refuse(PasskeyRefusal::RelyingParty) };
        let purpose = ChallengeFor::Creation { account: account.account, session: session.id, epoch: account.epoch };
        let challenge = match IssuedChallenge::open(handle, browser, purpose, posted.state).map_err(Problem::from)? {
            Ok(challenge) => challenge,
            // The same form again: its reply was lost, and the epoch is another one since.
            Err(_) if is_stored(handle, account.account, posted.credential).await? => {
                return Ok(Decision::unchanged(AddOutcome::Added));
            }
            Err(refusal) => return refuse(refusal),
        };
        let created = match check_creation(posted.credential, &party.ceremony(&challenge), &PasskeyVerifier) {
            Ok(created) => created,
            Err(refusal) => return refuse(refusal),
        };
        let (_, key) = principal.claims(handle)?;
        let name = clean(posted.name).or_else(|| provider(created.aaguid).map(str::to_owned));
        let name = name.unwrap_or_else(|| browser.device_words());
        address_proof::require(handle, &principal)?;
        let name = key.seal(SealedField::PasskeyName, name.as_bytes()).map_err(Problem::from)?;
        let new = created.named(name, party.id.clone(), challenge.issued_at);
        let stored = handle.tenant.store.find_passkeys(account.account).await?;
        let credential = CredentialHash::of(&new.credential_id);
        let Decision { changes, outcome } = add_passkey(account, &stored, new, &session, posted.ends_others, handle.now());
        // Only after a conflict can the id be taken (WebAuthn 3 §7.1 step 26).
        if !is_first
            && !changes.is_empty()
            && handle.tenant.store.is_credential_claimed(credential).await.map_err(Problem::from)?
        {
            return refuse(PasskeyRefusal::CredentialTaken);
        }
        let outcome = match outcome {
            PasskeyAdded::Added => AddOutcome::Added,
            PasskeyAdded::TooMany => AddOutcome::TooMany,
            PasskeyAdded::TooManyChanges { until } => AddOutcome::TooManyChanges { until },
        };
        Ok::<_, CommandError>(Decision { changes, outcome })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Whether the account has this posted passkey already.
async fn is_stored(handle: &TenantHandle, account: AccountId, credential: &str) -> Result<bool, Problem> {
    let Some(id) = posted_id(credential) else { return Ok(false) };
    let stored = handle.tenant.store.find_passkeys(account).await?;
    Ok(stored.iter().any(|passkey| passkey.is_active() && passkey.credential_id == id))
}

/// Removes a passkey. One that is gone already is removed.
///
/// # Errors
/// As [`add`].
pub async fn remove(
    handle: &TenantHandle,
    presented: &AccountCredential,
    id: CredentialHash,
) -> Result<PasskeyRemoved, CommandError> {
    let decide = || async {
        let (principal, session) = load(handle, presented).await?;
        principal.require_recent(handle.now())?;
        let account = principal.authentication();
        let stored = handle.tenant.store.find_passkeys(account.account).await?;
        let Some(passkey) = stored.iter().find(|passkey| passkey.hash() == id) else {
            return Ok(Decision::unchanged(PasskeyRemoved::Removed));
        };
        address_proof::require(handle, &principal)?;
        let has_password = principal.snapshot.password.is_some() || account.password_home == PasswordHome::Directory;
        let codes = match account.factors.recovery_codes {
            0 => None,
            _ => handle.tenant.store.find_recovery_codes(account.account).await?,
        };
        let party = RelyingParty::of(&handle.tenant);
        let besides = OtherWays { has_password, rp_id: party.as_ref().map(|party| party.id.as_str()) };
        let now = handle.now();
        Ok::<_, CommandError>(remove_passkey(account, &stored, passkey, codes.as_ref(), &session, besides, now))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Gives a passkey another name.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn rename(
    handle: &TenantHandle,
    presented: &AccountCredential,
    id: CredentialHash,
    name: &str,
) -> Result<(), CommandError> {
    let decide = || async {
        let (principal, _) = load(handle, presented).await?;
        let stored = handle.tenant.store.find_passkeys(principal.authentication().account).await?;
        let found = stored.iter().find(|passkey| passkey.hash() == id && passkey.is_active());
        let (Some(passkey), Some(name)) = (found, clean(name)) else { return Ok(Decision::unchanged(())) };
        let (_, key) = principal.claims(handle)?;
        let sealed = key.seal(SealedField::PasskeyName, name.as_bytes()).map_err(Problem::from)?;
        Ok::<_, CommandError>(Decision::one(Change::rename_passkey(passkey.renamed(Some(sealed))), ()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// The user and the session. Passkeys are changed on pages only.
async fn load(handle: &TenantHandle, presented: &AccountCredential) -> Result<(Principal, Session), CommandError> {
    let principal = presented.load(handle, PrincipalParts::ProfileAndPassword).await?.ok_or(CommandError::SignedOut)?;
    let session = principal.snapshot.session.clone().ok_or(CommandError::SignedOut)?;
    Ok((principal, session))
}

/// A typed name without control characters and outer spaces. None if nothing is left.
fn clean(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

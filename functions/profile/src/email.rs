//! Changes the e-mail address (security 88–90, 94, 95): requests the change, verifies the new address, and cancels. See [`crate::undo`].

use crate::CommandError;
use latchkey::domain::account::{LinkSeed, Sealed};
use latchkey::domain::change::Decision;
use latchkey::domain::email_change::{self, Changed, NewEmailChange, Proof, Proven, Started};
use latchkey::domain::id::AccountId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::profile::{Claims, EmailChange};
use latchkey::domain::secret::{SecretHash, SecretText, hash_text};
use latchkey::keys::account_link::PresentedLink;
use latchkey::keys::{AccountLink, DataKey, SealedField};
use latchkey::services::Services;
use latchkey::store::principal::{PrincipalQuery, PrincipalSnapshot};
use latchkey::web::{AccountCredential, Principal, PrincipalParts, Problem, TenantHandle};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};

/// Starts a change to this address. It does not look up whether the address has an account: its owner gets a different mail, but the answer
/// is the same (security 107).
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn start(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
    address: &EmailAddress,
    locale: &str,
) -> Result<Started, CommandError> {
    let keys = &handle.tenant.keys;
    let identifier = keys.identifier()?.hash_email(address);
    let seed = fresh_seed(services, handle)?;
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Profile).await?.ok_or(CommandError::SignedOut)?;
        principal.require_recent(handle.now())?;
        let (profile, wrapped) = principal.profile()?;
        let sealed = keys.data()?.unwrap(wrapped)?.seal(SealedField::PendingEmail, address.as_str().as_bytes())?;
        let is_current = keys.identifier()?.is_same(&principal.authentication().identifier, &identifier);
        let new = NewEmailChange { identifier, is_current, address: sealed, seed, locale: locale.to_owned() };
        Ok(email_change::start(principal.authentication(), profile, new, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// The presented proof of the new address.
#[derive(Debug)]
pub enum PresentedProof {
    /// The code from the mail, as typed.
    Code(SecretText),
    /// The token of the mailed link.
    Link(SecretText),
}

/// Completes the change: the account gets the new address, and the old address gets a mail with a link that undoes it.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn prove(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
    proof: &PresentedProof,
) -> Result<Proven, CommandError> {
    let undo_seed = fresh_seed(services, handle)?;
    let first = AtomicBool::new(true);
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Profile).await?.ok_or(CommandError::SignedOut)?;
        let (profile, _) = principal.profile()?;
        let Some(change) = email_change::pending(principal.authentication(), profile, handle.now()) else {
            let is_repeated = email_change::is_repeated(profile, &spent(presented, proof), handle.now());
            return Ok::<_, CommandError>(Decision::unchanged(if is_repeated { Proven::Changed } else { Proven::Over }));
        };
        let hash = spent(presented, proof);
        let (proof, fits) = compare(handle, principal.authentication().account, change, proof)?;
        let changed = if fits { Some(changed(handle, &principal, change, undo_seed, hash)?) } else { None };
        // Only after a conflict: the new address may have an account by now.
        let again = !first.swap(false, Ordering::Relaxed);
        let owner = if fits && again { handle.tenant.store.find_account(&change.identifier).await? } else { None };
        Ok(email_change::prove(principal.authentication(), profile, proof, changed, owner, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// The hash of a proof and of the session, or else the grant, that presents it: in other hands it is another one.
fn spent(presented: &AccountCredential, proof: &PresentedProof) -> SecretHash {
    let hands = match (presented.session(), presented.grant()) {
        (Some(session), _) => session.to_string(),
        (None, Some(grant)) => grant.to_string(),
        (None, None) => String::new(),
    };
    let (kind, text) = match proof {
        PresentedProof::Code(typed) => ("code", typed.expose()),
        PresentedProof::Link(token) => ("link", token.expose()),
    };
    hash_text(&format!("{}\n{hands}\n{kind}\n{text}", presented.account()))
}

fn compare(
    handle: &TenantHandle,
    account: AccountId,
    change: &EmailChange,
    proof: &PresentedProof,
) -> Result<(Proof, bool), CommandError> {
    let keys = &handle.tenant.keys;
    Ok(match proof {
        PresentedProof::Code(typed) => {
            let fits = keys.proof()?.matches_account_code(AccountLink::EmailChange, account, &change.seed, typed)?;
            (Proof::Code { fits }, fits)
        }
        PresentedProof::Link(token) => {
            let fits = match keys.open_account_link(AccountLink::EmailChange, token)? {
                Some(link) => link.account == account && keys.proof()?.matches_account_link(&link, &change.seed)?,
                None => false,
            };
            (Proof::Link { fits }, fits)
        }
    })
}

/// The claims with the new address, and the former address for the undo.
fn changed(
    handle: &TenantHandle,
    principal: &Principal,
    change: &EmailChange,
    undo_seed: LinkSeed,
    proof: SecretHash,
) -> Result<Changed, CommandError> {
    let (claims, key) = principal.claims(handle)?;
    let former = claims.0.get("email").and_then(Value::as_str).ok_or_else(unreadable)?.to_owned();
    let address = open_address(&key, SealedField::PendingEmail, &change.address)?;
    Ok(Changed {
        claims: seal_with_address(&key, claims, &address)?,
        former_address: key.seal(SealedField::FormerEmail, former.as_bytes())?,
        undo_seed,
        undo_lifetime: handle.tenant.config.retention.email_undo,
        proof,
    })
}

pub(crate) fn open_address(key: &DataKey, field: SealedField, sealed: &Sealed) -> Result<String, CommandError> {
    Ok(String::from_utf8(key.open(field, sealed)?).map_err(|_| unreadable())?)
}

pub(crate) fn seal_with_address(key: &DataKey, Claims(mut claims): Claims, address: &str) -> Result<Sealed, CommandError> {
    claims.insert("email".to_owned(), address.into());
    claims.insert("email_verified".to_owned(), true.into());
    let plain = serde_json::to_vec(&claims).map_err(|_| Problem::internal())?;
    Ok(key.seal(SealedField::Profile, &plain)?)
}

pub(crate) fn unreadable() -> Problem {
    tracing::error!("a stored address does not read");
    Problem::internal()
}

/// The pending change: until when, and the new address, for the user.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn pending(handle: &TenantHandle, principal: &Principal) -> Result<Option<String>, CommandError> {
    let (profile, wrapped) = principal.profile()?;
    let Some(change) = email_change::pending(principal.authentication(), profile, handle.now()) else { return Ok(None) };
    let key = handle.tenant.keys.data()?.unwrap(wrapped)?;
    Ok(Some(open_address(&key, SealedField::PendingEmail, &change.address)?))
}

/// Cancels the pending change.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn cancel(handle: &TenantHandle, presented: &AccountCredential) -> Result<bool, CommandError> {
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Profile).await?.ok_or(CommandError::SignedOut)?;
        let profile = principal.profile()?.0;
        Ok::<_, CommandError>(email_change::end(principal.authentication(), profile, true, handle.now()))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// The account of a mailed link, in its current state.
pub struct LinkedAccount {
    link: PresentedLink,
    /// The account with profile and data key.
    pub snapshot: PrincipalSnapshot,
}

/// Opens the mailed link of a change and loads its account. `None` if the link is of another kind, or its account is deleted or closed.
///
/// # Errors
/// If something failed.
pub async fn open_link(handle: &TenantHandle, token: &SecretText) -> Result<Option<LinkedAccount>, CommandError> {
    let Some(link) = handle.tenant.keys.open_account_link(AccountLink::EmailChange, token)? else { return Ok(None) };
    let query = PrincipalQuery {
        account: link.account,
        session: None,
        grant: None,
        profile: true,
        password: false,
        second_factors: false,
    };
    let found = handle.tenant.store.find_principal(query).await?;
    let snapshot = found.filter(|snapshot| snapshot.authentication.is_active() && snapshot.profile.is_some());
    Ok(snapshot.map(|snapshot| LinkedAccount { link, snapshot }))
}

impl LinkedAccount {
    /// The code of a pending change's link, for a browser without a session. `None` if the change is over.
    ///
    /// # Errors
    /// If a key fails.
    pub fn change_code(&self, handle: &TenantHandle) -> Result<Option<SecretText>, CommandError> {
        let PrincipalSnapshot { authentication, profile, .. } = &self.snapshot;
        let pending = profile.as_ref().and_then(|profile| email_change::pending(authentication, profile, handle.now()));
        let Some(change) = pending else { return Ok(None) };
        let proof = handle.tenant.keys.proof()?;
        if !proof.matches_account_link(&self.link, &change.seed)? {
            return Ok(None);
        }
        Ok(Some(proof.account_code(AccountLink::EmailChange, self.link.account, &change.seed)?))
    }
}

/// Cancels the pending change at the request of the new address's owner ("I did not ask for this"), authorized by the mailed link.
///
/// # Errors
/// If something failed.
pub async fn disown(handle: &TenantHandle, token: &SecretText) -> Result<bool, CommandError> {
    let decide = || async {
        let Some(linked) = open_link(handle, token).await? else {
            return Ok::<_, CommandError>(Decision::unchanged(false));
        };
        let fits = linked.change_code(handle)?.is_some();
        Ok(match &linked.snapshot.profile {
            Some(profile) => email_change::end(&linked.snapshot.authentication, profile, fits, handle.now()),
            None => Decision::unchanged(false),
        })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

pub(crate) fn fresh_seed(services: &Services, handle: &TenantHandle) -> Result<LinkSeed, CommandError> {
    let key_version = handle.tenant.keys.proof()?.current_version();
    Ok(LinkSeed { key_version, bytes: services.random.bytes() })
}

//! Changes the password of a user who knows the current one (security 59, 70).
//!
//! 1. Load the user with profile and password. The sign-in must be at most five minutes old.
//! 2. Check the new password first: an unacceptable one does not count as an attempt.
//! 3. Compare the current password. A wrong one counts as a failed sign-in, in the window of the session's own device. It does not count
//!    if the new password has been in force for less than ten minutes: then the reply to the same request was lost.
//! 4. Hash the new one. Replace password and epoch in one transaction; the presented session or grant gets the new epoch.

use crate::CommandError;
use latchkey::domain::change::Decision;
use latchkey::domain::credential::PasswordFlaw;
use latchkey::domain::password_change::{Holder, PasswordChanged, Presenting, change_password};
use latchkey::domain::profile::Claims;
use latchkey::domain::repetition::is_repeatable;
use latchkey::domain::secret::{PasswordHash, SecretText};
use latchkey::domain::session::Session;
use latchkey::domain::time::Span;
use latchkey::keys::password::{HashMemo, HasherBusy, PasswordMatch};
use latchkey::services::Services;
use latchkey::store::StoreError;
use latchkey::web::{AccountCredential, Principal, PrincipalParts, TenantHandle};

/// The typed input.
#[derive(Debug)]
pub struct PasswordInput {
    /// The current password.
    pub current: SecretText,
    /// The new password.
    pub new: SecretText,
    /// The known device of the browser.
    pub device: Option<u64>,
}

/// The result.
#[derive(Debug)]
pub enum ChangeOutcome {
    /// The new password is in force. Other sessions and grants have ended.
    Changed,
    /// The current password is wrong.
    WrongPassword,
    /// The new password is not acceptable.
    Flawed(PasswordFlaw),
    /// Too many wrong passwords: nothing was evaluated.
    Blocked {
        /// When to try again.
        retry_after: Span,
    },
}

/// Changes the password.
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn change(
    services: &Services,
    handle: &TenantHandle,
    presented: &AccountCredential,
    typed: &PasswordInput,
) -> Result<ChangeOutcome, CommandError> {
    // Expensive. The result stays valid after a conflict, unless the password was changed meanwhile.
    let hashed = HashMemo::default();
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::ProfileAndPassword).await?.ok_or(CommandError::SignedOut)?;
        principal.require_recent(handle.now())?;
        let (claims, _) = principal.claims(handle)?;
        if let Err(flaw) = check(handle, &typed.new, &claims) {
            return Ok(Decision::unchanged(ChangeOutcome::Flawed(flaw)));
        }
        let snapshot = &principal.snapshot;
        let session = presenting_session(handle, &principal).await?;
        // Guesses from other devices count in another window, so they never block a signed-in owner.
        let device = session.as_ref().and_then(|session| session.device_id).or(typed.device);
        let holder = Holder { authentication: &snapshot.authentication, password: snapshot.password.as_ref(), device };
        let hash = match (holder.subject().blocked_for(handle.now()), holder.password) {
            (None, Some(password)) => {
                hashed.get_or_compute(password.hash.clone(), new_hash(services, typed, &password.hash)).await?
            }
            (Some(_), _) | (None, None) => None,
        };
        if let (None, Some(password)) = (&hash, holder.password)
            && holder.subject().blocked_for(handle.now()).is_none()
            && is_repeatable(password.changed_at, handle.now())
            && is_in_force(services, typed, &password.hash).await?
        {
            return Ok(Decision::unchanged(ChangeOutcome::Changed));
        }
        let presenting = Presenting { session: session.as_ref(), grant: snapshot.grant.as_ref() };
        let Decision { changes, outcome } = change_password(holder, presenting, hash, handle.now());
        let outcome = match outcome {
            PasswordChanged::Changed => ChangeOutcome::Changed,
            PasswordChanged::WrongPassword => ChangeOutcome::WrongPassword,
            PasswordChanged::Blocked { retry_after } => ChangeOutcome::Blocked { retry_after },
        };
        Ok(Decision { changes, outcome })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Checks the new password. It must not consist of the user's own data (security 69).
pub(crate) fn check(handle: &TenantHandle, password: &SecretText, claims: &Claims) -> Result<(), PasswordFlaw> {
    let config = &handle.tenant.config;
    let context: Vec<&str> = config.name.0.values().map(String::as_str).chain(claims.guessable_words()).collect();
    config.password.check(password, &context)
}

/// The hash of the new password, if the current one is correct.
async fn new_hash(
    services: &Services,
    typed: &PasswordInput,
    stored: &PasswordHash,
) -> Result<Option<PasswordHash>, HasherBusy> {
    Ok(match services.hasher.verify(&typed.current, Some(stored)).await? {
        PasswordMatch::No => None,
        PasswordMatch::Yes | PasswordMatch::Rehash(_) => Some(services.hasher.hash(&typed.new).await?),
    })
}

/// Whether the new password is the stored one.
async fn is_in_force(services: &Services, typed: &PasswordInput, stored: &PasswordHash) -> Result<bool, HasherBusy> {
    Ok(match services.hasher.verify(&typed.new, Some(stored)).await? {
        PasswordMatch::No => false,
        PasswordMatch::Yes | PasswordMatch::Rehash(_) => true,
    })
}

/// The current live session: that of the cookie, or the one that the presented grant came from.
async fn presenting_session(handle: &TenantHandle, principal: &Principal) -> Result<Option<Session>, StoreError> {
    let snapshot = &principal.snapshot;
    let session = match (&snapshot.session, &snapshot.grant) {
        (Some(session), _) => Some(session.clone()),
        (None, Some(grant)) => handle.tenant.store.find_one_session(grant.account, grant.sid).await?,
        (None, None) => None,
    };
    Ok(session.filter(|session| session.is_live(&snapshot.authentication, handle.now())))
}

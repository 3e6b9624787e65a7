//! A new password, by somebody who knows the present one (security 59, 70).
//!
//! 1. Who acts is loaded with profile and password; the sign-in is at most five minutes old.
//! 2. The new password is judged first: one that can't be taken costs no try.
//! 3. The present one is compared; a wrong one counts as a failed sign-in.
//! 4. The new one is hashed, and replaces password and epoch in one transaction; what was presented is restamped.

use crate::NotDone;
use latchkey::domain::change::Decision;
use latchkey::domain::credential::PasswordFlaw;
use latchkey::domain::password_change::{Holder, PasswordChanged, Presenting, change_password};
use latchkey::domain::profile::Claims;
use latchkey::domain::secret::{PasswordHash, SecretText};
use latchkey::domain::session::Session;
use latchkey::domain::time::Span;
use latchkey::keys::password::PasswordMatch;
use latchkey::services::Services;
use latchkey::store::StoreError;
use latchkey::web::{Presented, Principal, TenantHandle, With};
use tokio::sync::Mutex;

/// What somebody typed.
#[derive(Debug)]
pub struct Typed {
    /// The present password.
    pub current: SecretText,
    /// The new one.
    pub new: SecretText,
    /// The known device that the browser names.
    pub device: Option<u64>,
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// The new password is in force; other sessions and grants have ended.
    Changed,
    /// The present password is wrong.
    WrongPassword,
    /// The new one can't be taken.
    Flawed(PasswordFlaw),
    /// Too many wrong ones: nothing was evaluated.
    Blocked {
        /// When to try again.
        retry_after: Span,
    },
}

/// Changes the password.
///
/// # Errors
/// When nobody is signed in any more, or not freshly, or something failed.
pub async fn change(
    services: &Services,
    handle: &TenantHandle,
    presented: &Presented,
    typed: &Typed,
) -> Result<Outcome, NotDone> {
    // Dear to compute, and the same after a conflict unless the password was changed meanwhile.
    let hashed = Mutex::new(None::<(PasswordHash, Option<PasswordHash>)>);
    let decide = || async {
        let principal = presented.load(handle, With::ProfileAndPassword).await?.ok_or(NotDone::SignedOut)?;
        if !principal.is_recent(handle.now()) {
            return Err(NotDone::NotRecent);
        }
        let (claims, _) = principal.claims(handle)?;
        if let Err(flaw) = check(handle, &typed.new, &claims) {
            return Ok(Decision::unchanged(Outcome::Flawed(flaw)));
        }
        let snapshot = &principal.snapshot;
        let holder =
            Holder { authentication: &snapshot.authentication, password: snapshot.password.as_ref(), device: typed.device };
        let hash = match (holder.subject().blocked_for(handle.now()), holder.password) {
            (None, Some(password)) => new_hash(services, typed, &password.hash, &hashed).await?,
            (Some(_), _) | (None, None) => None,
        };
        let session = presenting_session(handle, &principal).await?;
        let presenting = Presenting { session: session.as_ref(), grant: snapshot.grant.as_ref() };
        let Decision { changes, outcome } = change_password(holder, presenting, hash, handle.now());
        let outcome = match outcome {
            PasswordChanged::Changed => Outcome::Changed,
            PasswordChanged::WrongPassword => Outcome::WrongPassword,
            PasswordChanged::Blocked { retry_after } => Outcome::Blocked { retry_after },
        };
        Ok(Decision { changes, outcome })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Judges the new password; the person's own words make none (security 69).
fn check(handle: &TenantHandle, password: &SecretText, Claims(claims): &Claims) -> Result<(), PasswordFlaw> {
    let config = &handle.tenant.config;
    let own = claims.values().filter_map(serde_json::Value::as_str).filter(|text| text.len() <= 100);
    let parts = own.flat_map(|text| std::iter::once(text).chain(text.split(['@', '.', ' '])));
    let context: Vec<&str> = config.name.0.values().map(String::as_str).chain(parts).filter(|word| !word.is_empty()).collect();
    config.password.check(password, &context)
}

/// The hash of the new password, if the present one fits; once for each stored hash.
async fn new_hash(
    services: &Services,
    typed: &Typed,
    stored: &PasswordHash,
    hashed: &Mutex<Option<(PasswordHash, Option<PasswordHash>)>>,
) -> Result<Option<PasswordHash>, NotDone> {
    let mut hashed = hashed.lock().await;
    if let Some((with, hash)) = &*hashed
        && with == stored
    {
        return Ok(hash.clone());
    }
    let hash = match services.hasher.verify(&typed.current, Some(stored)).await? {
        PasswordMatch::No => None,
        PasswordMatch::Yes | PasswordMatch::Rehash(_) => Some(services.hasher.hash(&typed.new).await?),
    };
    *hashed = Some((stored.clone(), hash.clone()));
    Ok(hash)
}

/// The live session that is presented: the cookie's, or the one that the presented grant came from.
async fn presenting_session(handle: &TenantHandle, principal: &Principal) -> Result<Option<Session>, StoreError> {
    let snapshot = &principal.snapshot;
    let session = match (&snapshot.session, &snapshot.grant) {
        (Some(session), _) => Some(session.clone()),
        (None, Some(grant)) => handle.tenant.store.find_one_session(grant.account, grant.sid).await?,
        (None, None) => None,
    };
    Ok(session.filter(|session| session.is_live(&snapshot.authentication, handle.now())))
}

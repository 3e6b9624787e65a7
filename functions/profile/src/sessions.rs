//! Lists and ends the sessions of an account (security 59).

use crate::CommandError;
use latchkey::domain::id::SessionId;
use latchkey::domain::session::{Session, end_with_grants};
use latchkey::domain::time::Timestamp;
use latchkey::keys::{DataKey, SealedField};
use latchkey::web::{AccountCredential, Principal, PrincipalParts, TenantHandle};
use serde::Deserialize;

/// A signed-in browser as shown to its user.
#[derive(Debug)]
pub struct SessionView {
    /// Its id.
    pub sid: SessionId,
    /// The browser, such as "Firefox on Linux". `None` if it is unknown.
    pub device: Option<String>,
    /// The network of the sign-in: an address prefix without the part that identifies one household.
    pub network: Option<String>,
    /// The time of the sign-in.
    pub created_at: Timestamp,
    /// When it was last used, accurate to the hour.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whether it is the current session.
    pub is_current: bool,
    /// The known device that it was opened on.
    pub device_id: Option<u64>,
}

/// The sealed browser data of a session (`web::session::seal_device`).
#[derive(Deserialize)]
struct Device {
    words: String,
    address: Option<String>,
}

/// The live sessions: the current one first, then the most recently used.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn list(handle: &TenantHandle, presented: &AccountCredential) -> Result<Vec<SessionView>, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Profile).await?.ok_or(CommandError::SignedOut)?;
    let (_, wrapped) = principal.profile()?;
    let key = handle.tenant.keys.data()?.unwrap(wrapped)?;
    let current = current_sid(&principal);
    let stored = handle.tenant.store.find_sessions(principal.authentication().account).await?;
    let live = stored.iter().filter(|session| session.is_live(principal.authentication(), handle.now()));
    let mut shown: Vec<SessionView> = live.map(|session| show(session, &key, current)).collect();
    shown.sort_by_key(|session| (!session.is_current, std::cmp::Reverse(session.last_used_at.millis())));
    Ok(shown)
}

/// The current session: that of the cookie, or the one that the presented grant came from.
fn current_sid(principal: &Principal) -> Option<SessionId> {
    let snapshot = &principal.snapshot;
    snapshot.session.as_ref().map(|session| session.id).or(snapshot.grant.as_ref().map(|grant| grant.sid))
}

fn show(session: &Session, key: &DataKey, current: Option<SessionId>) -> SessionView {
    let plain = session.device.as_ref().and_then(|sealed| key.open(SealedField::SessionDevice, sealed).ok());
    let device: Option<Device> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    let network = device.as_ref().and_then(|device| device.address.as_deref()).and_then(network);
    SessionView {
        sid: session.id,
        device: device.map(|device| device.words),
        network,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
        is_current: current == Some(session.id),
        device_id: session.device_id,
    }
}

/// The network of a truncated address. `None` for a loopback address, which says nothing.
fn network(address: &str) -> Option<String> {
    let bits = if address.contains(':') { 48 } else { 24 };
    (!matches!(address, "127.0.0.0" | "::")).then(|| format!("{address}/{bits}"))
}

/// Ends one session and its offline grants. `false` if there is no such live session.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn end(handle: &TenantHandle, presented: &AccountCredential, sid: SessionId) -> Result<bool, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
    let account = principal.authentication().account;
    let found = handle.tenant.store.find_one_session(account, sid).await?;
    if !found.is_some_and(|session| session.is_live(principal.authentication(), handle.now())) {
        return Ok(false);
    }
    end_of(handle, &principal, sid).await?;
    Ok(true)
}

/// Ends all sessions except the current one. Returns their number.
///
/// # Errors
/// As [`end`].
pub async fn end_others(handle: &TenantHandle, presented: &AccountCredential) -> Result<usize, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
    let current = current_sid(&principal);
    let stored = handle.tenant.store.find_sessions(principal.authentication().account).await?;
    let is_other =
        |session: &&Session| Some(session.id) != current && session.is_live(principal.authentication(), handle.now());
    let others: Vec<SessionId> = stored.iter().filter(is_other).map(|session| session.id).collect();
    for sid in &others {
        end_of(handle, &principal, *sid).await?;
    }
    Ok(others.len())
}

/// Ends a session, then checks again: a code issued just before its end has become a grant by now, or never will.
async fn end_of(handle: &TenantHandle, principal: &Principal, sid: SessionId) -> Result<(), CommandError> {
    let (store, account) = (&handle.tenant.store, principal.authentication().account);
    for _pass in 0..2 {
        let decide = || async {
            let (session, grants) = tokio::try_join!(store.find_one_session(account, sid), store.find_grants(account))?;
            Ok::<_, CommandError>(match session {
                Some(session) => end_with_grants(&session, &grants, handle.now()),
                None => latchkey::domain::change::Decision::unchanged(()),
            })
        };
        store.decide(&handle.request, decide).await?;
    }
    Ok(())
}

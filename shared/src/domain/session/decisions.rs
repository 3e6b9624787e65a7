//! Ends sessions, and the grants that end with them.

use crate::domain::account::AccountState;
use crate::domain::amr::Amr;
use crate::domain::change::{Change, Changes, Decision, MAX_ENDED_GRANTS};
use crate::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use crate::domain::session::{NewSession, Session};
use crate::domain::tenant::SessionPolicy;
use crate::domain::time::Timestamp;

/// The session of a user who has just authenticated in a browser, and its changes: the live session of the same user is renewed. Another
/// user's session ends, and a new one opens. So does one that was never opened by a sign-in here (a token exchange). It is on this known device.
pub(crate) fn signed_in(
    state: &AccountState,
    replaced: Option<&Session>,
    new: NewSession,
    amr: Vec<Amr>,
    policy: &SessionPolicy,
    device: u64,
    now: Timestamp,
) -> (Vec<Change>, Session) {
    if let Some(own) = replaced.filter(|session| session.is_live(state, now) && !session.amr.is_empty()) {
        let session = own.renew(new, state, amr, policy, now).on_device(device);
        return (vec![Change::renew_session(session.clone())], session);
    }
    let session = Session::open(new, state, amr, policy, now).on_device(device);
    let ended = replaced.and_then(|replaced| replaced.end(now)).map(Change::end_session);
    (ended.into_iter().chain([Change::open_session(session.clone())]).collect(), session)
}

/// Signs a browser out: its session ends. Grants with `offline_access` stay live; the others end with the session.
pub fn sign_out(session: &Session, now: Timestamp) -> Decision<()> {
    match session.end(now) {
        Some(ended) => Decision::one(Change::end_session(ended), ()),
        None => Decision::unchanged(()),
    }
}

/// Ends a session from the list, and the offline grants of this session. A grant without `offline_access` ends with the session
/// anyway. Grants that do not fit the transaction are ended before it.
pub fn end_with_grants(session: &Session, grants: &[Grant], now: Timestamp) -> Decision<()> {
    let of_session = grants.iter().filter(|grant| grant.sid == session.id && grant.is_offline());
    let (first, rest) = ended_grants(of_session, now);
    let mut changes = Changes(first);
    changes = match session.end(now) {
        Some(session) => changes.then(Change::end_session_and_grants(session, rest)),
        None => Changes(changes.0.into_iter().chain(rest.into_iter().map(Change::revoke_grant)).collect()),
    };
    Decision { changes, outcome: () }
}

/// The live grants, revoked: those that do not fit one transaction as changes of their own, and the rest.
pub(crate) fn ended_grants<'a>(grants: impl Iterator<Item = &'a Grant>, now: Timestamp) -> (Vec<Change>, Vec<Grant>) {
    let live = grants.filter(|grant| !matches!(grant.state, GrantState::Revoked { .. }) && now < grant.expires_at);
    let mut ended: Vec<Grant> = live.map(|grant| grant.revoked(RevocationReason::Withdrawn, now)).collect();
    let rest = ended.split_off(ended.len().saturating_sub(MAX_ENDED_GRANTS));
    (ended.into_iter().map(Change::revoke_grant).collect(), rest)
}

//! Ends sessions, and the grants that end with them.

use crate::domain::change::{Change, Changes, Decision, MAX_ENDED_GRANTS};
use crate::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

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

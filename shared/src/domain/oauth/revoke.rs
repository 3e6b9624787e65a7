//! Token revocation (RFC 7009). A revoked refresh token ends its whole grant. A revoked access token ends alone.
//!
//! A token of another client, or an invalid token, changes nothing. The response is the same (security 30).

use super::grant::{Grant, GrantState, RevocationReason, RevokedJti};
use crate::domain::change::{Change, Changes};
use crate::domain::id::ClientId;
use crate::domain::time::Timestamp;

/// The maximum number of stored revoked access tokens of one grant. The next revocation ends the grant itself, so that no revocation is
/// lost and the item stays small.
pub const MAX_REVOKED_JTIS: usize = 50;

/// Ends the grant of a refresh token, and thus every access token of the grant (RFC 7009 §2.1).
pub fn revoke_refresh_token(grant: &Grant, client_id: &ClientId, now: Timestamp) -> Changes {
    match grant.state {
        GrantState::Active { refresh: Some(_), .. } if grant.client_id == *client_id => {
            Changes::one(Change::revoke_grant(grant.revoked(RevocationReason::ClientRequest, now)))
        }
        GrantState::Active { .. } | GrantState::CodeIssued | GrantState::Revoked { .. } => Changes::default(),
    }
}

/// Ends one access token of a grant. The grant stores its `jti` until the token's expiry.
pub fn revoke_access_token(grant: &Grant, token: RevokedJti, client_id: &ClientId, now: Timestamp) -> Changes {
    let active = matches!(grant.state, GrantState::Active { .. });
    if !active || grant.client_id != *client_id || now >= token.expires_at || grant.has_revoked(token.jti) {
        return Changes::default();
    }
    let mut next = Grant { version: grant.version + 1, ..grant.clone() };
    next.revoked_jtis.retain(|revoked| now < revoked.expires_at);
    if next.revoked_jtis.len() >= MAX_REVOKED_JTIS {
        return Changes::one(Change::revoke_grant(grant.revoked(RevocationReason::ClientRequest, now)));
    }
    next.revoked_jtis.push(token);
    Changes::one(Change::revoke_access_token(next))
}

/// Ends an access token without a grant (client credentials). `known`: whether it was revoked before.
pub fn revoke_grantless_token(
    token: RevokedJti,
    token_client_id: &ClientId,
    client_id: &ClientId,
    known: bool,
    now: Timestamp,
) -> Changes {
    if known || token_client_id != client_id || now >= token.expires_at {
        return Changes::default();
    }
    Changes::one(Change::revoke_grantless_token(token.jti, client_id.clone(), token.expires_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Jti;
    use crate::domain::oauth::fixture::{NOW, active, client_id, code_issued};
    use crate::domain::time::Span;

    fn token(byte: u8, lives: Span) -> RevokedJti {
        RevokedJti { jti: Jti::from_bytes([byte; 16]), expires_at: NOW + lives }
    }

    #[test]
    fn a_refresh_token_ends_its_whole_grant() {
        let changes = revoke_refresh_token(&active(Span::ZERO), &client_id("shop"), NOW);
        let grant = changes.only(Change::revoke_grant);
        assert_eq!(grant.state, GrantState::Revoked { at: NOW, reason: RevocationReason::ClientRequest });
        assert_eq!(grant.version, 5);
    }

    #[test]
    fn security_30_a_foreign_or_invalid_token_changes_nothing() {
        let own = client_id("shop");
        let dead = active(Span::ZERO).revoked(RevocationReason::Withdrawn, NOW);
        assert!(revoke_refresh_token(&active(Span::ZERO), &client_id("other"), NOW).is_empty());
        assert!(revoke_refresh_token(&dead, &own, NOW).is_empty());
        assert!(revoke_refresh_token(&code_issued(), &own, NOW).is_empty());
        let live = token(1, Span::seconds(1));
        assert!(revoke_access_token(&active(Span::ZERO), live, &client_id("other"), NOW).is_empty());
        assert!(revoke_access_token(&active(Span::ZERO), token(1, Span::ZERO), &own, NOW).is_empty());
        assert!(revoke_access_token(&dead, live, &own, NOW).is_empty());
        assert!(revoke_grantless_token(live, &own, &client_id("other"), false, NOW).is_empty());
        assert!(revoke_grantless_token(live, &own, &own, true, NOW).is_empty());
        assert!(revoke_grantless_token(token(1, Span::ZERO), &own, &own, false, NOW).is_empty());
    }

    #[test]
    fn a_revoked_access_token_is_stored_in_its_grant_until_its_expiry() {
        let mut grant = active(Span::ZERO);
        grant.revoked_jtis = vec![token(1, Span::ZERO), token(2, Span::seconds(1))];
        let changes = revoke_access_token(&grant, token(3, Span::minutes(10)), &client_id("shop"), NOW);
        let next = changes.only(Change::revoke_access_token);
        assert_eq!(next.revoked_jtis, vec![token(2, Span::seconds(1)), token(3, Span::minutes(10))]);
        assert_eq!(next.version, 5);
        assert!(revoke_access_token(&next, token(3, Span::minutes(10)), &client_id("shop"), NOW).is_empty(), "once");
    }

    #[test]
    fn the_fifty_first_revocation_ends_the_grant() {
        let mut grant = active(Span::ZERO);
        grant.revoked_jtis = (0..50).map(|byte| token(byte, Span::minutes(1))).collect();
        let changes = revoke_access_token(&grant, token(99, Span::minutes(1)), &client_id("shop"), NOW);
        changes.only(Change::revoke_grant);
    }
}

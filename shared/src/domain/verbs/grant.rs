//! Changes of grants, their tokens, and consents.

use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::consent::Consent;
use crate::domain::id::{AccountId, ClientId, Jti};
use crate::domain::oauth::grant::{Grant, GrantState, RevocationReason};
use crate::domain::record::{Keyed, RevokedToken};
use crate::domain::time::Timestamp;

fn subject(account: AccountId, client: &ClientId) -> Subject {
    Subject { account: Some(account), client: Some(client.clone()), ..Subject::default() }
}

impl Change {
    /// A code was issued.
    pub fn issue_authorization_code(grant: Grant) -> Self {
        Self::unaudited(Put::next(grant))
    }
    /// The code was redeemed for tokens.
    pub fn redeem_authorization_code(grant: Grant) -> Self {
        Self::unaudited(Put::next(grant))
    }
    /// A token of the legacy user pool was exchanged for a grant, with a session opened for it. The event is on the session.
    pub fn exchange_token(grant: Grant) -> Self {
        Self::unaudited(Put::next(grant))
    }
    /// A public client presents a token of the legacy user pool. It is stored as a token that is worth nothing any more.
    pub fn claim_exchanged_token(id: Jti, client_id: ClientId, expires_at: Timestamp) -> Self {
        Self::unaudited(Put::new(Keyed { key: id, state: RevokedToken { client_id, expires_at } }))
    }
    /// The next generation of the refresh token.
    pub fn rotate_refresh_token(grant: Grant) -> Self {
        Self::unaudited(Put::next(grant))
    }
    /// The grant ends. Its reason determines the event.
    pub fn revoke_grant(grant: Grant) -> Self {
        let kind = match grant.state {
            GrantState::Revoked { reason: RevocationReason::RefreshReuse, .. } => EventKind::RefreshReuse,
            GrantState::Revoked { reason: RevocationReason::CodeReplayed, .. } => EventKind::CodeReplayed,
            GrantState::Revoked { .. } | GrantState::CodeIssued | GrantState::Active { .. } => EventKind::GrantRevoked,
        };
        Self::audited(kind, subject(grant.account, &grant.client_id), Put::next(grant))
    }
    /// An access token of a grant is revoked.
    pub fn revoke_access_token(grant: Grant) -> Self {
        Self::audited(EventKind::AccessTokenRevoked, subject(grant.account, &grant.client_id), Put::next(grant))
    }
    /// An access token without a grant (client credentials) is revoked.
    pub fn revoke_grantless_token(jti: Jti, client_id: ClientId, expires_at: Timestamp) -> Self {
        let subject = Subject { client: Some(client_id.clone()), ..Subject::default() };
        let revoked = Keyed { key: jti, state: RevokedToken { client_id, expires_at } };
        Self::audited(EventKind::AccessTokenRevoked, subject, Put::new(revoked))
    }
    /// A client was given consent.
    pub fn record_consent(consent: Consent) -> Self {
        let subject = subject(consent.account, &consent.client_id);
        Self::audited(EventKind::ConsentGranted, subject, Put::next(consent))
    }
    /// Consent is withdrawn, and the client's grants end with it: at most [`super::super::change::MAX_ENDED_GRANTS`]. A client that needs
    /// no consent has only grants; without both there is nothing to withdraw.
    pub fn withdraw_consent(
        account: AccountId,
        client_id: &ClientId,
        consent: Option<Consent>,
        grants: Vec<Grant>,
    ) -> Option<Self> {
        let mut puts = consent.map(Put::next).into_iter().chain(grants.into_iter().map(Put::next));
        let guard = puts.next()?;
        Some(Self::audited(EventKind::ConsentWithdrawn, subject(account, client_id), guard).and_all(puts))
    }
}

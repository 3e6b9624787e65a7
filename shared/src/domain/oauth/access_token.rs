//! Checks access tokens for Latchkey's own endpoints: userinfo, introspection, self-service API.

use super::claims::AccessTokenClaims;
use super::grant::{Grant, GrantEnded, GrantState};
use crate::domain::account::AccountState;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

/// Why an access token that we signed is refused. Callers see only `invalid_token` or `active: false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenRefused {
    /// The token has expired, or is not valid yet.
    #[error("the access token is outside its lifetime")]
    OutsideLifetime,
    /// The token has another issuer.
    #[error("the access token has another issuer")]
    IssuerMismatch,
    /// The grant that the token names has other claims.
    #[error("the access token does not belong to the grant that it names")]
    NotOfTheGrant,
    /// The token itself was revoked.
    #[error("the access token was revoked")]
    Revoked,
    /// The grant, account or session has ended.
    #[error(transparent)]
    Ended(#[from] GrantEnded),
}

/// Checks the token's own claims at this time of our clock.
///
/// # Errors
/// Why the token is refused.
pub fn check_claims(claims: &AccessTokenClaims, issuer: &str, now: Timestamp) -> Result<(), AccessTokenRefused> {
    if claims.iss != issuer {
        return Err(AccessTokenRefused::IssuerMismatch);
    }
    // The clock of the issuing instance may be ahead of ours. This tolerance applies to the beginning only, never to the expiry.
    let begins = claims.issued_at() - LEEWAY;
    if now >= claims.expires_at() || now < begins || claims.exp <= claims.iat {
        return Err(AccessTokenRefused::OutsideLifetime);
    }
    Ok(())
}

/// The clock of another instance may be ahead of ours by this time (fault T9).
const LEEWAY: crate::domain::time::Span = crate::domain::time::Span::seconds(60);

/// Checks whether the grant that a token names is still valid for it.
///
/// # Errors
/// Why the token is refused.
pub fn check_grant(
    claims: &AccessTokenClaims,
    grant: &Grant,
    authentication: &AccountState,
    session: Option<&Session>,
    now: Timestamp,
) -> Result<(), AccessTokenRefused> {
    let sub_agrees = claims.sub == grant.sub.to_string() && grant.sub == authentication.sub;
    if claims.client_id != grant.client_id || !sub_agrees || matches!(grant.state, GrantState::CodeIssued) {
        return Err(AccessTokenRefused::NotOfTheGrant);
    }
    grant.check_live(authentication, session, now)?;
    if grant.has_revoked(claims.jti) {
        return Err(AccessTokenRefused::Revoked);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountStatus;
    use crate::domain::id::{Jti, Sub};
    use crate::domain::oauth::client::SigningAlgorithm;
    use crate::domain::oauth::fixture::{NOW, active, authentication, client_id, code_issued, scope, session};
    use crate::domain::oauth::grant::{RevocationReason, RevokedJti};
    use crate::domain::oauth::issue::AccessGrant;
    use crate::domain::roles::Roles;
    use crate::domain::time::Span;

    const ISSUER: &str = "https://id.example";

    fn claims() -> AccessTokenClaims {
        let access = AccessGrant {
            scope: scope("openid"),
            resource: None,
            roles: Roles::default(),
            algorithm: SigningAlgorithm::ES256,
            expires_at: NOW + Span::minutes(10),
        };
        AccessTokenClaims::of_grant(ISSUER, &active(Span::ZERO), &access, Jti::from_bytes([7; 16]), String::new(), NOW)
    }

    #[test]
    fn a_token_is_valid_from_its_issue_to_its_expiry_for_its_issuer() {
        use AccessTokenRefused::{IssuerMismatch, OutsideLifetime};
        let cases = [
            ("now", ISSUER, NOW, Ok(())),
            ("to the last millisecond", ISSUER, NOW + Span::millis(599_999), Ok(())),
            ("not at its end", ISSUER, NOW + Span::minutes(10), Err(OutsideLifetime)),
            ("issued by a clock a minute ahead", ISSUER, NOW - Span::minutes(1), Ok(())),
            ("issued further ahead", ISSUER, NOW - Span::millis(60_001), Err(OutsideLifetime)),
            ("another tenant's issuer", "https://id.example/t/other", NOW, Err(IssuerMismatch)),
        ];
        for (what, issuer, now, expected) in cases {
            assert_eq!(check_claims(&claims(), issuer, now), expected, "{what}");
        }
    }

    #[test]
    fn a_token_is_refused_unless_its_grant_is_valid_for_it() {
        use AccessTokenRefused::{Ended, NotOfTheGrant, Revoked};
        let jti = Jti::from_bytes([7; 16]);
        let grant = |change: fn(&mut Grant)| {
            let mut grant = active(Span::ZERO);
            change(&mut grant);
            grant
        };
        let revoked = Grant { revoked_jtis: vec![RevokedJti { jti, expires_at: NOW }], ..active(Span::ZERO) };
        let disabled = AccountState { status: AccountStatus::Disabled { since: NOW }, ..authentication() };
        let signed_out = Session { ended_at: Some(NOW), ..session() };
        let (account, open) = (authentication(), session());
        let cases = [
            ("as issued", grant(|_| {}), &account, &open, Ok(())),
            ("another client's grant", grant(|g| g.client_id = client_id("other")), &account, &open, Err(NotOfTheGrant)),
            ("another user's grant", grant(|g| g.sub = Sub::from_bytes([9; 16])), &account, &open, Err(NotOfTheGrant)),
            ("a code", code_issued(), &account, &open, Err(NotOfTheGrant)),
            ("revoked by itself", revoked, &account, &open, Err(Revoked)),
            (
                "grant revoked",
                grant(|g| *g = g.revoked(RevocationReason::ClientRequest, NOW)),
                &account,
                &open,
                Err(Ended(GrantEnded::Revoked)),
            ),
            ("grant expired", grant(|g| g.expires_at = NOW), &account, &open, Err(Ended(GrantEnded::Expired))),
            ("account disabled", grant(|_| {}), &disabled, &open, Err(Ended(GrantEnded::AccountNotActive))),
            ("epoch raised", grant(|g| g.epoch = 2), &account, &open, Err(Ended(GrantEnded::EpochPassed))),
            ("signed out", grant(|_| {}), &account, &signed_out, Err(Ended(GrantEnded::SessionEnded))),
        ];
        for (what, grant, authentication, session, expected) in cases {
            assert_eq!(check_grant(&claims(), &grant, authentication, Some(session), NOW), expected, "{what}");
        }
    }
}

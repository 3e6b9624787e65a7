//! Fixtures for the tests of this module: one account, one session, one client, one grant.

use super::client::{Client, GrantType, PkcePolicy, ResponseMode, SigningAlgorithm, TokenEndpointAuthMethod};
use super::grant::{AuthorizationCode, Grant, GrantState, RefreshToken};
use super::issue::TokenRules;
use super::scope::ScopeSet;
use crate::domain::account::{AccountState, AccountStatus, PasswordHome};
use crate::domain::amr::Amr;
use crate::domain::failure_window::FailureWindow;
use crate::domain::id::{AccountId, ClientId, GrantId, SessionId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::roles::Roles;
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::factors::Factors;
use crate::domain::tenant::{Localized, Resource, SecondFactorPolicy, SessionPolicy, TokenPolicy};
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The rules of a tenant with these resource servers.
pub(crate) const fn token_rules(resources: &BTreeMap<String, Resource>) -> TokenRules<'_> {
    TokenRules { resources, session: &SESSION_POLICY, token: POLICY, second_factor: SecondFactorPolicy::Optional }
}
pub(crate) const SESSION_POLICY: SessionPolicy = SessionPolicy { idle: Span::days(7), absolute: Span::days(30) };
pub(crate) const POLICY: TokenPolicy =
    TokenPolicy { access: Span::minutes(10), refresh_idle: Span::days(14), refresh_absolute: Span::days(90) };
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";
/// RFC 7636 Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const ORDERS: &str = "https://orders.example";

pub(crate) fn scope(text: &str) -> ScopeSet {
    text.parse().unwrap()
}
pub(crate) fn hash(byte: u8) -> SecretHash {
    SecretHash::from_bytes([byte; 32])
}
pub(crate) fn client_id(text: &str) -> ClientId {
    text.parse().unwrap()
}
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    out
}
pub(crate) fn client() -> Client {
    Client {
        client_id: client_id("shop"),
        client_name: Localized::default(),
        first_party: true,
        token_endpoint_auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
        secret_hashes: vec![hash(9)],
        secret_needs_encoding: false,
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        post_logout_redirect_uris: vec![],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
        scope: scope("openid profile email offline_access account orders:read"),
        response_modes: vec![ResponseMode::Query],
        pkce: PkcePolicy::Required,
        id_token_signed_response_alg: SigningAlgorithm::ES256,
        access_token_signed_response_alg: SigningAlgorithm::ES256,
        allowed_origins: vec![],
        resources: vec![ORDERS.to_owned()],
        introspection_resources: vec![],
        id_token_claims: vec![],
        refresh_retry: crate::domain::oauth::rotate::RETRY,
        min_acr: None,
        client_uri: None,
    }
}
pub(crate) fn resources() -> BTreeMap<String, Resource> {
    let resource = |id: &str| Resource {
        resource: id.to_owned(),
        scope: scope("orders:read account"),
        signed_response_alg: Some(SigningAlgorithm::RS256),
    };
    ["https://orders.example", "https://stock.example"].map(|id| (id.to_owned(), resource(id))).into()
}
pub(crate) fn authentication() -> AccountState {
    AccountState {
        account: AccountId::from_bytes([1; 16]),
        sub: Sub::from_bytes([2; 16]),
        status: AccountStatus::Active,
        epoch: 3,
        epoch_began_at: None,
        identifier_since: None,
        identifier: IdentifierHash { key_version: 1, hash: [0; 32] },
        created_at: NOW - Span::days(30),
        failures: FailureWindow::default(),
        devices: vec![],
        password_home: PasswordHome::Here,
        roles: Roles::default(),
        legal_hold: None,
        protected: false,
        factors: Factors::default(),
        satisfied: None,
        version: 7,
    }
}
pub(crate) fn session() -> Session {
    Session {
        id: SessionId::from_bytes([3; 16]),
        account: AccountId::from_bytes([1; 16]),
        epoch: 3,
        secret_hash: hash(8),
        created_at: NOW - Span::minutes(5),
        auth_time: NOW - Span::minutes(5),
        amr: vec![Amr::Pwd],
        proofs: Proofs::none(),
        last_used_at: NOW - Span::minutes(1),
        expires_at: NOW + Span::days(30),
        idle_expires_at: NOW + Span::days(20),
        device: None,
        device_id: None,
        ended_at: None,
        version: 1,
    }
}
/// A grant with a code that was issued ten seconds ago.
pub(crate) fn code_issued() -> Grant {
    Grant {
        id: GrantId::from_bytes([4; 16]),
        account: AccountId::from_bytes([1; 16]),
        sub: Sub::from_bytes([2; 16]),
        epoch: 3,
        client_id: client_id("shop"),
        sid: SessionId::from_bytes([3; 16]),
        scope: scope("openid email orders:read account"),
        resource: None,
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        auth_time: NOW - Span::minutes(5),
        amr: vec![Amr::Pwd],
        proofs: Proofs::none(),
        acr: None,
        code: Some(AuthorizationCode {
            secret_hash: hash(10),
            redirect_uri: REDIRECT_URI.to_owned(),
            redirect_uri_in_request: true,
            code_challenge: Some(CHALLENGE.to_owned()),
            expires_at: NOW + Span::seconds(50),
        }),
        state: GrantState::CodeIssued,
        revoked_jtis: vec![],
        created_at: NOW - Span::seconds(10),
        expires_at: NOW + Span::days(1),
        version: 1,
    }
}
/// The same grant, redeemed an hour ago. Its third refresh token became live `since` ago. The hash of a secret is
/// `hash(20 + generation)`.
pub(crate) fn active(since: Span) -> Grant {
    Grant {
        state: GrantState::Active {
            redeemed_at: NOW - Span::hours(1),
            refresh: Some(RefreshToken {
                generation: 3,
                secret_hash: hash(23),
                parent_hash: Some(hash(22)),
                rotated_at: NOW - since,
                refresh_key_version: 1,
                idle_expires_at: NOW - since + POLICY.refresh_idle,
            }),
        },
        version: 4,
        expires_at: NOW + Span::days(60),
        ..code_issued()
    }
}

//! The tokens that a decision allows. `claims` makes the claims of them, and `keys` signs them.

use super::client::{Client, SigningAlgorithm};
use super::grant::Grant;
use super::scope::ScopeSet;
use crate::domain::account::AccountState;
use crate::domain::roles::Roles;
use crate::domain::sign_in::assurance::Acr;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::policy::is_enough_for_applications;
use crate::domain::tenant::{Resource, SecondFactorPolicy, SessionPolicy, TenantConfig, TokenPolicy};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// What the tenant document says about tokens.
#[derive(Debug, Clone, Copy)]
pub struct TokenRules<'a> {
    /// Resource servers.
    pub resources: &'a BTreeMap<String, Resource>,
    /// Lifetimes of sessions.
    pub session: &'a SessionPolicy,
    /// Lifetimes of tokens.
    pub token: TokenPolicy,
    /// Whether accounts need a second factor.
    pub second_factor: SecondFactorPolicy,
}

impl<'a> TokenRules<'a> {
    /// Those of this document.
    #[must_use]
    pub const fn of(config: &'a TenantConfig) -> Self {
        let second_factor = config.sign_in.second_factor;
        Self { resources: &config.resources, session: &config.session, token: config.token, second_factor }
    }
    /// Whether the client may have tokens of a sign-in of this account with these proofs. A remembered device was accepted in place of a second
    /// factor when the grant was issued.
    #[must_use]
    pub fn accepts(&self, client: &Client, account: &AccountState, proofs: &Proofs, now: Timestamp) -> bool {
        let level = proofs.level();
        client.accepts(level) && (self.is_enough(account, level, now) || proofs.rest_on_remembered_device())
    }
    /// Whether this level is enough for the account.
    #[must_use]
    pub fn is_enough(&self, account: &AccountState, level: Acr, now: Timestamp) -> bool {
        is_enough_for_applications(self.second_factor, account, level, now)
    }
}

/// An access token to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    /// The scope. The client gets it as `scope`.
    pub scope: ScopeSet,
    /// The audience, if it is not the issuer (RFC 8707).
    pub resource: Option<String>,
    /// The roles in the token.
    pub roles: Roles,
    /// The signature algorithm.
    pub algorithm: SigningAlgorithm,
    /// The expiry.
    pub expires_at: Timestamp,
}

/// Tokens to be issued under a grant.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The grant after the commit of the decision.
    pub grant: Grant,
    /// The access token.
    pub access: AccessGrant,
    /// The scope of the ID token, if one is issued, too (scope `openid`). It is not limited to a resource.
    pub id_token: Option<ScopeSet>,
    /// The generation of the issued refresh token, if any.
    pub refresh_generation: Option<u32>,
}

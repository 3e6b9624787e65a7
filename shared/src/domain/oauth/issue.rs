//! The tokens that a decision allows. `claims` makes the claims of them, and `keys` signs them.

use super::client::SigningAlgorithm;
use super::grant::Grant;
use super::scope::ScopeSet;
use crate::domain::roles::Roles;
use crate::domain::time::Timestamp;

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

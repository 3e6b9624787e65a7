//! What a decision lets be issued; the claims are made from it (`claims`), the signatures by `keys`.

use super::client::SigningAlgorithm;
use super::grant::Grant;
use super::scope::ScopeSet;
use crate::domain::roles::Roles;
use crate::domain::time::Timestamp;

/// An access token to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    /// What it opens; told to the client as `scope`.
    pub scope: ScopeSet,
    /// Its audience, when it is not the issuer (RFC 8707).
    pub resource: Option<String>,
    /// The roles that it tells.
    pub roles: Roles,
    /// Its signature.
    pub algorithm: SigningAlgorithm,
    /// Its end.
    pub expires_at: Timestamp,
}

/// Tokens to be issued under a grant.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The grant as it stands once the decision is committed.
    pub grant: Grant,
    /// The access token.
    pub access: AccessGrant,
    /// Whether an ID token goes with it (scope `openid`).
    pub id_token: bool,
    /// Which generation of refresh token goes with it, if any.
    pub refresh_generation: Option<u32>,
}

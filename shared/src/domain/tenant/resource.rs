//! Resource servers of a tenant.

use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::oauth::scope::ScopeSet;

/// A resource server (RFC 8707).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its identifier: the `aud` of tokens for it.
    pub resource: String,
    /// Scopes it knows.
    pub scope: ScopeSet,
    /// The signature algorithm of its access tokens, if it differs from the client's.
    pub signed_response_alg: Option<SigningAlgorithm>,
}

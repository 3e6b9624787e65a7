//! Resource indicators (RFC 8707): a token has at most one audience besides the issuer.

use super::client::{Client, SigningAlgorithm};
use super::scope::{ACCOUNT, ScopeSet};
use crate::domain::tenant::Resource;
use std::collections::BTreeMap;

/// Why a `resource` is refused. The code is always `invalid_target` (RFC 8707 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is more than one. The client must request one token for each.
    #[error("only one resource per token")]
    Several,
    /// It is not in the tenant document, or the client may not use it.
    #[error("resource is unknown, or this client may not use it")]
    Unknown,
    /// It differs from the granted one.
    #[error("resource is not the one that was granted")]
    NotGranted,
}

/// Returns the resource of a token: the requested one, otherwise the granted one, otherwise none (the issuer is the audience).
///
/// `granted` is the resource of the authorization. A token request may narrow further, and must not name another resource (§2.2).
///
/// # Errors
/// Why the resource is refused.
pub fn find_target<'a>(
    granted: Option<&str>,
    requested: &[&str],
    client: &Client,
    resources: &'a BTreeMap<String, Resource>,
) -> Result<Option<&'a Resource>, TargetError> {
    let wanted = match (requested, granted) {
        ([], None) => return Ok(None),
        ([], Some(granted)) => granted,
        ([one], None) => one,
        ([one], Some(granted)) if *one == granted => granted,
        ([_], Some(_)) => return Err(TargetError::NotGranted),
        ([_, _, ..], _) => return Err(TargetError::Several),
    };
    // A granted resource that was removed from the document is unknown, too.
    if !client.resources.iter().any(|allowed| allowed == wanted) {
        return Err(TargetError::Unknown);
    }
    resources.get(wanted).map(Some).ok_or(TargetError::Unknown)
}

/// The scope of an access token. For a resource it contains only scope tokens of this resource, and never `account`.
#[must_use]
pub fn scope_for(granted: &ScopeSet, target: Option<&Resource>) -> ScopeSet {
    match target {
        Some(resource) => granted.intersection(&resource.scope).without(ACCOUNT),
        None => granted.clone(),
    }
}

/// The signature algorithm of an access token. The setting of the resource has priority over the client's.
#[must_use]
pub fn algorithm_for(client: &Client, target: Option<&Resource>) -> SigningAlgorithm {
    target.and_then(|resource| resource.signed_response_alg).unwrap_or(client.access_token_signed_response_alg)
}

//! Resource indicators (RFC 8707): one token, at most one audience besides the issuer.

use super::client::{Client, SigningAlgorithm};
use super::scope::{ACCOUNT, ScopeSet};
use crate::domain::tenant::Resource;
use std::collections::BTreeMap;

/// Why a `resource` is refused; always `invalid_target` (RFC 8707 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// More than one: ask for a token each.
    #[error("one resource at a time")]
    Several,
    /// Not in the tenant document, or not among this client's.
    #[error("resource is unknown or not this client's")]
    Unknown,
    /// Another than the one that was granted.
    #[error("resource is not the one that was granted")]
    NotGranted,
}

/// The resource that a token is for: the one asked for, else the one granted, else none (the issuer is the audience).
///
/// `granted` is what the grant was narrowed to at authorization; a token request may narrow further, never turn elsewhere (§2.2).
///
/// # Errors
/// Why there can be no such token.
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
    // A resource that left the document since it was granted is as unknown as any other.
    if !client.resources.iter().any(|allowed| allowed == wanted) {
        return Err(TargetError::Unknown);
    }
    resources.get(wanted).map(Some).ok_or(TargetError::Unknown)
}

/// The scope of an access token: for a resource only what that resource knows, and never the self-service API's.
#[must_use]
pub fn scope_for(granted: &ScopeSet, target: Option<&Resource>) -> ScopeSet {
    match target {
        Some(resource) => granted.intersection(&resource.scope).without(ACCOUNT),
        None => granted.clone(),
    }
}

/// The signature of an access token: the resource's wish goes before the client's.
#[must_use]
pub fn algorithm_for(client: &Client, target: Option<&Resource>) -> SigningAlgorithm {
    target.and_then(|resource| resource.signed_response_alg).unwrap_or(client.access_token_signed_response_alg)
}

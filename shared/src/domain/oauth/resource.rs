//! Resource indicators (RFC 8707): a token has one audience, the issuer or one resource.
//!
//! Without a `resource` the audience follows from the scope (RFC 9068 §3): a scope that belongs to one resource gives a token for it.

use super::client::{Client, SigningAlgorithm};
use super::error::OAuthErrorCode;
use super::scope::{ACCOUNT, OF_A_PERSON, OFFLINE_ACCESS, ScopeSet};
use crate::domain::tenant::Resource;
use std::collections::BTreeMap;

/// Why a token has no audience.
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
    /// No resource is requested, and the scope belongs to several, or to one that the client may not use.
    #[error("the scope does not name one audience")]
    Ambiguous,
    /// The scope has no token of the resource.
    #[error("the scope has nothing of the resource")]
    NoScope,
}

impl TargetError {
    /// The error code of the protocol (RFC 8707 §2, RFC 6749 §5.2).
    #[must_use]
    pub const fn code(self) -> OAuthErrorCode {
        match self {
            Self::Several | Self::Unknown | Self::NotGranted | Self::Ambiguous => OAuthErrorCode::InvalidTarget,
            Self::NoScope => OAuthErrorCode::InvalidScope,
        }
    }
    /// The error description for the caller.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Several => "only one resource per token; request one token for each resource",
            Self::Unknown => "this client may not request this resource",
            Self::NotGranted => "resource is not the one of the authorization request",
            Self::Ambiguous => {
                "the scope belongs to several resources, or to one that this client may not request; name one resource"
            }
            Self::NoScope => "the scope has nothing of this resource; request a scope of the resource",
        }
    }
}

/// Returns the resource of a token: the requested one, otherwise the granted one, otherwise the one that the scope belongs to, otherwise
/// none (the issuer is the audience).
///
/// `granted` is the resource of the authorization. A token request may narrow further, and must not name another resource (§2.2).
/// `scope` is what the token would contain. If it names no single audience, the audience is the issuer: the user's sign-in is not refused
/// for it.
///
/// # Errors
/// Why the resource is refused.
pub fn find_target<'a>(
    granted: Option<&str>,
    requested: &[&str],
    scope: &ScopeSet,
    client: &Client,
    resources: &'a BTreeMap<String, Resource>,
) -> Result<Option<&'a Resource>, TargetError> {
    let wanted = match (requested, granted) {
        ([], None) => return Ok(infer_target(scope, client, resources).unwrap_or_default()),
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

/// As [`find_target`], for a token that a client gets for itself. There is no user, so such a token is worth what its scope says: the scope
/// must belong to the audience.
///
/// # Errors
/// Why there is no such token.
pub fn find_own_target<'a>(
    requested: &[&str],
    scope: &ScopeSet,
    client: &Client,
    resources: &'a BTreeMap<String, Resource>,
) -> Result<Option<&'a Resource>, TargetError> {
    if requested.is_empty() {
        return infer_target(scope, client, resources);
    }
    let target = find_target(None, requested, scope, client, resources)?;
    // A resource without scopes of its own needs none.
    let has_no_scope = |target: &Resource| !target.scope.is_empty() && scope_for(scope, Some(target)).is_empty();
    if target.is_some_and(has_no_scope) { Err(TargetError::NoScope) } else { Ok(target) }
}

/// The one resource of the client that knows the whole scope. A scope about the user, or of no resource, is for the issuer.
fn infer_target<'a>(
    scope: &ScopeSet,
    client: &Client,
    resources: &'a BTreeMap<String, Resource>,
) -> Result<Option<&'a Resource>, TargetError> {
    let scope = scope.without(OFFLINE_ACCESS);
    let is_of_a_resource = |token: &str| resources.values().any(|resource| resource.scope.contains(token));
    if scope.iter().any(|token| OF_A_PERSON.contains(&token)) || !scope.iter().any(is_of_a_resource) {
        return Ok(None);
    }
    let usable = client.resources.iter().filter_map(|name| resources.get(name));
    let mut knowing = usable.filter(|resource| scope.is_subset(&resource.scope));
    match (knowing.next(), knowing.next()) {
        (Some(only), None) => Ok(Some(only)),
        (None, _) | (Some(_), Some(_)) => Err(TargetError::Ambiguous),
    }
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

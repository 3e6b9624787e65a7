//! `grant_type=client_credentials`: a client acts for itself (RFC 6749 §4.4; security 26).
//!
//! No ID token, no refresh token, nothing about a person; `sub` is the client. Nothing is read and nothing is written.

use super::client::{Client, GrantType};
use super::error::OAuthErrorCode;
use super::issue::AccessGrant;
use super::resource::{TargetError, algorithm_for, find_target, scope_for};
use super::scope::{OF_A_PERSON, ScopeSet};
use crate::domain::roles::Roles;
use crate::domain::tenant::{Resource, TokenPolicy};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// Why a client gets no token for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientCredentialsRefused {
    /// It may not use this grant, or can't keep a secret.
    #[error("the client may not use client_credentials")]
    NotAllowed,
    /// It asked for more than it may have, or for scopes about a person.
    #[error("scope exceeds what the client may have for itself")]
    ScopeExceeded,
    /// The `resource` is not to be had.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl ClientCredentialsRefused {
    /// The code as the protocol has it.
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::NotAllowed => OAuthErrorCode::UnauthorizedClient,
            Self::ScopeExceeded => OAuthErrorCode::InvalidScope,
            Self::Target(_) => OAuthErrorCode::InvalidTarget,
        }
    }
    /// What the caller is told.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotAllowed => "this client may not use grant_type client_credentials",
            Self::ScopeExceeded => "scope exceeds what this client may have for itself; scopes about a person need a person",
            Self::Target(TargetError::Several) => "one resource at a time; ask for a token for each",
            Self::Target(TargetError::Unknown | TargetError::NotGranted) => "this client may not ask for that resource",
        }
    }
}

/// The token that a client gets for itself: what it asks for, or all that it may have.
///
/// # Errors
/// Why it gets none.
pub fn issue_to_client(
    client: &Client,
    scope: Option<&ScopeSet>,
    resource: &[&str],
    resources: &BTreeMap<String, Resource>,
    policy: TokenPolicy,
    now: Timestamp,
) -> Result<AccessGrant, ClientCredentialsRefused> {
    if !client.is_confidential() || !client.allows(GrantType::ClientCredentials) {
        return Err(ClientCredentialsRefused::NotAllowed);
    }
    let target = find_target(None, resource, client, resources)?;
    let own = OF_A_PERSON.iter().fold(client.scope.clone(), |scope, of_a_person| scope.without(of_a_person));
    let available = scope_for(&own, target);
    let scope = match scope {
        Some(asked) if !asked.is_subset(&available) => return Err(ClientCredentialsRefused::ScopeExceeded),
        Some(asked) => asked.clone(),
        None => available,
    };
    Ok(AccessGrant {
        scope,
        resource: target.map(|r| r.resource.clone()),
        roles: Roles::default(),
        algorithm: algorithm_for(client, target),
        expires_at: now + policy.access,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::client::{SigningAlgorithm, TokenEndpointAuthMethod};
    use crate::domain::oauth::fixture::{NOW, ORDERS, POLICY, client, resources, scope};

    fn issue(client: &Client, asked: Option<&str>, resource: &[&str]) -> Result<AccessGrant, ClientCredentialsRefused> {
        issue_to_client(client, asked.map(scope).as_ref(), resource, &resources(), POLICY, NOW)
    }

    #[test]
    fn security_26_a_client_gets_what_is_its_own_and_nothing_about_a_person() {
        use ClientCredentialsRefused::{ScopeExceeded, Target};
        type Expected = Result<&'static str, ClientCredentialsRefused>;
        let cases: [(&str, Option<&str>, &[&str], Expected); 9] = [
            ("all that it may have", None, &[], Ok("orders:read")),
            ("what it asks for", Some("orders:read"), &[], Ok("orders:read")),
            ("openid", Some("openid"), &[], Err(ScopeExceeded)),
            ("account", Some("account orders:read"), &[], Err(ScopeExceeded)),
            ("offline_access", Some("offline_access"), &[], Err(ScopeExceeded)),
            ("a scope it has not", Some("orders:write"), &[], Err(ScopeExceeded)),
            ("for a resource", None, &[ORDERS], Ok("orders:read")),
            ("for an unknown resource", None, &["https://nobody.example"], Err(Target(TargetError::Unknown))),
            ("for two", None, &[ORDERS, ORDERS], Err(Target(TargetError::Several))),
        ];
        for (what, asked, resource, expected) in cases {
            assert_eq!(issue(&client(), asked, resource).map(|g| g.scope), expected.map(scope), "{what}");
        }
    }

    #[test]
    fn only_a_confidential_client_with_the_grant_gets_one() {
        let without = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
        let public = Client { token_endpoint_auth_method: TokenEndpointAuthMethod::None, ..client() };
        for refused in [without, public] {
            assert_eq!(issue(&refused, None, &[]), Err(ClientCredentialsRefused::NotAllowed));
        }
    }

    #[test]
    fn the_resource_decides_audience_and_signature() {
        let issued = issue(&client(), None, &[ORDERS]).unwrap();
        assert_eq!(issued.resource.as_deref(), Some(ORDERS));
        assert_eq!(issued.algorithm, SigningAlgorithm::RS256);
        assert_eq!(issued.expires_at, NOW + POLICY.access);
    }
}

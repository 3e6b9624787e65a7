//! `grant_type=client_credentials`: a client acts for itself (RFC 6749 §4.4; security 26).
//!
//! There is no ID token, no refresh token and no data of a user. `sub` is the client. Nothing is read from or written to the tables.

use super::client::{Client, GrantType};
use super::error::OAuthErrorCode;
use super::issue::AccessGrant;
use super::resource::{TargetError, algorithm_for, find_own_target, scope_for};
use super::scope::{OF_A_PERSON, ScopeSet};
use crate::domain::roles::Roles;
use crate::domain::tenant::{Resource, TokenPolicy};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// Why a client gets no token for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientCredentialsRefused {
    /// The client may not use this grant type, or cannot keep a secret.
    #[error("the client may not use client_credentials")]
    NotAllowed,
    /// The client requested more scope than it may have, or scope about a user.
    #[error("scope exceeds what the client may have for itself")]
    ScopeExceeded,
    /// The `resource` is not available.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl ClientCredentialsRefused {
    /// The error code of the protocol.
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::NotAllowed => OAuthErrorCode::UnauthorizedClient,
            Self::ScopeExceeded => OAuthErrorCode::InvalidScope,
            Self::Target(error) => error.code(),
        }
    }
    /// The error description for the caller.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NotAllowed => "this client may not use grant_type client_credentials",
            Self::ScopeExceeded => "scope exceeds what this client may have for itself; scopes about a user need a sign-in",
            Self::Target(error) => error.description(),
        }
    }
}

/// Issues a token for the client itself, with the requested scope, or with its whole scope.
///
/// # Errors
/// Why the client gets no token.
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
    let own = OF_A_PERSON.iter().fold(client.scope.clone(), |scope, of_a_person| scope.without(of_a_person));
    if scope.is_some_and(|asked| !asked.is_subset(&own)) {
        return Err(ClientCredentialsRefused::ScopeExceeded);
    }
    let target = find_own_target(resource, scope.unwrap_or(&own), client, resources)?;
    let available = scope_for(&own, target);
    let scope = match scope {
        // A part of the requested scope belongs to another audience: a token without it would be less than what was requested.
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

    /// A client with scopes of two resources, and of none.
    fn of_two() -> (Client, BTreeMap<String, Resource>) {
        let client = Client {
            scope: scope("orders:read orders:write stock:read metrics"),
            resources: vec![ORDERS.to_owned(), "https://stock.example".to_owned()],
            ..client()
        };
        let resource = |id: &str, text: &str| {
            let resource = Resource { resource: id.to_owned(), scope: scope(text), signed_response_alg: None };
            (id.to_owned(), resource)
        };
        let resources = [
            resource(ORDERS, "orders:read orders:write"),
            resource("https://stock.example", "stock:read"),
            resource("https://hidden.example", "hidden:read"),
        ];
        (client, resources.into())
    }

    #[test]
    fn security_27_the_audience_follows_from_the_scope() {
        use TargetError::{Ambiguous, NoScope};
        type Expected = Result<(Option<&'static str>, &'static str), ClientCredentialsRefused>;
        let stock = "https://stock.example";
        let cases: [(Option<&str>, &[&str], Expected); 10] = [
            (Some("orders:read"), &[], Ok((Some(ORDERS), "orders:read"))),
            (Some("orders:read orders:write"), &[], Ok((Some(ORDERS), "orders:read orders:write"))),
            (Some("stock:read"), &[], Ok((Some(stock), "stock:read"))),
            (Some("metrics"), &[], Ok((None, "metrics"))),
            (Some("orders:read stock:read"), &[], Err(Ambiguous.into())),
            (Some("orders:read metrics"), &[], Err(Ambiguous.into())),
            (None, &[], Err(Ambiguous.into())),
            (None, &[ORDERS], Ok((Some(ORDERS), "orders:read orders:write"))),
            (Some("metrics"), &[ORDERS], Err(NoScope.into())),
            (Some("orders:read stock:read"), &[ORDERS], Err(ClientCredentialsRefused::ScopeExceeded)),
        ];
        let (client, resources) = of_two();
        let issue = |client: &Client, asked: Option<&str>, resource: &[&str]| {
            issue_to_client(client, asked.map(scope).as_ref(), resource, &resources, POLICY, NOW)
        };
        for (asked, resource, expected) in cases {
            let issued = issue(&client, asked, resource);
            let expected = expected.map(|(audience, text)| (audience.map(str::to_owned), scope(text)));
            assert_eq!(issued.map(|g| (g.resource, g.scope)), expected, "{asked:?} {resource:?}");
        }
        let hidden = Client { scope: scope("hidden:read"), ..client };
        assert_eq!(issue(&hidden, None, &[]), Err(Ambiguous.into()), "the scope of a resource that it may not use");
        let none = Client { scope: ScopeSet::default(), ..hidden };
        assert_eq!(issue(&none, None, &[ORDERS]), Err(NoScope.into()));
        assert_eq!(issue(&none, None, &[]).map(|g| g.resource), Ok(None));
    }

    fn issue(client: &Client, asked: Option<&str>, resource: &[&str]) -> Result<AccessGrant, ClientCredentialsRefused> {
        issue_to_client(client, asked.map(scope).as_ref(), resource, &resources(), POLICY, NOW)
    }

    #[test]
    fn security_26_a_client_gets_its_own_scope_and_nothing_about_a_user() {
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
            ("for an unknown resource", None, &["https://unknown.example"], Err(Target(TargetError::Unknown))),
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

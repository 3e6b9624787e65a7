//! Client authentication: exactly the registered method (RFC 6749 §2.3; security 25, 39, 41).
//!
//! 1. Find what was presented: only a `client_id`, HTTP Basic, or a secret in the body. Two methods at once are refused.
//! 2. The client must be registered for exactly this method, and the secret must be one of its own.
//!
//! An unknown client, a wrong method and a wrong secret get the same response after the same work.

use super::extract::TenantHandle;
use super::oauth_error::OAuthError;
use super::params::{Params, decode};
use crate::domain::id::ClientId;
use crate::domain::oauth::client::{Client, TokenEndpointAuthMethod};
use crate::domain::oauth::error::OAuthErrorCode;
use crate::domain::secret::{SecretHash, SecretText, hash_text};
use crate::services::Services;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::BASE64;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use std::collections::BTreeMap;

/// A form that an authenticated client posted to a protocol endpoint. A public client is only identified.
pub struct ClientRequest {
    /// The tenant and the context of the request.
    pub handle: TenantHandle,
    /// The client.
    pub client: Client,
    /// The parameters of the body. The query is ignored (security 20).
    pub params: Params,
}

impl FromRequest<Services> for ClientRequest {
    type Rejection = Response;
    async fn from_request(request: Request, services: &Services) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let handle = TenantHandle::from_request_parts(&mut parts, services).await.map_err(IntoResponse::into_response)?;
        let params = form(&parts.headers, body, services).await.map_err(IntoResponse::into_response)?;
        let clients = &handle.tenant.config.clients;
        let client = authenticate(clients, &parts.headers, &params).map_err(IntoResponse::into_response)?.clone();
        Ok(Self { handle, client, params })
    }
}

/// The parameters of a form. None may repeat, except `resource` (RFC 8707 §2).
async fn form(headers: &HeaderMap, body: Body, services: &Services) -> Result<Params, OAuthError> {
    const NOT_A_FORM: OAuthError =
        OAuthError::new(OAuthErrorCode::InvalidRequest, "The body must be application/x-www-form-urlencoded");
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let essence = types.next().and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    let is_form = essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if !is_form || types.next().is_some() {
        return Err(NOT_A_FORM);
    }
    let body = Bytes::from_request(Request::new(body), services).await.map_err(|_| NOT_A_FORM)?;
    let params = Params::parse(&body)?;
    params.none_repeated_except(&["resource"])?;
    Ok(params)
}

/// The presented credentials.
enum Presented {
    Nothing { client_id: String },
    Basic { client_id: String, secret: SecretText },
    Post { client_id: String, secret: SecretText },
}

/// The client of a request.
///
/// # Errors
/// `invalid_request` if the method is ambiguous, otherwise `invalid_client`.
pub fn authenticate<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    headers: &HeaderMap,
    params: &Params,
) -> Result<&'c Client, OAuthError> {
    let presented = presented(headers, params)?;
    let (client_id, method, secret) = match &presented {
        Presented::Nothing { client_id } => (client_id, TokenEndpointAuthMethod::None, None),
        // Some libraries send HTTP Basic for every client: an empty secret is none (RFC 6749 §2.3.1 lets a client omit it).
        Presented::Basic { client_id, secret } if secret.expose().is_empty() => {
            (client_id, TokenEndpointAuthMethod::None, None)
        }
        Presented::Basic { client_id, secret } => (client_id, TokenEndpointAuthMethod::ClientSecretBasic, Some(secret)),
        Presented::Post { client_id, secret } => (client_id, TokenEndpointAuthMethod::ClientSecretPost, Some(secret)),
    };
    let client = client_id.parse::<ClientId>().ok().and_then(|id| clients.get(&id));
    let hashes = client.map_or(&[][..], |client| &client.secret_hashes);
    let authentic = match secret {
        Some(secret) => is_one_of(hash_text(secret.expose()), hashes),
        None => true,
    };
    match client {
        Some(client) if client.token_endpoint_auth_method == method && authentic => Ok(client),
        Some(_) | None => Err(OAuthError {
            basic: matches!(presented, Presented::Basic { .. }),
            ..OAuthError::new(OAuthErrorCode::InvalidClient, "Client authentication failed")
        }),
    }
}

/// Whether the digest is one of these. The number of comparisons is the same for a client with one secret, two, or none.
fn is_one_of(presented: SecretHash, hashes: &[SecretHash]) -> bool {
    // No secret has this digest.
    const NO_DIGEST: SecretHash = SecretHash::from_bytes([0; 32]);
    let first = presented == *hashes.first().unwrap_or(&NO_DIGEST);
    let second = presented == *hashes.get(1).unwrap_or(&NO_DIGEST);
    first | second
}

/// The client id that a request claims, and whether a secret comes with it, before anything is checked.
pub(super) fn claimed_client(headers: &HeaderMap, params: &Params) -> Option<(String, bool)> {
    presented(headers, params).ok().map(|presented| match presented {
        Presented::Nothing { client_id } => (client_id, false),
        Presented::Basic { client_id, secret } | Presented::Post { client_id, secret } => {
            (client_id, !secret.expose().is_empty())
        }
    })
}

fn presented(headers: &HeaderMap, params: &Params) -> Result<Presented, OAuthError> {
    const TWO_METHODS: OAuthError =
        OAuthError::new(OAuthErrorCode::InvalidRequest, "Only one method of client authentication may be used");
    let client_id = params.one("client_id")?;
    let client_secret = params.one("client_secret")?;
    // RFC 7521 §4.2: no client is registered for assertions. An assertion next to another method still counts as a second method.
    let assertion = params.one("client_assertion")?.or(params.one("client_assertion_type")?);
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    match (authorizations.next(), client_secret, assertion) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => Err(TWO_METHODS),
        (Some(_), None, None) if authorizations.next().is_some() => Err(TWO_METHODS),
        (Some(authorization), None, None) => {
            let (basic_id, secret) = read_basic(authorization.as_bytes()).ok_or(OAuthError {
                basic: true,
                ..OAuthError::new(OAuthErrorCode::InvalidClient, "Client authentication failed")
            })?;
            match client_id {
                Some(client_id) if client_id != basic_id => {
                    Err(OAuthError::new(OAuthErrorCode::InvalidRequest, "client_id is not the one of the Authorization header"))
                }
                Some(_) | None => Ok(Presented::Basic { client_id: basic_id, secret }),
            }
        }
        (None, Some(secret), None) => {
            let client_id = client_id.ok_or(OAuthError::new(OAuthErrorCode::InvalidRequest, "client_id is missing"))?;
            Ok(Presented::Post { client_id: client_id.to_owned(), secret: secret.into() })
        }
        (None, None, Some(_)) => Err(OAuthError::new(OAuthErrorCode::InvalidClient, "Client authentication failed")),
        (None, None, None) => match client_id {
            Some(client_id) => Ok(Presented::Nothing { client_id: client_id.to_owned() }),
            None => Err(OAuthError::new(OAuthErrorCode::InvalidRequest, "client_id is missing")),
        },
    }
}

/// Parses `Basic` credentials. The id and the secret are form-encoded inside (RFC 6749 §2.3.1).
fn read_basic(authorization: &[u8]) -> Option<(String, SecretText)> {
    let (scheme, credentials) = authorization.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = BASE64.decode(credentials.trim_ascii()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let client_id = decode(&pair[..colon], true).ok()?;
    let secret = decode(&pair[colon + 1..], true).ok()?;
    (!client_id.is_empty()).then(|| (client_id, SecretText::from(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::client::{PkcePolicy, SigningAlgorithm};
    use crate::domain::oauth::scope::ScopeSet;
    use crate::domain::tenant::Localized;
    use http::HeaderValue;

    fn clients() -> BTreeMap<ClientId, Client> {
        use TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost, None};
        let client = |id: &str, method, secrets: &[&str]| {
            let client_id: ClientId = id.parse().unwrap();
            let client = Client {
                client_id: client_id.clone(),
                client_name: Localized::default(),
                first_party: false,
                token_endpoint_auth_method: method,
                secret_hashes: secrets.iter().map(|secret| hash_text(secret)).collect(),
                secret_needs_encoding: false,
                redirect_uris: vec![],
                post_logout_redirect_uris: vec![],
                grant_types: vec![],
                scope: ScopeSet::default(),
                response_modes: vec![],
                pkce: PkcePolicy::Required,
                id_token_signed_response_alg: SigningAlgorithm::RS256,
                access_token_signed_response_alg: SigningAlgorithm::ES256,
                allowed_origins: vec![],
                resources: vec![],
                introspection_resources: vec![],
                id_token_claims: vec![],
                refresh_retry: crate::domain::oauth::rotate::RETRY,
                min_acr: Option::None,
                client_uri: Option::None,
            };
            (client_id, client)
        };
        [
            client("public", None, &[]),
            client("basic", ClientSecretBasic, &["s3cr:t+%", "old"]),
            client("post", ClientSecretPost, &["secret"]),
        ]
        .into()
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", BASE64.encode(credentials.as_bytes()))
    }

    fn outcome(authorization: &[String], body: &str) -> Result<String, (&'static str, bool)> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let clients = clients();
        authenticate(&clients, &headers, &Params::parse(body.as_bytes()).unwrap())
            .map(|client| client.client_id.to_string())
            .map_err(|error| (error.code.as_str(), error.basic))
    }

    #[test]
    fn security_39_only_the_registered_method_is_accepted() {
        let good = [
            (vec![], "client_id=public", "public"),
            // An empty secret is none.
            (vec![basic("public:")], "", "public"),
            (vec![basic("public:")], "client_id=public", "public"),
            (vec![basic("basic:s3cr%3At%2B%25")], "", "basic"),
            (vec![basic("basic:s3cr:t%2B%25")], "", "basic"),
            (vec![basic("b%61sic:old")], "client_id=basic", "basic"),
            (vec![basic("basic:old").replace("Basic", "bASIC")], "", "basic"),
            (vec![], "client_id=post&client_secret=secret", "post"),
        ];
        for (authorization, body, expected) in good {
            assert_eq!(outcome(&authorization, body), Ok(expected.to_owned()), "{authorization:?} {body}");
        }
        let failed = ("invalid_client", false);
        let failed_basic = ("invalid_client", true);
        let two = ("invalid_request", false);
        let bad = [
            ("a confidential client without its secret", vec![], "client_id=basic", failed),
            ("a secret of a public client", vec![], "client_id=public&client_secret=secret", failed),
            ("Basic by a public client", vec![basic("public:x")], "", failed_basic),
            ("a public client and a secret in the body", vec![basic("public:")], "client_secret=x", two),
            ("Basic by a client of the body method", vec![basic("post:secret")], "", failed_basic),
            ("the body method by a client of Basic", vec![], "client_id=basic&client_secret=old", failed),
            ("a wrong secret", vec![basic("basic:new")], "", failed_basic),
            ("an empty secret", vec![basic("basic:")], "", failed_basic),
            ("a prefix of the secret", vec![basic("basic:ol")], "", failed_basic),
            ("an unknown client", vec![basic("unknown:old")], "", failed_basic),
            ("an unknown public client", vec![], "client_id=unknown", failed),
            ("a client id outside the alphabet", vec![], "client_id=no%20body", failed),
            ("an assertion", vec![], "client_id=public&client_assertion=x&client_assertion_type=y", failed),
            ("another scheme", vec!["Bearer x".to_owned()], "client_id=public", failed_basic),
            ("Basic without a colon", vec![basic("basic")], "", failed_basic),
            ("Basic that is no base64", vec!["Basic !!!".to_owned()], "", failed_basic),
            ("Basic with bad percent-encoding", vec![basic("basic:s3cr:t+%")], "", failed_basic),
            ("Basic and a secret", vec![basic("post:secret")], "client_id=post&client_secret=secret", two),
            ("Basic and an assertion", vec![basic("basic:old")], "client_assertion=x", two),
            ("a secret and an assertion", vec![], "client_id=post&client_secret=secret&client_assertion=x", two),
            ("Basic twice", vec![basic("basic:old"), basic("basic:old")], "", two),
            ("Basic and another client_id", vec![basic("basic:old")], "client_id=post", two),
            ("nothing", vec![], "", two),
            ("a secret alone", vec![], "client_secret=secret", two),
        ];
        for (what, authorization, body, expected) in bad {
            assert_eq!(outcome(&authorization, body), Err(expected), "{what}");
        }
    }

    #[test]
    fn security_25_an_unknown_client_and_a_bad_secret_get_the_same_answer() {
        let error = |credentials: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&basic(credentials)).unwrap());
            let clients = clients();
            let error = authenticate(&clients, &headers, &Params::default()).unwrap_err();
            (error.code, error.description, error.basic)
        };
        assert_eq!(error("basic:wrong"), error("unknown:wrong"));
    }

    #[test]
    fn security_41_each_of_two_secrets_is_accepted_and_no_third() {
        let [a, b, c] = ["a", "b", "c"].map(hash_text);
        let cases =
            [(a, vec![a, b], true), (b, vec![a, b], true), (c, vec![a, b], false), (a, vec![a], true), (a, vec![], false)];
        for (presented, hashes, expected) in cases {
            assert_eq!(is_one_of(presented, &hashes), expected);
        }
    }
}

//! OAuth clients: their metadata from the tenant document, with the names of RFC 7591 §2.

use super::scope::ScopeSet;
use crate::domain::id::ClientId;
use crate::domain::roles::Roles;
use crate::domain::secret::SecretHash;
use crate::domain::sign_in::assurance::Acr;
use crate::domain::time::Span;
use serde::{Deserialize, Serialize};

/// How a client authenticates at the token endpoint (RFC 7591 §2 `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// A public client.
    None,
    /// HTTP Basic with form-encoded values (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
}

/// Grants that a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8693, for tokens of the legacy user pool.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

/// Whether the code flow needs PKCE; optional only for confidential clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkcePolicy {
    /// Every authorization request must have an S256 challenge.
    #[default]
    Required,
    /// The challenge may be omitted. If it is sent, it is checked.
    Optional,
}

/// How the response of the authorization endpoint is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In a form that submits itself (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// Signature algorithms (RFC 7518 §3.1, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// A registered client. Its values are validated with the tenant document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its identifier.
    pub client_id: ClientId,
    /// The name that users see, by locale (the empty key is the default).
    pub client_name: crate::domain::tenant::Localized,
    /// Whether the company itself owns the client. Such a client may have scope `account`, and consent may be skipped.
    pub first_party: bool,
    /// How the client authenticates.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// SHA-256 of its secrets: one, or two during a rotation.
    pub secret_hashes: Vec<SecretHash>,
    /// Whether a secret in clear text in the document has characters that HTTP Basic must form-encode (RFC 6749 §2.3.1).
    pub secret_needs_encoding: bool,
    /// URIs that may receive codes. Compared byte by byte.
    pub redirect_uris: Vec<String>,
    /// URIs that a sign-out may return to. Compared byte by byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// The grant types that it may use.
    pub grant_types: Vec<GrantType>,
    /// The scope that it may request.
    pub scope: ScopeSet,
    /// The response modes that it may request.
    pub response_modes: Vec<ResponseMode>,
    /// Whether PKCE is required.
    pub pkce: PkcePolicy,
    /// The signature algorithm of its ID tokens (`id_token_signed_response_alg`).
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// The signature algorithm of its access tokens.
    pub access_token_signed_response_alg: SigningAlgorithm,
    /// Browser origins that may call the API for it (CORS).
    pub allowed_origins: Vec<String>,
    /// Resource servers that it may request tokens for (RFC 8707).
    pub resources: Vec<String>,
    /// The resource servers that this client is: it may introspect access tokens for them (RFC 7662 §4).
    pub introspection_resources: Vec<String>,
    /// Claims about the user that its ID tokens contain, if the scope allows them. Without any, they are only in userinfo.
    pub id_token_claims: Vec<String>,
    /// How long after a rotation a spent refresh token is a retry and no reuse.
    pub refresh_retry: Span,
    /// The level that every sign-in to it must reach.
    pub min_acr: Option<Acr>,
    /// The URL of the application, for links back to it.
    pub client_uri: Option<String>,
}

impl Client {
    /// Returns whether the client can keep a secret.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.token_endpoint_auth_method != TokenEndpointAuthMethod::None
    }
    /// The user's roles in its access tokens. Only first-party applications get roles.
    #[must_use]
    pub fn visible_roles(&self, roles: &Roles) -> Roles {
        if self.first_party { roles.clone() } else { Roles::default() }
    }
    /// Returns whether the client may have tokens of a sign-in with this level.
    #[must_use]
    pub fn accepts(&self, level: Acr) -> bool {
        self.min_acr.is_none_or(|min| level >= min)
    }
    /// Returns whether the client may use this grant type.
    #[must_use]
    pub fn allows(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }
}

//! OAuth clients: metadata by the names of RFC 7591 §2, as the tenant document gives them.

use super::scope::ScopeSet;
use crate::domain::id::ClientId;
use crate::domain::roles::Roles;
use crate::domain::secret::SecretHash;
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
    /// RFC 8693, for tokens of the former user pool.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

/// Whether the code flow needs PKCE; optional only for confidential clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkcePolicy {
    /// Every authorization request carries an S256 challenge.
    #[default]
    Required,
    /// May be left out; used in full where it is sent.
    Optional,
}

/// How the answer of the authorization endpoint travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In a form that posts itself (OAuth 2.0 Form Post Response Mode).
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

/// A registered client. Values are validated when the tenant document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its identifier.
    pub client_id: ClientId,
    /// The name that people see, by locale (the empty key is the default).
    pub client_name: crate::domain::tenant::Localized,
    /// Owned by the company itself: may have scope `account`, and consent may be skipped.
    pub first_party: bool,
    /// How it authenticates.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// SHA-256 of its secrets: one, or two while one is rotated.
    pub secret_hashes: Vec<SecretHash>,
    /// Where codes may be sent; compared as exact bytes.
    pub redirect_uris: Vec<String>,
    /// Where a sign-out may return to; compared as exact bytes.
    pub post_logout_redirect_uris: Vec<String>,
    /// What it may use.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    pub scope: ScopeSet,
    /// How it may be answered.
    pub response_modes: Vec<ResponseMode>,
    /// Whether PKCE is required.
    pub pkce: PkcePolicy,
    /// Signature of its ID tokens (`id_token_signed_response_alg`).
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// Signature of its access tokens.
    pub access_token_signed_response_alg: SigningAlgorithm,
    /// Browser origins that may call the API for it (CORS).
    pub allowed_origins: Vec<String>,
    /// Resource servers it may ask tokens for (RFC 8707).
    pub resources: Vec<String>,
    /// Where it lives, for links back.
    pub client_uri: Option<String>,
}

impl Client {
    /// Whether it can keep a secret.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.token_endpoint_auth_method != TokenEndpointAuthMethod::None
    }
    /// The roles that its access tokens tell of a person: only the company's own applications are told any.
    #[must_use]
    pub fn told_roles(&self, roles: &Roles) -> Roles {
        if self.first_party { roles.clone() } else { Roles::default() }
    }
    /// Whether it may use this grant.
    #[must_use]
    pub fn allows(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }
}

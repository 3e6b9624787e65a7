//! OAuth 2.0 and OpenID Connect: one file for each decision.

pub mod access_token;
pub mod authorization_request;
pub mod authorization_response;
pub mod authorize;
pub mod claims;
pub mod client;
pub mod client_credentials;
pub mod error;
pub mod exchange;
pub mod grant;
pub mod introspect;
pub mod issue;
pub mod logout;
pub mod pkce;
pub mod redeem;
pub mod redirect_uri;
pub mod resource;
pub mod revoke;
pub mod rotate;
pub mod scope;
pub mod user_claims;

#[cfg(test)]
pub(crate) mod fixture;

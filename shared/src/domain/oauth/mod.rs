//! OAuth 2.0 and OpenID Connect: one file for each decision.

pub mod authorization_request;
pub mod authorization_response;
pub mod client;
pub mod error;
pub mod grant;
pub mod pkce;
pub mod redirect_uri;
pub mod scope;

//! OAuth 2.0 and OpenID Connect: one file for each decision.

pub mod client;
pub mod error;
pub mod grant;
pub mod pkce;
pub mod scope;

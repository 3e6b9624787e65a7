//! The HTTP layer: extractors, cookies, headers, pages, and the two error renderers.
//!
//! A function's routes are written once, as `Router<Services>`, and mounted by [`mount`] at `/` and at `/t/{tenant}`.

pub mod account;
pub mod bearer;
pub mod browser;
pub mod client_authentication;
mod cookie;
pub mod cors;
pub mod extract;
pub mod fields;
pub mod funnel;
pub mod headers;
mod json;
#[cfg(test)]
mod messages_tests;
pub mod mount;
pub mod oauth_error;
pub mod page;
pub mod params;
pub mod passkey;
pub mod passkey_offer;
pub mod passkey_signals;
pub mod problem;
pub mod requirements;
pub mod self_service;
pub mod session;
pub mod sign_in_attempt;
pub mod source;
pub mod stored_request;
pub mod template;
mod tenant_name;
mod trigger;

pub use crate::locale;
pub use account::{AccountPage, AccountPageError, AdmittedUser, Section};
pub use browser::Browser;
pub use extract::{FormBody, Host, JsonBody, MergePatch, QueryParams, TenantHandle};
pub use mount::mount;
pub use oauth_error::OAuthError;
pub use page::Page;
pub use params::Params;
pub use problem::Problem;
pub use self_service::{AccountCredential, NotRecent, Principal, PrincipalParts, SelfService};

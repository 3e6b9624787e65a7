//! OAuth 2.0 and OpenID Connect: the token endpoint, metadata, and access to every route.

mod coverage;
mod isolation;
mod openapi;
mod token_access;
mod token_clients;
mod token_code;
mod token_content;
mod token_faults;
mod token_metadata;
mod token_narrowed;
mod token_refresh;
mod whole_flow;

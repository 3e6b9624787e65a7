//! Passkeys (WebAuthn 3): strict reading and every check of both ceremonies (decision 39).
//!
//! 1. [`ceremony`] reads what the browser posts and checks it. [`refusal`] names the rules.
//! 2. Signatures are verified by `keys`, which this module knows as [`public_key::SignatureVerifier`].

mod authenticator_data;
mod cbor;
pub mod ceremony;
mod client_data;
pub mod expected;
#[cfg(test)]
pub(crate) mod fixture;
pub mod public_key;
pub mod refusal;

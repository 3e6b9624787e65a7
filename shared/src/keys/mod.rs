//! Keys: the vault that wraps them, and the keyrings of a tenant, which seal, derive, hash, sign and verify.
//!
//! All keys are loaded once per tenant (one unwrap for each keyring, single-flight). After that everything is synchronous: no KMS
//! call on the request path. A function declares the [`Purpose`]s that it needs; any other is refused.

pub mod account_link;
mod aead;
#[cfg(test)]
mod confusion_tests;
pub mod data;
mod der;
pub mod digest;
mod failure;
pub mod former;
#[cfg(test)]
mod golden_tests;
pub mod identifier;
pub mod identifier_rotation;
mod jwk;
pub mod jwt;
mod key_versions;
pub mod keyring;
pub mod locator;
pub mod passkey;
pub mod password;
pub mod plain_user;
pub mod proof;
mod provision;
pub mod refresh;
mod remote;
mod ring;
mod root;
mod rotation;
pub mod rotation_request;
pub mod signing;
pub mod vault;
#[cfg(test)]
mod wycheproof_tests;

use crate::purpose::Purpose;

pub use account_link::AccountLink;
pub use data::{DataKey, SealedField};
pub use former::{LegacyKeys, LegacyTokenError};
pub use keyring::{Keys, TenantKeys};
pub use password::PasswordHasher;
pub use plain_user::PlainUser;
pub use remote::KmsSigningKeys;
pub use rotation::{JWKS_MAX_AGE, KeyState};
pub use vault::KeyVault;

/// A failure of keys. The caller is never at fault. It is 503 if it may pass, on its own or after an operator has repaired the
/// vault; otherwise 500.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The vault (KMS) did not answer or throttled the call.
    #[error("the key vault is unavailable")]
    VaultUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The vault refused: key disabled, no permission, wrong encryption context.
    #[error("the key vault refused")]
    VaultRefused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A wrapped key or sealed value does not open under its key.
    #[error("a sealed value does not open: {0}")]
    DoesNotOpen(&'static str),
    /// This function did not declare the purpose.
    #[error("this function has no key for {0:?}")]
    NotGranted(Purpose),
    /// There is no key of this version.
    #[error("no such key version")]
    UnknownVersion,
    /// The signing key of this algorithm was retired, and the next key does not sign yet.
    #[error("no {0} key signs at present")]
    NoActiveKey(&'static str),
    /// The tenant document requires KMS signatures, and the stack has no KMS key of this algorithm.
    #[error(
        "the tenant's document says signer = \"kms\", and this function was given no KMS key for {0}: deploy the stack with signing \
         keys in KMS, or set signer = \"local\""
    )]
    NoKmsKey(&'static str),
    /// A cryptographic operation failed that cannot fail on valid input: our fault.
    #[error("a cryptographic operation failed: {0}")]
    Failed(&'static str),
    /// The table of keys could not be read or written.
    #[error("the keys could not be loaded")]
    Store(#[from] crate::store::StoreError),
}

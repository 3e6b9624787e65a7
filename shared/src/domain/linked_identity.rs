//! Linked identities of an account at other identity providers, and the sentinels that claim them.

use super::account::Sealed;
use super::id::{AccountId, Sub};
use super::identifier::IdentifierHash;
use super::time::Timestamp;
use crate::digest::sha256;
use serde::{Deserialize, Serialize};

/// The keyed hash of a subject of another identity provider: HMAC-SHA-256 of issuer ‖ subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectHash(pub IdentifierHash);

/// The key version of the claim of a `sub`. No keyring has it: a `sub` is not secret, and its claim outlives every keyring.
pub const SUB_CLAIM_VERSION: u32 = 0;

impl SubjectHash {
    /// The key of the sentinel that claims a `sub` of this tenant: one `sub` has one account, whatever system it was imported
    /// from. The sentinel names no account, and stays: a `sub` is never assigned again (OpenID Connect Core §8).
    #[must_use]
    pub fn of_sub(sub: Sub) -> Self {
        Self(IdentifierHash { key_version: SUB_CLAIM_VERSION, hash: sha256(format!("sub\n{sub}").as_bytes()) })
    }
}

/// A subject of another identity provider, in clear. Issuer and subject together identify one user permanently (OpenID Connect
/// Core §5.7). Personal data: it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederatedSubject {
    /// The provider's issuer identifier.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
}

impl std::fmt::Debug for FederatedSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FederatedSubject(…)")
    }
}

/// An account's identity at another identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedIdentity {
    /// The account that has it.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The hashed subject: the key of the sentinel that claims it.
    #[serde(rename = "sj")]
    pub subject: SubjectHash,
    /// The [`FederatedSubject`] as JSON, sealed under the account's data key.
    #[serde(rename = "nm")]
    pub named: Sealed,
    /// When it was linked.
    #[serde(rename = "at")]
    pub linked_at: Timestamp,
}

/// The sentinel of a subject: the account that has it, or the fact that the account was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedSubject {
    /// The account that has it; none after the account was erased.
    #[serde(rename = "acc", default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// When it was claimed.
    pub at: Timestamp,
}

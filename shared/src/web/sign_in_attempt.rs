//! The sign-in attempt in the address of a page: sealed, with the request that it belongs to.
//!
//! The limit per source reads the account of the attempt before the request is known, so the request is inside the seal.

use crate::domain::id::{AccountId, AttemptId};
use crate::keys::KeyError;
use crate::keys::locator::LocatorKeyring;

/// The parameter that names the attempt of a second step.
pub const PARAMETER: &str = "lk_attempt";
const PURPOSE: &str = "sign-in attempt of a request";

/// The place of a sign-in attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLocator {
    /// The account of its first step.
    pub account: AccountId,
    /// The attempt.
    pub attempt: AttemptId,
}

impl AttemptLocator {
    /// The value of the parameter, for the request with this fingerprint.
    ///
    /// # Errors
    /// If sealing fails.
    pub fn seal(&self, locator: &LocatorKeyring, request: &[u8; 32]) -> Result<String, KeyError> {
        let plain = [request.as_slice(), self.account.as_bytes(), self.attempt.as_bytes()].concat();
        locator.seal(PURPOSE, b"", &plain)
    }
    /// The attempt of this value, if it is one of the request with this fingerprint.
    #[must_use]
    pub fn open(locator: &LocatorKeyring, request: &[u8; 32], sealed: &str) -> Option<Self> {
        let (of, place) = open(locator, sealed)?;
        (of == *request).then_some(place)
    }
}

/// The account of the attempt of this value, whatever request it belongs to. It counts only as the source of a request.
#[must_use]
pub fn account_of(locator: &LocatorKeyring, sealed: &str) -> Option<AccountId> {
    open(locator, sealed).map(|(_, place)| place.account)
}

fn open(locator: &LocatorKeyring, sealed: &str) -> Option<([u8; 32], AttemptLocator)> {
    let plain = locator.open(PURPOSE, b"", sealed)?;
    let (request, rest) = plain.split_first_chunk::<32>()?;
    let (account, attempt) = rest.split_first_chunk::<16>()?;
    let attempt = AttemptId::from_bytes(attempt.try_into().ok()?);
    Some((*request, AttemptLocator { account: AccountId::from_bytes(*account), attempt }))
}

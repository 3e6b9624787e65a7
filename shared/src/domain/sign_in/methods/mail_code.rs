//! A code or link that was mailed to the address of an account.

use crate::domain::id::AccountId;
use crate::domain::sign_in::evidence::Evidence;
use crate::domain::sign_in::method::Method;
use crate::domain::time::Timestamp;

/// The user has shown the mailed code of a registration.
pub(in crate::domain) const fn proven_by_registration(account: AccountId, now: Timestamp) -> Evidence {
    Evidence::new(account, Method::MailCode, now)
}

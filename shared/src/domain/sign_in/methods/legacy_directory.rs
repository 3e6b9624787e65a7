//! A password that the legacy directory has accepted.

use crate::domain::id::AccountId;
use crate::domain::sign_in::evidence::Evidence;
use crate::domain::sign_in::method::Method;
use crate::domain::time::Timestamp;

/// The legacy directory has accepted the password of this account's user.
pub(in crate::domain) const fn accepted(account: AccountId, now: Timestamp) -> Evidence {
    Evidence::new(account, Method::Password, now)
}

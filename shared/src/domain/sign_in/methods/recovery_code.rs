//! Recovery codes: each works once, in place of the authenticator app.

use crate::domain::id::AccountId;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::secret::SecretText;
use crate::domain::sign_in::evidence::Evidence;
use crate::domain::sign_in::method::Method;
use crate::domain::time::Timestamp;

/// The user has just used a recovery code of this account.
pub(in crate::domain) const fn proven(account: AccountId, now: Timestamp) -> Evidence {
    Evidence::new(account, Method::RecoveryCode, now)
}

/// The codes after the typed one was used. `None` if it is none of the unused ones. It counts only if the write of these codes succeeds, in
/// one transaction with the account.
#[must_use]
pub fn redeem(codes: &RecoveryCodes, typed: &SecretText) -> Option<RecoveryCodes> {
    codes.find(typed).map(|index| codes.with_used(index))
}

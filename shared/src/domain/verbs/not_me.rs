//! The change of a report that an event was not the user's.

use super::passkey::claim_of;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::not_me::SecuredAccount;

impl Change {
    /// The user disowned what happened since an event: the epoch is raised, the password is a random one, and the second factors are again what
    /// they were before.
    pub fn report_not_me(secured: SecuredAccount) -> Self {
        let SecuredAccount { account, profile, password, totp, codes, passkeys } = secured;
        let mut change = Self::audited(EventKind::NotMeReported, Subject::account(account.account), Put::next(account))
            .and(Put::next(profile))
            .and_all(password.map(Put::next))
            .and_all(totp.map(Put::next))
            .and_all(codes.map(Put::next));
        for passkey in passkeys {
            let claim = claim_of(&passkey);
            change = change.and(Put::next(passkey)).and(claim);
        }
        change
    }
}

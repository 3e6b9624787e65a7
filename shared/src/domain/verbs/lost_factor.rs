//! Changes of a removal of lost second factors.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::sign_in::attempt::SignInAttempt;
use crate::domain::totp::TotpCredential;

impl Change {
    /// The user of a sign-in attempt asks for the code that starts a removal.
    pub fn request_removal_code(attempt: SignInAttempt) -> Self {
        Self::audited(EventKind::RemovalCodeRequested, Subject::account(attempt.account), Put::next(attempt))
    }
    /// A wrong code was typed: one try is used.
    pub fn count_removal_code_try(attempt: SignInAttempt) -> Self {
        Self::audited(EventKind::RemovalCodeRefused, Subject::account(attempt.account), Put::next(attempt))
    }
    /// The delay of a removal starts. The code is used up.
    pub fn request_removal(account: AccountState, attempt: SignInAttempt) -> Self {
        Self::audited(EventKind::RemovalRequested, Subject::account(account.account), Put::next(account))
            .and(Put::next(attempt))
    }
    /// An operator shortens the delay: the user is told by mail.
    pub fn shorten_removal(account: AccountState) -> Self {
        Self::audited(EventKind::RemovalShortened, Subject::account(account.account), Put::next(account))
    }
    /// A removal is cancelled.
    pub fn cancel_removal(account: AccountState) -> Self {
        Self::audited(EventKind::RemovalCancelled, Subject::account(account.account), Put::next(account))
    }
    /// The second factors were removed after the delay: the epoch is raised.
    pub fn remove_lost_factors(account: AccountState, totp: Option<TotpCredential>, codes: Option<RecoveryCodes>) -> Self {
        Self::audited(EventKind::LostFactorsRemoved, Subject::account(account.account), Put::next(account))
            .and_all(totp.map(Put::next))
            .and_all(codes.map(Put::next))
    }
}

//! Changes of an account's hot item, and of the failed sign-ins of an unknown identifier.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::sign_in::attempt::SignInAttempt;

impl Change {
    /// A failed sign-in of an account.
    pub fn count_failed_sign_in(state: AccountState) -> Self {
        Self::audited(EventKind::SignInFailed, Subject::account(state.account), Put::next(state))
    }
    /// A failed sign-in of an identifier that has no account.
    pub fn count_unknown_sign_in(state: UnknownIdentifierFailures) -> Self {
        Self::audited(EventKind::SignInFailed, Subject::default(), Put::next(state))
    }
    /// Undoes a counted failure of an account.
    pub fn uncount_failed_sign_in(state: AccountState) -> Self {
        Self::unaudited(Put::next(state))
    }
    /// Undoes a counted failure of an unknown identifier.
    pub fn uncount_unknown_sign_in(state: UnknownIdentifierFailures) -> Self {
        Self::unaudited(Put::next(state))
    }
    /// A sign-in with the right password: the failure window is reset. The event is on the session.
    pub fn record_sign_in(state: AccountState) -> Self {
        Self::unaudited(Put::next(state))
    }
    /// The right first factor of an account that needs a second step: only its version changes. The event comes with the second step.
    pub fn record_first_step(state: AccountState) -> Self {
        Self::unaudited(Put::next(state))
    }
    /// A wrong code of a second step.
    pub fn count_failed_second_step(state: AccountState) -> Self {
        Self::audited(EventKind::SecondStepFailed, Subject::account(state.account), Put::next(state))
    }
    /// The wrong code of a second step that begins the waits: the owner is told.
    pub fn block_second_steps(state: AccountState) -> Self {
        Self::audited(EventKind::SecondStepsBlocked, Subject::account(state.account), Put::next(state))
    }
    /// A completed second step with a code of an authenticator app. The event is on the session.
    pub fn record_second_step(state: AccountState) -> Self {
        Self::unaudited(Put::next(state))
    }
    /// The same, and no code is asked for on this device from now on.
    pub fn remember_device(state: AccountState) -> Self {
        Self::audited(EventKind::DeviceRemembered, Subject::account(state.account), Put::next(state))
    }
    /// Codes are asked for again on devices that were remembered.
    pub fn forget_devices(state: AccountState) -> Self {
        Self::audited(EventKind::DevicesForgotten, Subject::account(state.account), Put::next(state))
    }
    /// A sign-in waits for its second step.
    pub fn open_attempt(attempt: SignInAttempt) -> Self {
        Self::unaudited(Put::next(attempt))
    }
    /// A sign-in has completed its second step.
    pub fn close_attempt(attempt: SignInAttempt) -> Self {
        Self::unaudited(Put::next(attempt))
    }
    /// A user proved the password of a closed account: the mail with the restoration link is sent again.
    pub fn request_restoration_mail(state: AccountState) -> Self {
        Self::audited(EventKind::CodeResent, Subject::account(state.account), Put::next(state))
    }
    /// A legal hold prevents the erasure of the account.
    pub fn place_legal_hold(state: AccountState) -> Self {
        Self::audited(EventKind::LegalHoldPlaced, Subject::account(state.account), Put::next(state))
    }
    /// The legal hold is lifted.
    pub fn lift_legal_hold(state: AccountState) -> Self {
        Self::audited(EventKind::LegalHoldLifted, Subject::account(state.account), Put::next(state))
    }
    /// An operator added or removed roles.
    pub fn change_roles(state: AccountState) -> Self {
        Self::audited(EventKind::RolesChanged, Subject::account(state.account), Put::next(state))
    }
}

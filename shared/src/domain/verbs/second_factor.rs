//! Changes of second factors.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::session::Session;
use crate::domain::totp::TotpCredential;

impl Change {
    /// The set-up of an authenticator app begins. No event: it opens nothing yet.
    pub fn begin_totp(totp: TotpCredential) -> Self {
        Self::unaudited(Put::next(totp))
    }
    /// A set-up was given up.
    pub fn cancel_totp(totp: TotpCredential) -> Self {
        Self::unaudited(Put::next(totp))
    }
    /// An authenticator app is in use: from now on the account needs a second step.
    pub fn activate_totp(account: AccountState, totp: TotpCredential, codes: RecoveryCodes, session: Session) -> Self {
        Self::factor(EventKind::AuthenticatorAdded, account).and(Put::next(totp)).and(Put::next(codes)).and(Put::next(session))
    }
    /// An authenticator app replaces another one: the epoch is raised.
    pub fn replace_totp(account: AccountState, totp: TotpCredential, codes: RecoveryCodes, session: Session) -> Self {
        let change = Self::factor(EventKind::AuthenticatorReplaced, account);
        change.and(Put::next(totp)).and(Put::next(codes)).and(Put::next(session))
    }
    /// The authenticator app was removed: the epoch is raised, and the presented session gets the new one.
    pub fn remove_totp(account: AccountState, totp: TotpCredential, codes: Option<RecoveryCodes>, session: Session) -> Self {
        let change = Self::factor(EventKind::AuthenticatorRemoved, account).and(Put::next(totp));
        change.and_all(codes.map(Put::next)).and(Put::next(session))
    }
    /// New recovery codes replace the old ones. With a session the epoch is raised.
    pub fn renew_recovery_codes(account: AccountState, codes: RecoveryCodes, session: Option<Session>) -> Self {
        Self::factor(EventKind::RecoveryCodesRenewed, account).and(Put::next(codes)).and_all(session.map(Put::next))
    }
    /// A recovery code was used in a second step.
    pub fn use_recovery_code(account: AccountState, codes: RecoveryCodes) -> Self {
        Self::factor(EventKind::RecoveryCodeUsed, account).and(Put::next(codes))
    }
    /// The user has shown that the codes were kept.
    pub fn note_codes_kept(codes: RecoveryCodes) -> Self {
        Self::unaudited(Put::next(codes))
    }
    /// An operator removed the app and the recovery codes of a user who has lost them: the epoch is raised, and the user is told by mail.
    pub fn reset_second_steps(account: AccountState, totp: TotpCredential, codes: Option<RecoveryCodes>) -> Self {
        Self::factor(EventKind::AuthenticatorRemoved, account).and(Put::next(totp)).and_all(codes.map(Put::next))
    }
    /// An operator lets codes be tried again after too many wrong ones.
    pub fn unlock_second_steps(account: AccountState) -> Self {
        Self::factor(EventKind::SecondStepsUnlocked, account)
    }
    fn factor(kind: EventKind, account: AccountState) -> Self {
        Self::audited(kind, Subject::account(account.account), Put::next(account))
    }
}

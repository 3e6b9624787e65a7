//! Changes of a profile and of the address of an account.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, KeyExpect, Put, RecordKey, Remove, Subject};
use crate::domain::credential::PasswordCredential;
use crate::domain::identifier::IdentifierHash;
use crate::domain::profile::Profile;
use crate::domain::record::{ClaimedIdentifier, Keyed};

impl Change {
    /// The profile was edited.
    pub fn update_profile(profile: Profile) -> Self {
        Self::audited(EventKind::ProfileChanged, Subject::account(profile.account), Put::next(profile))
    }
    /// A change of address starts. A pending one is superseded.
    pub fn start_email_change(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeStarted, Subject::account(profile.account), Put::next(profile))
    }
    /// A wrong code for a change of address was typed: one try is used.
    pub fn count_email_change_try(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeRefused, Subject::account(profile.account), Put::next(profile))
    }
    /// A change of address was ended before its proof.
    pub fn end_email_change(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeEnded, Subject::account(profile.account), Put::next(profile))
    }
    /// The new address was proven: it is claimed, and the former one is freed.
    pub fn change_email(authentication: AccountState, profile: Profile, former: IdentifierHash) -> Self {
        Self::exchange_address(EventKind::EmailChanged, authentication, profile, former)
    }
    /// The former address is restored: it is claimed, the other one is freed, the epoch is raised. The password is removed,
    /// because the person who changed the address knew it.
    pub fn undo_email_change(
        authentication: AccountState,
        profile: Profile,
        former: IdentifierHash,
        password: Option<PasswordCredential>,
    ) -> Self {
        let change = Self::exchange_address(EventKind::EmailChangeUndone, authentication, profile, former);
        match password {
            Some(password) => change.and_remove(Remove {
                key: RecordKey::Password(password.account),
                expect: KeyExpect::Version(password.version),
            }),
            None => change,
        }
    }
    /// One address is freed, and the other is claimed if no account has it: an address never belongs to two accounts, and an
    /// account never has two addresses or none.
    fn exchange_address(kind: EventKind, authentication: AccountState, profile: Profile, former: IdentifierHash) -> Self {
        let account = authentication.account;
        let claimed = Keyed { key: authentication.identifier, state: ClaimedIdentifier { account } };
        Self::audited(kind, Subject::account(account), Put::next(authentication))
            .and(Put::next(profile))
            .and(Put::new(claimed))
            .and_remove(Remove { key: RecordKey::Identifier(former), expect: KeyExpect::OwnedBy(account) })
    }
}

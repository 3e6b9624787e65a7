//! Changes of a profile, and of the address that an account signs in with.

use crate::domain::account::Authentication;
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
    /// A change of address begins; one that waited is superseded.
    pub fn start_email_change(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeStarted, Subject::account(profile.account), Put::next(profile))
    }
    /// A wrong code for a change of address was typed: one try less.
    pub fn count_email_change_try(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeRefused, Subject::account(profile.account), Put::next(profile))
    }
    /// A change of address was ended before its proof.
    pub fn end_email_change(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeEnded, Subject::account(profile.account), Put::next(profile))
    }
    /// The new address was proven: it is claimed, and the former one freed.
    pub fn change_email(authentication: Authentication, profile: Profile, former: IdentifierHash) -> Self {
        Self::exchange_address(EventKind::EmailChanged, authentication, profile, former)
    }
    /// The former address is in force again: it is claimed, the other one freed, the epoch raised. The password is removed: the one who
    /// changed the address knew it.
    pub fn undo_email_change(
        authentication: Authentication,
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
    /// One address is freed, the other claimed where no account has it: an address is never of two accounts, and an account never has
    /// both or neither.
    fn exchange_address(kind: EventKind, authentication: Authentication, profile: Profile, former: IdentifierHash) -> Self {
        let account = authentication.account;
        let claimed = Keyed { key: authentication.identifier, state: ClaimedIdentifier { account } };
        Self::audited(kind, Subject::account(account), Put::next(authentication))
            .and(Put::next(profile))
            .and(Put::new(claimed))
            .and_remove(Remove { key: RecordKey::Identifier(former), expect: KeyExpect::OwnedBy(account) })
    }
}

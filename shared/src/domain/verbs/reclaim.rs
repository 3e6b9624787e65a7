//! Changes that move claims to the next version of the identifier key. They have no event: nothing happens to the user.

use crate::domain::account::AccountState;
use crate::domain::change::{Change, KeyExpect, Put, RecordKey, Remove};
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::record::{ClaimedIdentifier, Keyed};

impl Change {
    /// The claim of an address, and the account that names it. Without the account while its erasure is in progress.
    pub fn reclaim_identifier(
        state: Option<AccountState>,
        account: AccountId,
        from: IdentifierHash,
        to: IdentifierHash,
    ) -> Self {
        let claim = Put::new(Keyed { key: to, state: ClaimedIdentifier { account } });
        let former = Remove { key: RecordKey::Identifier(from), expect: KeyExpect::OwnedBy(account) };
        match state {
            Some(state) => {
                Self::unaudited(Put::next(AccountState { identifier: to, version: state.version + 1, ..state })).and(claim)
            }
            None => Self::unaudited(claim),
        }
        .and_remove(former)
    }
    /// An account that names an address by the former version without its claim: the claim was moved before, or another account has it.
    pub fn reclaim_account(state: AccountState, to: IdentifierHash) -> Self {
        Self::unaudited(Put::next(AccountState { identifier: to, version: state.version + 1, ..state }))
    }
    /// The claim of a subject, and the link of the account that has it. `version`: that of the account's state, if it is stored. An erasure
    /// that has begun meanwhile, which knows the former claim only, makes it a conflict.
    pub fn reclaim_subject(
        claimed: ClaimedSubject,
        version: Option<u64>,
        link: Option<LinkedIdentity>,
        from: SubjectHash,
        to: SubjectHash,
    ) -> Self {
        let owned = claimed.account.map_or(KeyExpect::Present, KeyExpect::OwnedBy);
        let change = Self::unaudited(Put::new(Keyed { key: to, state: claimed }))
            .and_remove(Remove { key: RecordKey::FederatedSubject(from), expect: owned });
        let change = match claimed.account {
            Some(account) => {
                change.and_check(RecordKey::Account(account), version.map_or(KeyExpect::Absent, KeyExpect::Version))
            }
            None => change,
        };
        match link {
            Some(link) => {
                let former = RecordKey::LinkedIdentity(link.account, from);
                change
                    .and(Put::new(LinkedIdentity { subject: to, ..link }))
                    .and_remove(Remove { key: former, expect: KeyExpect::Present })
            }
            None => change,
        }
    }
    /// The failures of an address without an account, with those that were counted under the next version: the longer window.
    pub fn reclaim_failures(
        former: UnknownIdentifierFailures,
        next: Option<UnknownIdentifierFailures>,
        to: IdentifierHash,
    ) -> Self {
        let expect = KeyExpect::Version(former.version);
        let from = Remove { key: RecordKey::UnknownFailures(former.identifier), expect };
        let version = next.as_ref().map_or(1, |next| next.version + 1);
        let longest = match next {
            Some(next) if (next.failures.count, next.failures.last_at) >= (former.failures.count, former.failures.last_at) => {
                next
            }
            Some(_) | None => former,
        };
        Self::unaudited(Put::next(UnknownIdentifierFailures { identifier: to, version, ..longest })).and_remove(from)
    }
}

//! Changes that close, restore and erase an account, and the state of the retention job.

use crate::domain::account::{AccountState, AccountStatus};
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Expect, KeyExpect, Put, RecordKey, Remove, Subject};
use crate::domain::email_undo::WithdrawnRequest;
use crate::domain::erasure::{DeletionRecord, DueErasure};
use crate::domain::id::AccountId;
use crate::domain::retention::RetentionJob;
use crate::domain::time::Timestamp;

impl Change {
    /// The account is closed: its epoch is raised, its erasure is stored as due work, and the request is recorded in the table of
    /// keys.
    pub fn request_deletion(authentication: AccountState, erasure: DueErasure) -> Self {
        let account = authentication.account;
        let record = deletion_record(&authentication);
        Self::audited(EventKind::DeletionRequested, Subject::account(account), Put::next(authentication))
            .and(Put::new(erasure))
            .and_all(record.map(Put::own))
    }
    /// The closed account is active again, its due erasure is removed, and the record of the restoration replaces that of the
    /// request.
    pub fn restore_account(authentication: AccountState, withdrawn: WithdrawnRequest, now: Timestamp) -> Self {
        let (account, status) = (authentication.account, authentication.status);
        Self::audited(EventKind::AccountRestored, Subject::account(account), Put::next(authentication))
            .and_restoration(account, status, withdrawn, now)
    }
    /// The due erasure of a request is removed, and the record of the restoration replaces that of the request.
    pub(super) fn and_restoration(
        self,
        account: AccountId,
        status: AccountStatus,
        withdrawn: WithdrawnRequest,
        now: Timestamp,
    ) -> Self {
        let WithdrawnRequest { requested_at, due } = withdrawn;
        let erasure = Remove { key: RecordKey::DueErasure(account, due), expect: KeyExpect::Present };
        let record = DeletionRecord { account, at: now, status };
        let restored = self.and_remove(erasure);
        // On the day of the request both records have the same key.
        let restored = match requested_at.start_of_day() == now.start_of_day() {
            true => restored,
            false => {
                let key = RecordKey::DeletionRecord(account, requested_at);
                restored.and_remove(Remove { key, expect: KeyExpect::OwnedOrAbsent(account) })
            }
        };
        restored.and(Put::own(record))
    }
    /// A recorded request is repeated after the restore of a backup. The event of the request was recorded when it was made.
    pub fn replay_request(closed: AccountState, former: Option<Timestamp>, erasure: DueErasure) -> Self {
        let account = closed.account;
        let former = former.map(|due| Remove { key: RecordKey::DueErasure(account, due), expect: KeyExpect::Present });
        let erasure = Put { expect: Expect::OwnedOrAbsent(account), ..Put::new(erasure) };
        let change = Self::unaudited(Put::next(closed)).and(erasure);
        former.into_iter().fold(change, Self::and_remove)
    }
    /// A recorded restoration is repeated after the restore of a backup.
    pub fn replay_restoration(open: AccountState, due: Timestamp) -> Self {
        let erasure = Remove { key: RecordKey::DueErasure(open.account, due), expect: KeyExpect::Present };
        Self::unaudited(Put::next(open)).and_remove(erasure)
    }
    /// A due erasure waits for a legal hold: it moves to the work of a later day.
    pub fn defer_erasure(authentication: AccountState, former: Timestamp, erasure: DueErasure) -> Self {
        let account = authentication.account;
        let before = Remove { key: RecordKey::DueErasure(account, former), expect: KeyExpect::Present };
        Self::audited(EventKind::ErasureDeferred, Subject::account(account), Put::next(authentication))
            .and_remove(before)
            .and(Put::new(erasure))
    }
    /// The point of no return: the account's own item keeps no data of the user, and expires.
    pub fn erase_account(erased: AccountState) -> Self {
        Self::audited(EventKind::AccountErased, Subject::account(erased.account), Put::next(erased))
    }
    /// The progress of the retention job.
    pub fn checkpoint_retention(job: RetentionJob) -> Self {
        Self::unaudited(Put::next(job))
    }
}

/// The record of the deletion request of a closed account.
pub(super) fn deletion_record(closed: &AccountState) -> Option<DeletionRecord> {
    match closed.status {
        AccountStatus::ErasureDue { since, .. } => {
            Some(DeletionRecord { account: closed.account, at: since, status: closed.status })
        }
        AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => None,
    }
}

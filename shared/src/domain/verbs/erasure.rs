//! Changes that close, restore and erase an account, and the state of the retention job.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, KeyExpect, Put, RecordKey, Remove, Subject};
use crate::domain::erasure::DueErasure;
use crate::domain::retention::RetentionJob;
use crate::domain::time::Timestamp;

impl Change {
    /// The account is closed: its epoch is raised, and its erasure is stored as due work.
    pub fn request_deletion(authentication: AccountState, erasure: DueErasure) -> Self {
        let subject = Subject::account(authentication.account);
        Self::audited(EventKind::DeletionRequested, subject, Put::next(authentication)).and(Put::new(erasure))
    }
    /// The closed account is active again, and its due erasure is removed.
    pub fn restore_account(authentication: AccountState, due: Timestamp) -> Self {
        let account = authentication.account;
        let erasure = Remove { key: RecordKey::DueErasure(account, due), expect: KeyExpect::Present };
        Self::audited(EventKind::AccountRestored, Subject::account(account), Put::next(authentication)).and_remove(erasure)
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

//! Changes that close, restore and erase an account, and the state of the job that does it.

use crate::domain::account::Authentication;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, KeyExpect, Put, RecordKey, Remove, Subject};
use crate::domain::erasure::DueErasure;
use crate::domain::retention::RetentionJob;
use crate::domain::time::Timestamp;

impl Change {
    /// The account is closed: its epoch is raised, and its erasure is among the due work.
    pub fn request_deletion(authentication: Authentication, erasure: DueErasure) -> Self {
        let subject = Subject::account(authentication.account);
        Self::audited(EventKind::DeletionRequested, subject, Put::next(authentication)).and(Put::new(erasure))
    }
    /// The closed account is in use again, its erasure of this time removed.
    pub fn restore_account(authentication: Authentication, due: Timestamp) -> Self {
        let account = authentication.account;
        let erasure = Remove { key: RecordKey::DueErasure(account, due), expect: KeyExpect::Present };
        Self::audited(EventKind::AccountRestored, Subject::account(account), Put::next(authentication)).and_remove(erasure)
    }
    /// An erasure waits for a legal hold: it moves from its former day's work to a later day's.
    pub fn defer_erasure(authentication: Authentication, former: Timestamp, erasure: DueErasure) -> Self {
        let account = authentication.account;
        let before = Remove { key: RecordKey::DueErasure(account, former), expect: KeyExpect::Present };
        Self::audited(EventKind::ErasureDeferred, Subject::account(account), Put::next(authentication))
            .and_remove(before)
            .and(Put::new(erasure))
    }
    /// The point of no return: nothing of the user is left in the account's own item, which expires.
    pub fn erase_account(erased: Authentication) -> Self {
        Self::audited(EventKind::AccountErased, Subject::account(erased.account), Put::next(erased))
    }
    /// How far the retention job has come.
    pub fn checkpoint_retention(job: RetentionJob) -> Self {
        Self::unaudited(Put::next(job))
    }
}

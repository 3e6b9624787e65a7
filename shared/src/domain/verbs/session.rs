//! Changes of sessions.

use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::oauth::grant::Grant;
use crate::domain::session::Session;

impl Change {
    /// A session opens.
    pub fn open_session(session: Session) -> Self {
        Self::audited(EventKind::SignedIn, Subject::account(session.account), Put::next(session))
    }
    /// The user of the session authenticates again: the cookie gets another secret.
    pub fn renew_session(session: Session) -> Self {
        Self::audited(EventKind::SignedIn, Subject::account(session.account), Put::next(session))
    }
    /// A session opens on a device that the account did not know: the owner is told by mail.
    pub fn open_session_on_new_device(session: Session) -> Self {
        Self::open_session(session).on_new_device()
    }
    /// The user of the session authenticates again, on a device that the account did not know, or knows no more.
    pub fn renew_session_on_new_device(session: Session) -> Self {
        Self::renew_session(session).on_new_device()
    }
    /// The session was used.
    pub fn touch_session(session: Session) -> Self {
        Self::unaudited(Put::next(session))
    }
    /// The session ends.
    pub fn end_session(session: Session) -> Self {
        Self::audited(EventKind::SignedOut, Subject::account(session.account), Put::next(session))
    }
    /// A session is ended from the list, and its offline grants with it: at most [`super::super::change::MAX_ENDED_GRANTS`].
    pub fn end_session_and_grants(session: Session, grants: Vec<Grant>) -> Self {
        let subject = Subject::account(session.account);
        Self::audited(EventKind::SessionEnded, subject, Put::next(session)).and_all(grants.into_iter().map(Put::next))
    }
}

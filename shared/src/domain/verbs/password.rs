//! Changes of a password.

use crate::domain::account::Authentication;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::credential::PasswordCredential;
use crate::domain::flow::Flow;
use crate::domain::oauth::grant::Grant;
use crate::domain::session::Session;

impl Change {
    /// The password's hash was made again with present parameters. No event: nothing changed for the user.
    pub fn rehash(password: PasswordCredential) -> Self {
        Self::unaudited(Put::next(password))
    }
    /// A password that the legacy directory found right is kept here from now on, and the failure window is reset. No event: nothing
    /// changed for the user.
    pub fn keep_password(authentication: Authentication, password: PasswordCredential) -> Self {
        Self::unaudited(Put::next(authentication)).and(Put::next(password))
    }
    /// A password was set by recovery: the flow is completed, the password replaced, the epoch raised.
    pub fn reset_password(flow: Flow, authentication: Authentication, password: PasswordCredential) -> Self {
        let subject =
            Subject { account: Some(authentication.account), flow: Some(flow.id), client: Some(flow.client_id.clone()) };
        Self::audited(EventKind::PasswordReset, subject, Put::next(authentication))
            .and(Put::next(password))
            .and(Put::next(flow))
    }
    /// The password was changed by a user who knew it: the epoch is raised, and the session and the grant that were presented for it
    /// are stamped with the new epoch. Every other session and grant is of a past epoch.
    pub fn change_password(
        authentication: Authentication,
        password: PasswordCredential,
        session: Option<Session>,
        grant: Option<Grant>,
    ) -> Self {
        let subject = Subject::account(authentication.account);
        Self::audited(EventKind::PasswordChanged, subject, Put::next(authentication))
            .and(Put::next(password))
            .and_all(session.map(Put::next))
            .and_all(grant.map(Put::next))
    }
}

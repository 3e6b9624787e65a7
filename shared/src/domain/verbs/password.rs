//! Changes of a password.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::credential::PasswordCredential;
use crate::domain::flow::Flow;
use crate::domain::oauth::grant::Grant;
use crate::domain::session::Session;

impl Change {
    /// The hash of a password was renewed with the current parameters. No event: nothing changed for the user.
    pub fn rehash(password: PasswordCredential) -> Self {
        Self::unaudited(Put::next(password))
    }
    /// A password that the legacy directory accepted is stored, and the failure window is reset. No event: nothing changed for
    /// the user.
    pub fn keep_password(authentication: AccountState, password: PasswordCredential) -> Self {
        Self::unaudited(Put::next(authentication)).and(Put::next(password))
    }
    /// A password was reset by mail: the flow is completed, the password replaced, the epoch raised.
    pub fn reset_password(flow: Flow, authentication: AccountState, password: PasswordCredential) -> Self {
        let subject =
            Subject { account: Some(authentication.account), flow: Some(flow.id), client: Some(flow.client_id.clone()) };
        Self::audited(EventKind::PasswordReset, subject, Put::next(authentication))
            .and(Put::next(password))
            .and(Put::next(flow))
    }
    /// The password was changed by a user who knew the old one: the epoch is raised, and the presented session and grant get the
    /// new epoch. All other sessions and grants keep the past epoch.
    pub fn change_password(
        authentication: AccountState,
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

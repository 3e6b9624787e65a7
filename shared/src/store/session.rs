//! Reads of sessions.
use super::{StoreError, TenantStore};
use crate::domain::account::Authentication;
use crate::domain::consent::Consent;
use crate::domain::id::{AccountId, ClientId, SessionId};
use crate::domain::session::Session;

/// A session with what decides whether it lives.
#[derive(Debug, Clone)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// Its account.
    pub authentication: Authentication,
    /// What the account allowed the client that was asked for.
    pub consent: Option<Consent>,
}

impl TenantStore {
    /// The session ‖ AUTHN (‖ consent to this client), one BatchGetItem: 2 or 3 RRU. `None` when session or account is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_session(
        &self,
        account: AccountId,
        session: SessionId,
        consent_to: Option<&ClientId>,
    ) -> Result<Option<SessionSnapshot>, StoreError> {
        let _ = (account, session, consent_to);
        todo!()
    }
}

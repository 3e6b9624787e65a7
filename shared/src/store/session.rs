//! Reads of sessions.
use super::item::Kind;
use super::key::Thing;
use super::{StoreError, TenantStore};
use crate::domain::account::Authentication;
use crate::domain::consent::Consent;
use crate::domain::id::{AccountId, ClientId, SessionId};
use crate::domain::session::Session;

/// A session with everything that decides whether it is live.
#[derive(Debug, Clone)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// Its account.
    pub authentication: Authentication,
    /// The account's consent to the requested client.
    pub consent: Option<Consent>,
}

impl TenantStore {
    /// The session ‖ AUTHN (‖ consent to this client), one BatchGetItem: 2 or 3 RRU. `None` if session or account does not exist.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_session(
        &self,
        account: AccountId,
        session: SessionId,
        consent_to: Option<&ClientId>,
    ) -> Result<Option<SessionSnapshot>, StoreError> {
        let session = self.key(Thing::Session(account, session));
        let authentication = self.key(Thing::Authentication(account));
        let consent = consent_to.map(|client| self.key(Thing::Consent(account, client)));
        let keys = [&session, &authentication].into_iter().chain(consent.as_ref()).cloned().collect();
        let mut items = self.batch_keys(keys).await?;
        let consent = match consent {
            Some(key) => items.take(&key, Kind::Consent)?,
            None => None,
        };
        let session = items.take(&session, Kind::Session)?;
        let authentication = items.take(&authentication, Kind::Authentication)?;
        Ok(session.zip(authentication).map(|(session, authentication)| SessionSnapshot { session, authentication, consent }))
    }
}

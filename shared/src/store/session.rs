//! Reads of sessions.
use super::account::ProfileSnapshot;
use super::item::ItemKind;
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::domain::account::AccountState;
use crate::domain::consent::Consent;
use crate::domain::id::{AccountId, ClientId, SessionId};
use crate::domain::session::Session;

/// A session with everything that decides whether it is live.
#[derive(Debug, Clone)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// Its account.
    pub authentication: AccountState,
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
        let session = self.key(ItemRef::Session(account, session));
        let authentication = self.key(ItemRef::Authentication(account));
        let consent = consent_to.map(|client| self.key(ItemRef::Consent(account, client)));
        let keys = [&session, &authentication].into_iter().chain(consent.as_ref()).cloned().collect();
        let mut items = self.batch_keys(keys).await?;
        let consent = match consent {
            Some(key) => items.take(&key, ItemKind::Consent)?,
            None => None,
        };
        let session = items.take(&session, ItemKind::Session)?;
        let authentication = items.take(&authentication, ItemKind::Authentication)?;
        Ok(session.zip(authentication).map(|(session, authentication)| SessionSnapshot { session, authentication, consent }))
    }
    /// The account with its profile and data key, and one of its sessions, whether or not it is live. One BatchGetItem: 4 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_session_owner(
        &self,
        account: AccountId,
        session: SessionId,
    ) -> Result<Option<(ProfileSnapshot, Option<Session>)>, StoreError> {
        let (session, authentication) = (ItemRef::Session(account, session), ItemRef::Authentication(account));
        let (profile, data_key) = (ItemRef::Profile(account), ItemRef::DataKey(account));
        let mut items = self.batch([session, authentication, profile, data_key]).await?;
        let session = items.take(&self.key(session), ItemKind::Session)?;
        let authentication = items.take(&self.key(authentication), ItemKind::Authentication)?;
        let profile = items.take(&self.key(profile), ItemKind::Profile)?;
        let data_key = items.take(&self.key(data_key), ItemKind::DataKey)?;
        Ok(match (authentication, profile, data_key) {
            (Some(authentication), Some(profile), Some(data_key)) => {
                Some((ProfileSnapshot { authentication, profile, data_key }, session))
            }
            (None, _, _) | (_, None, _) | (_, _, None) => None,
        })
    }
}

//! Reads of grants, and of revoked tokens without a grant.
use super::item::ItemKind;
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::id::{AccountId, GrantId, Jti, SessionId};
use crate::domain::oauth::grant::Grant;
use crate::domain::profile::Profile;
use crate::domain::record::RevokedToken;
use crate::domain::session::Session;

/// The grant, and what to read with it.
#[derive(Debug, Clone, Copy)]
pub struct GrantQuery {
    /// The account.
    pub account: AccountId,
    /// The grant.
    pub grant: GrantId,
    /// Also its session (codes, grants without `offline_access`): 1 RRU more.
    pub session: Option<SessionId>,
    /// Also profile and data key (userinfo): 2 RRU more.
    pub profile: bool,
}

/// A grant with everything that decides whether it is live.
#[derive(Debug, Clone)]
pub struct GrantSnapshot {
    /// The grant.
    pub grant: Grant,
    /// Its account.
    pub authentication: AccountState,
    /// The session, if requested and stored.
    pub session: Option<Session>,
    /// The profile, if requested and stored.
    pub profile: Option<Profile>,
    /// The data key, if requested and stored.
    pub data_key: Option<WrappedDataKey>,
}

impl TenantStore {
    /// The grant ‖ AUTHN (‖ session ‖ PROFILE ‖ key), one BatchGetItem: from 2 RRU. `None` if grant or account does not exist.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_grant(&self, query: GrantQuery) -> Result<Option<GrantSnapshot>, StoreError> {
        let GrantQuery { account, grant, session, profile } = query;
        let grant = self.key(ItemRef::Grant(account, grant));
        let authentication = self.key(ItemRef::Authentication(account));
        let session = session.map(|session| self.key(ItemRef::Session(account, session)));
        let person = profile.then(|| (self.key(ItemRef::Profile(account)), self.key(ItemRef::DataKey(account))));
        let mut keys = vec![grant.clone(), authentication.clone()];
        keys.extend(session.clone());
        keys.extend(person.clone().map(<[_; 2]>::from).into_iter().flatten());
        let mut items = self.batch_keys(keys).await?;
        let session = match session {
            Some(key) => items.take(&key, ItemKind::Session)?,
            None => None,
        };
        let (profile, data_key) = match person {
            Some((profile, data_key)) => (items.take(&profile, ItemKind::Profile)?, items.take(&data_key, ItemKind::DataKey)?),
            None => (None, None),
        };
        let grant = items.take(&grant, ItemKind::Grant)?;
        let authentication = items.take(&authentication, ItemKind::Authentication)?;
        Ok(grant.zip(authentication).map(|(grant, authentication)| GrantSnapshot {
            grant,
            authentication,
            session,
            profile,
            data_key,
        }))
    }
    /// Whether an access token without a grant was revoked. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_revoked_jti(&self, jti: Jti) -> Result<bool, StoreError> {
        let revoked: Option<RevokedToken> = self.get(ItemRef::RevokedJti(jti), ItemKind::RevokedJti).await?;
        Ok(revoked.is_some())
    }
}
